use http::{HeaderMap, HeaderValue, header};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const SSE: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Whether the body is a stream of server-sent events.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        let kind = value
            .as_bytes()
            .split(|&byte| byte == b';')
            .next()
            .unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
    })
}
