//! The dialect of OpenAI's chat API, and of every server that imitates it.
//!
//! Client and upstream speak the same protocol, so bytes pass through: the request with at most two
//! splices, the answer as it came. They are only *observed*, in place, for usage and endings.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat>.

mod head;
mod list;
mod observe;
mod stream;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use tokio::time::Instant;

use crate::call::{Attempt, Reply, ReplyBody, Target, Upstream};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::redact::redact;
use crate::provider::{Provider, Transport, headers};
use observe::observe_completion;
use stream::ChunkStream;

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
        headers.insert(header::CONTENT_TYPE, head::JSON);
        headers.insert(
            header::ACCEPT,
            if call.body.is_stream() {
                head::SSE
            } else {
                head::JSON
            },
        );
        if let Some(bearer) = &target.provider.bearer {
            headers.insert(header::AUTHORIZATION, bearer.clone());
        }
        request
    }
}

#[async_trait]
impl Provider for OpenAiProvider {
    fn kind(&self) -> &'static str {
        self.kind
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply> {
        let timeouts = self.transport.timeouts_for(attempt.target());
        let deadline = Instant::now() + timeouts.first_event;
        let profile = &attempt.target().provider;
        let endpoint = profile.endpoint(|base| base.join("/v1", "/chat/completions"))?;
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

        if parts.status.is_success() && head::is_event_stream(&parts.headers) {
            let hide_usage = !attempt.call().body.fields().include_usage;
            let profile = attempt.target().provider.clone();
            let stream = ChunkStream::begin(body, profile, hide_usage, deadline).await?;
            return Ok(match stream {
                stream::Begun::Flowing(stream) => Reply {
                    status: parts.status,
                    headers: parts.headers,
                    body: ReplyBody::Stream(Box::pin(stream)),
                },
                stream::Begun::Refused {
                    status,
                    body,
                    observed,
                } => {
                    parts.headers.insert(header::CONTENT_TYPE, head::JSON);
                    Reply {
                        status,
                        headers: parts.headers,
                        body: ReplyBody::Full {
                            bytes: body,
                            observed,
                        },
                    }
                }
            });
        }

        let bytes = body.collect(MAX_ANSWER_BYTES).await?;
        if parts.status.is_success() && bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(empty_answer());
        }
        let bytes = match parts.status.is_success() {
            true => bytes,
            false => redact(bytes, attempt.target().provider.expose_key()),
        };
        let observed = observe_completion(&bytes);
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
