use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use http::{HeaderValue, Response};

use crate::call::{Metered, MeteredBody};
use crate::error::Error;
use crate::http::Body;
use crate::http::api::error_events::ErrorEvents;
use crate::http::api::error_form::ErrorForm;
use crate::provider::headers::is_event_stream;
use crate::wire::{ConversationId, RequestId};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CONVERSATION_ID: HeaderName = HeaderName::from_static("x-conversation-id");
/// The layer of the application's that answered in a provider's place.
const ANSWERED_BY: HeaderName = HeaderName::from_static("x-nexus-answered-by");
const PROVIDER: HeaderName = HeaderName::from_static("x-nexus-provider");
/// Keeps reverse proxies from collecting a stream (nginx's `proxy_buffering`).
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A metered reply as an HTTP response, headers of this gateway included.
pub(in crate::http) fn metered(metered: Metered, form: ErrorForm) -> Response<Body> {
    let (body, length) = match metered.body {
        MeteredBody::Full(bytes) => {
            let length = bytes.len();
            (Body::full(bytes), Some(length))
        }
        MeteredBody::Stream(events) if is_event_stream(&metered.headers) => {
            (Body::stream(Box::pin(ErrorEvents::new(events, form))), None)
        }
        // Sound: cut, it has no words to say so.
        MeteredBody::Stream(bytes) => (Body::stream(bytes), None),
    };
    let mut response = Response::new(body);
    *response.status_mut() = metered.status;
    *response.headers_mut() = metered.headers;
    let headers = response.headers_mut();
    // One that fits is passed on as it came, which is cheaper than to write it again.
    let told = headers.get(CONTENT_LENGTH);
    if told.is_some_and(|told| number(told) != length) {
        headers.remove(CONTENT_LENGTH);
    }
    if length.is_none() {
        headers
            .entry(ACCEL_BUFFERING)
            .or_insert(HeaderValue::from_static("no"));
    }
    match metered.answered_by {
        None => {
            headers.insert(PROVIDER, metered.target.provider.name_header.clone());
        }
        Some(name) => {
            if let Ok(name) = HeaderValue::from_str(&name) {
                headers.insert(ANSWERED_BY, name);
            }
        }
    }
    response
}

fn number(value: &HeaderValue) -> Option<usize> {
    value.to_str().ok()?.parse().ok()
}

/// The response that tells `error`, with the provider that was asked, if one was.
pub(in crate::http) fn error(error: &Error, form: ErrorForm) -> Response<Body> {
    let mut response = form.response(error);
    if let Some(Ok(name)) = error
        .provider()
        .map(|name| HeaderValue::from_bytes(name.as_bytes()))
    {
        response.headers_mut().insert(PROVIDER, name);
    }
    response
}

/// Says which methods a route has.
pub(in crate::http) fn allow(response: &mut Response<Body>, methods: &'static str) {
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(methods));
}

/// Puts the names of the request and of its conversation, its own unless it has another, on a
/// response.
pub(in crate::http) fn name(
    headers: &mut HeaderMap,
    id: RequestId,
    conversation: Option<ConversationId>,
) {
    // Both are visible ASCII: there is a value.
    let Ok(own) = HeaderValue::from_str(id.encode(&mut [0; 36])) else {
        return;
    };
    let conversation = match conversation {
        Some(other) if other.request() != Some(id) => {
            HeaderValue::from_str(other.encode(&mut [0; 36]))
        }
        _ => Ok(own.clone()),
    };
    headers.insert(REQUEST_ID, own);
    if let Ok(conversation) = conversation {
        headers.insert(CONVERSATION_ID, conversation);
    }
}

/// A text that says that the gateway is there.
pub(in crate::http) fn healthy() -> Response<Body> {
    let mut response = Response::new(Body::full(r#"{"status":"ok"}"#));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
