use bytes::Bytes;
use http::header;
use http::response::Parts;
use tokio::time::Instant;

use super::sound::ByteStream;
use super::stream::{Begun, EventStream};
use super::{empty_answer, media, refused_credentials};
use crate::call::{Attempt, Reply, ReplyBody};
use crate::error::Result;
use crate::provider::dialect::Dialect;
use crate::provider::headers;
use crate::provider::observe::{
    ChunkObserver, MessagesObserver, Normalising, Observe, TypedObserver, observe_completion,
    observe_message,
};
use crate::provider::redact::redact;
use crate::provider::translated::Translation;
use crate::provider::transport::UpstreamBody;
use crate::wire::{Operation, Usage};

/// The longest answer that is held in memory, in bytes. Streams are not held.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// An answer whose head has come.
pub(super) struct Incoming<'a, D> {
    pub(super) dialect: &'a D,
    pub(super) attempt: &'a Attempt,
    /// Until then the answer must have begun.
    pub(super) deadline: Instant,
}

impl<D: Dialect> Incoming<'_, D> {
    /// The reply, of an answer to `operation` in the client's own protocol.
    pub(super) async fn passing(
        self,
        operation: Operation,
        parts: Parts,
        body: UpstreamBody,
    ) -> Result<Reply> {
        let is_good = parts.status.is_success();
        if is_good && headers::is_event_stream(&parts.headers) {
            return Box::pin(self.events(operation, parts, body)).await;
        }
        if is_good && operation == Operation::Speech && !headers::is_json(&parts.headers) {
            let sound = Box::pin(ByteStream::begin(body, self.deadline)).await?;
            return Ok(Reply {
                status: parts.status,
                headers: parts.headers,
                body: ReplyBody::Stream(Box::pin(sound)),
            });
        }
        let bytes = body.collect(MAX_ANSWER_BYTES).await?;
        if is_good && is_empty(&bytes, operation) {
            return Err(empty_answer());
        }
        let bytes = match is_good {
            true => (self.dialect.normalise())
                .and_then(|normalise| normalise(&bytes))
                .unwrap_or(bytes),
            false => self.redacted(bytes),
        };
        let mut observed = match operation {
            Operation::Message => observe_message(&bytes),
            _ => observe_completion(&bytes),
        };
        if let Some(usage) = &mut observed.usage {
            all_is_prompt(usage, operation);
        }
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body: ReplyBody::Full { bytes, observed },
        })
    }

    async fn events(self, operation: Operation, parts: Parts, body: UpstreamBody) -> Result<Reply> {
        if operation == Operation::Message {
            return self.begin(parts, body, MessagesObserver::new()).await;
        }
        if !operation.has_stream_options() {
            let observer = TypedObserver::new(operation == Operation::Response);
            return self.begin(parts, body, observer).await;
        }
        let observer = ChunkObserver::new(!self.attempt.body().fields().include_usage);
        match self.dialect.normalise() {
            None => self.begin(parts, body, observer).await,
            Some(normalise) => {
                let observer = Normalising::new(observer, normalise);
                self.begin(parts, body, observer).await
            }
        }
    }

    /// The reply, of an answer in another protocol.
    pub(super) async fn translated(
        self,
        translation: &Translation,
        mut parts: Parts,
        body: UpstreamBody,
    ) -> Result<Reply> {
        let is_good = parts.status.is_success();
        if is_good && translation.is_stream() {
            translation.head(&mut parts.headers, true);
            return self.begin(parts, body, translation.stream()).await;
        }
        let bytes = body.collect(MAX_ANSWER_BYTES).await?;
        translation.head(&mut parts.headers, false);
        if !is_good {
            if self.dialect.is_refused_key(parts.status, &bytes) {
                return Err(refused_credentials(parts.status));
            }
            let bytes = self.redacted(bytes);
            let (status, bytes, observed) = translation.error(parts.status, &bytes);
            return Ok(Reply {
                status,
                headers: parts.headers,
                body: ReplyBody::Full { bytes, observed },
            });
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(empty_answer());
        }
        let (bytes, observed) = translation.answer(bytes).await?;
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body: ReplyBody::Full { bytes, observed },
        })
    }

    /// The reply to a stream that has begun, or could not.
    async fn begin<O: Observe + 'static>(
        self,
        mut parts: Parts,
        body: UpstreamBody,
        observer: O,
    ) -> Result<Reply> {
        let profile = self.attempt.target().provider.clone();
        let begun = EventStream::begin(body, profile, observer, self.deadline).await?;
        let (status, body) = match begun {
            Begun::Flowing(stream) => (parts.status, ReplyBody::Stream(Box::pin(stream))),
            Begun::Refused {
                status,
                body: bytes,
                mut observed,
            } => {
                parts.headers.insert(header::CONTENT_TYPE, media::JSON);
                observed.status = Some(parts.status);
                (status, ReplyBody::Full { bytes, observed })
            }
        };
        Ok(Reply {
            status,
            headers: parts.headers,
            body,
        })
    }

    fn redacted(&self, bytes: Bytes) -> Bytes {
        redact(bytes, self.attempt.target().provider.expose_key())
    }
}

/// Silence has no words: its transcription may be an empty line.
fn is_empty(answer: &Bytes, operation: Operation) -> bool {
    match operation {
        Operation::Transcription => answer.is_empty(),
        _ => answer.iter().all(u8::is_ascii_whitespace),
    }
}

/// Jina and others tell the total alone of what has no words for an answer
/// (<https://api.jina.ai/redoc>).
fn all_is_prompt(usage: &mut Usage, operation: Operation) {
    let has_no_words = matches!(operation, Operation::Embedding | Operation::Rerank);
    if has_no_words && usage.prompt_tokens + usage.completion_tokens == 0 {
        usage.prompt_tokens = usage.total_tokens;
    }
}
