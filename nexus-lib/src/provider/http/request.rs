use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};

use super::media;
use crate::call::Attempt;
use crate::provider::dialect::Dialect;
use crate::wire::Operation;

/// The client's own bytes, except for the model's name and, for a stream, a request for usage.
pub(super) fn passing(dialect: &impl Dialect, attempt: &Attempt) -> Request<Bytes> {
    let (body, target) = (attempt.body(), attempt.target());
    let is_stream = body.is_stream();
    let ask_usage = is_stream && dialect.accepts_stream_options(&target.provider);
    let bytes = body.spliced(target.upstream_model.as_deref(), ask_usage);
    let content_type = body.content_type().cloned();
    let accept = match (is_stream, attempt.operation()) {
        (true, _) => media::SSE,
        // Audio, and texts that are not JSON.
        (false, Operation::Speech | Operation::Transcription) => media::ANY,
        (false, _) => media::JSON,
    };
    built(dialect, attempt, bytes, content_type, accept)
}

/// `body` in the provider's protocol.
pub(super) fn translated(
    dialect: &impl Dialect,
    attempt: &Attempt,
    is_stream: bool,
    body: Bytes,
) -> Request<Bytes> {
    let accept = match is_stream {
        true => media::SSE,
        false => media::JSON,
    };
    built(dialect, attempt, body, None, accept)
}

/// A request for `attempt` with this body.
pub(super) fn built(
    dialect: &impl Dialect,
    attempt: &Attempt,
    body: Bytes,
    content_type: Option<HeaderValue>,
    accept: HeaderValue,
) -> Request<Bytes> {
    let call = attempt.call();
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    // Room for these, the ones inserted here, and those that the client library adds.
    headers.reserve(call.headers.len() + 6);
    for (name, value) in &call.headers {
        headers.append(name, value.clone());
    }
    headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(media::JSON));
    headers.insert(header::ACCEPT, accept);
    // Answers are parsed here, and the client has not listed the codings that it accepts.
    headers.insert(header::ACCEPT_ENCODING, media::IDENTITY);
    dialect.authorize(&attempt.target().provider, headers);
    request
}
