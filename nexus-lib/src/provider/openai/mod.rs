//! The dialect of OpenAI's chat API, and of every server that imitates it.
//!
//! Client and upstream speak the same protocol, so bytes pass through: the request with at most two
//! splices, the answer as it came. They are only *observed*, in place, for usage and endings.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat>.

mod head;
mod list;
pub(crate) mod observe;
mod sound;
pub(crate) mod stream;

use async_trait::async_trait;
use bytes::Bytes;
use http::response::Parts;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use tokio::time::Instant;

use crate::call::{Attempt, Operation, Reply, ReplyBody, Target, Upstream};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::redact::redact;
use crate::provider::transport::UpstreamBody;
use crate::provider::{Provider, Transport, headers};
use crate::wire::Usage;
use observe::{ChunkObserver, Observe, TypedObserver, observe_completion};
use sound::ByteStream;
use stream::{Begun, EventStream};

/// The longest answer that is held in memory, in bytes. Streams are not held.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// Speaks to OpenAI and to every server that is compatible with it.
pub struct OpenAiProvider {
    kind: &'static str,
    transport: Transport,
}

impl OpenAiProvider {
    /// For providers of kind `openai`.
    pub fn new(transport: Transport) -> Self {
        Self::for_kind("openai", transport)
    }

    /// For providers of another kind whose API is OpenAI's all the same.
    pub fn for_kind(kind: &'static str, transport: Transport) -> Self {
        Self { kind, transport }
    }

    fn encode(attempt: &Attempt) -> Request<Full<Bytes>> {
        let (call, target) = (attempt.call(), attempt.target());
        let ask_usage = call.body.is_stream() && accepts_stream_options(target);
        let body = call
            .body
            .spliced(target.upstream_model.as_deref(), ask_usage);

        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        // Room for these, what is inserted here, and what the client library adds.
        headers.reserve(call.headers.len() + 5);
        for (name, value) in &call.headers {
            headers.append(name, value.clone());
        }
        let content_type = call.body.content_type().cloned();
        headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(head::JSON));
        headers.insert(
            header::ACCEPT,
            match (call.body.is_stream(), call.operation) {
                (true, _) => head::SSE,
                // Sound, and texts that are no JSON.
                (false, Operation::Speech | Operation::Transcription) => head::ANY,
                (false, _) => head::JSON,
            },
        );
        if let Some(bearer) = &target.provider.bearer {
            headers.insert(header::AUTHORIZATION, bearer.clone());
        }
        request
    }

    /// The reply to a stream that has begun, or could not.
    async fn stream<O: Observe + 'static>(
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
                parts.headers.insert(header::CONTENT_TYPE, head::JSON);
                (status, ReplyBody::Full { bytes, observed })
            }
        };
        Ok(Reply {
            status,
            headers: parts.headers,
            body,
        })
    }
}

#[async_trait]
impl Provider for OpenAiProvider {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn speaks(&self, operation: Operation) -> bool {
        !matches!(operation, Operation::Message | Operation::TokenCount)
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply> {
        let timeouts = self.transport.timeouts_for(attempt.target());
        let deadline = Instant::now() + timeouts.first_event;
        let profile = &attempt.target().provider;
        let operation = attempt.call().operation;
        let endpoint = profile.endpoint(operation, |base| base.join("/v1", operation.path()))?;
        let response = self
            .transport
            .send(
                endpoint,
                attempt.target().proxies.as_ref(),
                Self::encode(&attempt),
                &timeouts,
                deadline,
            )
            .await?;
        let (mut parts, body) = response.into_parts();
        if matches!(
            parts.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            return Err(refused_credentials(parts.status));
        }
        headers::sanitize(&mut parts.headers);

        if parts.status.is_success() && headers::is_event_stream(&parts.headers) {
            if operation.has_stream_options() {
                let hide_usage = !attempt.call().body.fields().include_usage;
                let observer = ChunkObserver::new(hide_usage);
                return Self::stream(parts, body, &attempt, observer, deadline).await;
            }
            let observer = TypedObserver::new(operation == Operation::Response);
            return Self::stream(parts, body, &attempt, observer, deadline).await;
        }
        if parts.status.is_success()
            && operation == Operation::Speech
            && !headers::is_json(&parts.headers)
        {
            let sound = ByteStream::begin(body, deadline).await?;
            return Ok(Reply {
                status: parts.status,
                headers: parts.headers,
                body: ReplyBody::Stream(Box::pin(sound)),
            });
        }

        let bytes = body.collect(MAX_ANSWER_BYTES).await?;
        if parts.status.is_success() && is_empty(&bytes, operation) {
            return Err(empty_answer());
        }
        let bytes = match parts.status.is_success() {
            true => bytes,
            false => redact(bytes, attempt.target().provider.expose_key()),
        };
        let mut observed = observe_completion(&bytes);
        if let Some(usage) = &mut observed.usage {
            all_is_prompt(usage, operation);
        }
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body: ReplyBody::Full { bytes, observed },
        })
    }

    async fn upstream_models(&self, upstream: &Upstream) -> Result<Vec<String>> {
        list::list(&self.transport, upstream).await
    }
}

/// Silence has no words: its transcription may be an empty line.
fn is_empty(answer: &[u8], operation: Operation) -> bool {
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

/// Mistral answers 422 to `stream_options`, and sends usage unasked
/// (<https://docs.mistral.ai/api/>).
fn accepts_stream_options(target: &Target) -> bool {
    !target.provider.base_url.host().ends_with("mistral.ai")
}

/// The client's own key was right: what the provider refuses are the gateway's credentials.
fn refused_credentials(status: StatusCode) -> Error {
    Error::new(
        ErrorKind::UpstreamAuth,
        "the provider refused the gateway's credentials; ask the operator to check its server_key",
    )
    .with_source(format!("the provider answered {status}"))
}

fn empty_answer() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider sent an empty answer; try again",
    )
}
