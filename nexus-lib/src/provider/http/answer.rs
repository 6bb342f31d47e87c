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

/// An answer in the client's own protocol.
pub(super) struct Passing<'a, D> {
    pub(super) dialect: &'a D,
    pub(super) operation: Operation,
    pub(super) attempt: &'a Attempt,
    pub(super) deadline: Instant,
}

impl<D: Dialect> Passing<'_, D> {
    pub(super) async fn reply(self, parts: Parts, body: UpstreamBody) -> Result<Reply> {
        let (operation, deadline) = (self.operation, self.deadline);
        let is_good = parts.status.is_success();
        if is_good && headers::is_event_stream(&parts.headers) {
            return self.stream(parts, body).await;
        }
        if is_good && operation == Operation::Speech && !headers::is_json(&parts.headers) {
            let sound = ByteStream::begin(body, deadline).await?;
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
            false => redact(bytes, self.attempt.target().provider.expose_key()),
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

    async fn stream(self, parts: Parts, body: UpstreamBody) -> Result<Reply> {
        let Self {
            dialect,
            operation,
            attempt,
            deadline,
        } = self;
        if operation == Operation::Message {
            return begin(parts, body, attempt, MessagesObserver::new(), deadline).await;
        }
        if !operation.has_stream_options() {
            let observer = TypedObserver::new(operation == Operation::Response);
            return begin(parts, body, attempt, observer, deadline).await;
        }
        let observer = ChunkObserver::new(!attempt.body().fields().include_usage);
        if let Some(normalise) = dialect.normalise() {
            let observer = Normalising::new(observer, normalise);
            return begin(parts, body, attempt, observer, deadline).await;
        }
        begin(parts, body, attempt, observer, deadline).await
    }
}

/// An answer in another protocol.
pub(super) async fn translated(
    dialect: &impl Dialect,
    translation: &Translation,
    attempt: &Attempt,
    mut parts: Parts,
    body: UpstreamBody,
    deadline: Instant,
) -> Result<Reply> {
    let is_good = parts.status.is_success();
    if is_good && translation.is_stream() {
        translation.head(&mut parts.headers, true);
        return begin(parts, body, attempt, translation.stream(), deadline).await;
    }
    let bytes = body.collect(MAX_ANSWER_BYTES).await?;
    translation.head(&mut parts.headers, false);
    if !is_good {
        if dialect.is_refused_key(parts.status, &bytes) {
            return Err(refused_credentials(parts.status));
        }
        let bytes = redact(bytes, attempt.target().provider.expose_key());
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
    let (bytes, observed) = translation.answer(&bytes)?;
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body: ReplyBody::Full { bytes, observed },
    })
}

/// The reply to a stream that has begun, or could not.
async fn begin<O: Observe + 'static>(
    mut parts: Parts,
    body: UpstreamBody,
    attempt: &Attempt,
    observer: O,
    deadline: Instant,
) -> Result<Reply> {
    let profile = attempt.target().provider.clone();
    let (status, body) = match EventStream::begin(body, profile, observer, deadline).await? {
        Begun::Flowing(stream) => (parts.status, ReplyBody::Stream(Box::pin(stream))),
        Begun::Refused {
            status,
            body: bytes,
            observed,
        } => {
            parts.headers.insert(header::CONTENT_TYPE, media::JSON);
            (status, ReplyBody::Full { bytes, observed })
        }
    };
    Ok(Reply {
        status,
        headers: parts.headers,
        body,
    })
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
