//! Which headers are forwarded, in each direction.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");

/// The client's headers that are forwarded upstream.
pub(crate) fn forwardable(client: &HeaderMap) -> HeaderMap {
    let mut harmless = HeaderMap::new();
    for (name, value) in client {
        if may_go_upstream(name.as_str()) {
            harmless.append(name, value.clone());
        }
    }
    harmless
}

/// Everything not listed is dropped: clients must not be able to use the operator's account at a
/// provider in ways that the operator did not choose.
fn may_go_upstream(name: &str) -> bool {
    matches!(
        name,
        "user-agent"
            | "openai-beta"
            | "anthropic-beta"
            | "anthropic-version"
            | "idempotency-key"
            | "traceparent"
            | "tracestate"
    )
}

/// Removes the headers of an upstream that must not reach the client. The upstream's own request id
/// is kept under another name: `x-request-id` is the gateway's.
pub(crate) fn sanitize(headers: &mut HeaderMap) {
    let named = named_by_connection(headers);
    let stopped: Vec<HeaderName> = headers
        .keys()
        .filter(|name| !may_reach_client(name.as_str()))
        .cloned()
        .collect();
    for name in stopped.iter().chain(&named) {
        headers.remove(name);
    }
    if let Some(id) = headers.remove(REQUEST_ID) {
        headers.insert(UPSTREAM_REQUEST_ID, id);
    }
}

/// Removes the headers that only describe the original bytes of an answer, since others are sent.
pub(crate) fn forget_body(headers: &mut HeaderMap) {
    for name in [
        "content-encoding",
        "content-length",
        "content-md5",
        "content-digest",
        "repr-digest",
        "digest",
        "etag",
        "accept-ranges",
        "content-range",
    ] {
        headers.remove(name);
    }
}

/// RFC 9110, section 7.6.1: headers named by `Connection` are for the next hop only.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| HeaderValue::to_str(value).ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect()
}

fn may_reach_client(name: &str) -> bool {
    !matches!(
        name,
        // Hop by hop. `content-length` is kept: the edge checks whether it still holds.
        "connection" | "keep-alive" | "proxy-authenticate" | "proxy-authorization"
            | "proxy-connection" | "te" | "trailer" | "transfer-encoding" | "upgrade"
        // Between the provider and the gateway, not for its clients.
            | "set-cookie" | "set-cookie2" | "www-authenticate" | "alt-svc"
            | "strict-transport-security"
        // Keys, in case an upstream echoes them.
            | "authorization" | "x-api-key" | "api-key" | "x-goog-api-key"
        // Redirects: clients would follow them, and send the whole prompt to another host.
            | "location" | "content-location" | "refresh"
        // Headers that this gateway sends itself.
            | "x-conversation-id" | "x-nexus-provider"
    ) && !name.starts_with("access-control-")
}

/// Whether the body is a stream of server-sent events.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    is_kind(headers, b"text/event-stream")
}

/// Whether the body is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    is_kind(headers, b"application/json")
}

fn is_kind(headers: &HeaderMap, wanted: &[u8]) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        let kind = value.as_bytes().split(|&byte| byte == b';').next();
        kind.unwrap_or_default()
            .trim_ascii()
            .eq_ignore_ascii_case(wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn only_harmless_headers_go_upstream() {
        let client = map(&[
            ("authorization", "Bearer secret"),
            ("cookie", "a=b"),
            ("host", "evil.example"),
            ("x-forwarded-for", "10.0.0.1"),
            ("user-agent", "sdk/1"),
            ("openai-beta", "assistants=v2"),
        ]);
        let upstream = forwardable(&client);
        assert_eq!(upstream.len(), 2);
        assert_eq!(upstream["user-agent"], "sdk/1");
        assert_eq!(upstream["openai-beta"], "assistants=v2");
    }

    #[test]
    fn end_to_end_headers_come_back_and_others_do_not() {
        let mut headers = map(&[
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("set-cookie", "session=1"),
            ("location", "https://elsewhere.example/v1"),
            ("refresh", "0; url=https://elsewhere.example/"),
            ("x-api-key", "sk-echo"),
            ("access-control-allow-origin", "*"),
            ("content-type", "application/json"),
            ("retry-after", "3"),
            ("x-ratelimit-remaining-tokens", "-1"),
            ("openai-processing-ms", "12"),
            ("x-request-id", "req_1"),
        ]);
        sanitize(&mut headers);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let expected = [
            "content-type",
            "openai-processing-ms",
            "retry-after",
            "x-ratelimit-remaining-tokens",
            "x-upstream-request-id",
        ];
        assert_eq!(names, expected);
    }
}
