use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{StatusCode, header};
use tokio::time::Instant;

use super::media;
use super::shape::Shape;
use super::sound::ByteStream;
use super::stream::{Begun, EventStream, PATIENCE_FOR_LAST};
use crate::call::{Attempt, Reply, ReplyBody};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::Dialect;
use crate::provider::faults::{
    empty_answer, empty_stream, no_answer, refused_credentials, status_of, unknown_coding,
};
use crate::provider::headers;
use crate::provider::tap::{
    ChunkTap, MessagesTap, Normalising, Tap, TypedTap, Whole, judge, read_completion,
};
use crate::provider::translated::{ClientAnswer, Translation};
use crate::provider::transport::{UpstreamBody, failure};
use crate::translate::ClientProtocol;
use crate::wire::{Operation, Usage};

/// The longest answer that is kept in memory, in bytes. Streams are not kept.
pub(super) const MAX_ANSWER_BYTES: usize = 256 << 20;

/// The longest error that is kept in memory, in bytes: it is searched for secrets.
const MAX_ERROR_BYTES: usize = 4 << 20;

/// An answer whose head has arrived.
pub(super) struct Incoming<'a, D> {
    pub(super) dialect: &'a D,
    pub(super) attempt: &'a Attempt,
    /// The answer must start by then.
    pub(super) deadline: Instant,
}

impl<D: Dialect> Incoming<'_, D> {
    /// The reply for an answer to `operation` in the client's own protocol.
    pub(super) async fn passing(
        self,
        operation: Operation,
        mut parts: Parts,
        body: UpstreamBody,
    ) -> Result<Reply> {
        let is_good = parts.status.is_success();
        let is_events = headers::is_event_stream(&parts.headers);
        if is_good
            && operation == Operation::Speech
            && !is_events
            && !headers::is_json(&parts.headers)
        {
            // Not parsed, so it stays in its coding.
            let sound = Box::pin(ByteStream::begin(body, self.deadline)).await?;
            return Ok(Reply::new(
                parts.status,
                parts.headers,
                ReplyBody::Stream(Box::pin(sound)),
            ));
        }
        let mut body = self.readable(&mut parts, body)?;
        if !is_good {
            return self.whole(operation, parts, body).await;
        }
        let is_stream = self.attempt.body().is_stream();
        let Some(client) = ClientProtocol::of(operation) else {
            let may_be_events = is_stream && operation.has_stream_options();
            if is_events
                || may_be_events && self.shape(&mut body, true).await? == Some(Shape::Events)
            {
                return Box::pin(self.events(operation, parts, body)).await;
            }
            return self.whole(operation, parts, body).await;
        };
        match (self.shape(&mut body, is_stream).await?, is_stream) {
            (Some(Shape::Json), false) => self.whole(operation, parts, body).await,
            (Some(Shape::Events), true) => Box::pin(self.events(operation, parts, body)).await,
            (Some(Shape::Other), _) => Err(no_answer()),
            (None, true) => Err(empty_stream()),
            (None, false) => Err(empty_answer()),
            (Some(Shape::Json | Shape::Events), _) => {
                let include_usage = self.attempt.body().fields().include_usage;
                let translation = Translation::within(client, is_stream, include_usage);
                Box::pin(self.read(&translation, parts, body, !is_stream)).await
            }
        }
    }

    /// The reply for a complete answer, unchanged.
    async fn whole(self, operation: Operation, parts: Parts, body: UpstreamBody) -> Result<Reply> {
        let mut status = parts.status;
        let bytes = body.collect(most(status)).await?;
        let (bytes, mut observed) = match status.is_success() {
            false => {
                let observed = read_completion(&bytes);
                (bytes, observed)
            }
            true if is_empty(&bytes, operation) => return Err(empty_answer()),
            true => {
                let bytes = self.normalised(bytes);
                match judge(operation, &bytes) {
                    Whole::Answer(observed) => (bytes, observed),
                    Whole::Refused(named, mut observed) => {
                        observed.status = Some(status);
                        status = status_of(named)?;
                        (bytes, observed)
                    }
                    Whole::Nothing => return Err(no_answer()),
                }
            }
        };
        if let Some(usage) = &mut observed.usage {
            all_is_prompt(usage, operation);
        }
        Ok(Reply::new(
            status,
            parts.headers,
            ReplyBody::Full { bytes, observed },
        ))
    }

    fn normalised(&self, bytes: Bytes) -> Bytes {
        (self.dialect.normalise())
            .and_then(|normalise| normalise(&bytes))
            .unwrap_or(bytes)
    }

    /// A body with its codings undone.
    fn readable(&self, parts: &mut Parts, body: UpstreamBody) -> Result<UpstreamBody> {
        body.decoded(&mut parts.headers)
            .map_err(|_| unknown_coding())
    }

    /// The format of a successful answer by its first bytes; `None` if there are none.
    async fn shape(&self, body: &mut UpstreamBody, is_stream: bool) -> Result<Option<Shape>> {
        let shape = body.look(Shape::of);
        if !is_stream {
            return shape.await;
        }
        match tokio::time::timeout_at(self.deadline, shape).await {
            Ok(shape) => shape,
            Err(_) => Err(too_late()),
        }
    }

    /// The reply for an answer in another format than the one to be sent: it is parsed and written
    /// again.
    async fn read(
        self,
        translation: &Translation,
        mut parts: Parts,
        body: UpstreamBody,
        is_events: bool,
    ) -> Result<Reply> {
        let mut answer = match is_events {
            true => self.gathered(translation, body).await?,
            false => {
                let bytes = self.normalised(body.collect(MAX_ANSWER_BYTES).await?);
                translation.answer(bytes).await?
            }
        };
        translation.head(&mut parts.headers, answer.is_stream);
        if answer.status != parts.status {
            answer.observed.status = Some(parts.status);
        }
        Ok(Reply::new(answer.status, parts.headers, answer.into_body()))
    }

    /// A stream, assembled.
    async fn gathered(
        &self,
        translation: &Translation,
        mut body: UpstreamBody,
    ) -> Result<ClientAnswer> {
        let mut gathering = translation.gathering();
        // Lines may turn out to be one answer on several lines.
        let mut lines = translation.has_lines().then(BytesMut::new);
        let mut left = MAX_ANSWER_BYTES;
        loop {
            let chunk = poll_fn(|cx| body.poll_chunk(cx));
            let chunk = match gathering.is_finished() {
                true => match tokio::time::timeout(PATIENCE_FOR_LAST, chunk).await {
                    // The answer is complete: how the connection ends no longer matters.
                    Ok(Err(_)) | Err(_) => None,
                    Ok(Ok(chunk)) => chunk,
                },
                false => chunk.await.map_err(failure::before_answer)?,
            };
            let Some(chunk) = chunk else { break };
            left = left.checked_sub(chunk.len()).ok_or_else(too_long)?;
            if let Some(lines) = &mut lines {
                lines.extend_from_slice(&chunk);
            }
            if gathering.push(chunk)? {
                return translation.gathered(gathering);
            }
        }
        match lines {
            Some(lines) => translation.answer(lines.freeze()).await,
            None => translation.gathered(gathering),
        }
    }

    async fn events(
        self,
        operation: Operation,
        mut parts: Parts,
        body: UpstreamBody,
    ) -> Result<Reply> {
        if !headers::is_event_stream(&parts.headers) {
            parts.headers.insert(header::CONTENT_TYPE, media::SSE);
        }
        headers::forget_body(&mut parts.headers);
        if operation == Operation::Message {
            return self.begin(parts, body, MessagesTap::new()).await;
        }
        if !operation.has_stream_options() {
            let tap = TypedTap::new(operation == Operation::Response);
            return self.begin(parts, body, tap).await;
        }
        let tap = ChunkTap::new(!self.attempt.body().fields().include_usage);
        match self.dialect.normalise() {
            None => self.begin(parts, body, tap).await,
            Some(normalise) => {
                let tap = Normalising::new(tap, normalise);
                self.begin(parts, body, tap).await
            }
        }
    }

    /// The reply for an answer in another protocol.
    pub(super) async fn translated(
        self,
        translation: &Translation,
        mut parts: Parts,
        body: UpstreamBody,
    ) -> Result<Reply> {
        let mut body = self.readable(&mut parts, body)?;
        if !parts.status.is_success() {
            let bytes = body.collect(MAX_ERROR_BYTES).await?;
            if self.dialect.is_refused_key(parts.status, &bytes) {
                return Err(refused_credentials(parts.status));
            }
            translation.head(&mut parts.headers, false);
            let (status, bytes, observed) = translation.error(parts.status, &bytes);
            return Ok(Reply::new(
                status,
                parts.headers,
                ReplyBody::Full { bytes, observed },
            ));
        }
        let is_stream = translation.is_stream();
        let shape = self.shape(&mut body, is_stream).await?;
        let flows = match shape {
            None if is_stream => return Err(empty_stream()),
            None => return Err(empty_answer()),
            Some(Shape::Other) => return Err(no_answer()),
            Some(Shape::Events) => true,
            Some(Shape::Json) => translation.has_lines(),
        };
        if is_stream && flows {
            translation.head(&mut parts.headers, true);
            return self.begin(parts, body, translation.stream()).await;
        }
        let is_events = flows && !is_stream;
        self.read(translation, parts, body, is_events).await
    }

    /// The reply for a stream that has started, or failed to.
    async fn begin<O: Tap + 'static>(
        self,
        mut parts: Parts,
        body: UpstreamBody,
        tap: O,
    ) -> Result<Reply> {
        let begun = EventStream::begin(body, tap, self.deadline).await?;
        let (status, body) = match begun {
            Begun::Flowing(stream) => (parts.status, ReplyBody::Stream(stream)),
            Begun::Refused {
                status,
                body: bytes,
                mut observed,
            } => {
                headers::forget_body(&mut parts.headers);
                parts.headers.insert(header::CONTENT_TYPE, media::JSON);
                observed.status = Some(parts.status);
                (status, ReplyBody::Full { bytes, observed })
            }
        };
        Ok(Reply::new(status, parts.headers, body))
    }
}

/// The maximum length of an answer.
fn most(status: StatusCode) -> usize {
    match status.is_success() {
        true => MAX_ANSWER_BYTES,
        false => MAX_ERROR_BYTES,
    }
}

fn too_late() -> Error {
    Error::new(
        ErrorKind::UpstreamTimeout,
        "the provider did not start to answer in time; try again",
    )
}

fn too_long() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider's answer exceeds the size limit",
    )
}

/// The transcription of silence may be an empty line.
fn is_empty(answer: &Bytes, operation: Operation) -> bool {
    match operation {
        Operation::Transcription => answer.is_empty(),
        _ => answer.iter().all(u8::is_ascii_whitespace),
    }
}

/// Jina and others only report the total for operations without text in the answer
/// (<https://api.jina.ai/redoc>).
fn all_is_prompt(usage: &mut Usage, operation: Operation) {
    let has_no_words = matches!(operation, Operation::Embedding | Operation::Rerank);
    if has_no_words && usage.prompt_tokens == 0 && usage.completion_tokens == 0 {
        usage.prompt_tokens = usage.total_tokens;
    }
}
