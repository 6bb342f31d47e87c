use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::error::{Error, ErrorKind, Origin};
use crate::http::Body;
use crate::wire::ErrorBody;

/// A response of `value` as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => json_bytes(status, bytes.into()),
        Err(cause) => error(
            &Error::new(
                ErrorKind::Internal,
                "the answer cannot be written as JSON; see the gateway's log",
            )
            .with_source(cause),
        ),
    }
}

/// The response that tells `error` to a client: its status, the error body, and `retry-after` where
/// another try makes sense.
///
/// The gateway's own faults are logged here with their causes, which the client does not see.
pub(crate) fn error(error: &Error) -> Response<Body> {
    error_as(error, ErrorBody::from(error).to_json())
}

/// The same, with a body of another form.
pub(crate) fn error_as(error: &Error, body: Bytes) -> Response<Body> {
    // That there is too much to do is no fault, and to log each would be more of it.
    if error.origin() == Origin::Internal && error.kind() != ErrorKind::Overloaded {
        tracing::error!(code = error.code(), "{}", error.report());
    }
    let mut response = json_bytes(error.status(), body);
    if let Some(after) = error.retry_after() {
        // Rounded up: a client that comes back too early is refused again.
        let seconds = after
            .as_secs()
            .saturating_add(u64::from(after.subsec_nanos() > 0));
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    if error.kind() == ErrorKind::RequestTimeout {
        // What is still to come of the request would be waited for before the next one.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// The response that says no more than that it was done.
pub(crate) fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A response of what is JSON already.
pub(crate) fn json_bytes(status: StatusCode, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::full(bytes));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn error_tells_status_body_and_when_to_come_back() {
        let failure = Error::new(ErrorKind::StoreUnavailable, "the store is busy; try again")
            .with_param("id")
            .with_retry_after(Duration::from_millis(1200))
            .with_source("disk I/O error at /secret/place");
        let response = error(&failure);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.headers()["content-type"], "application/json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            body,
            r#"{"error":{"message":"the store is busy; try again","type":"server_error","param":"id","code":"store_unavailable"}}"#
        );
    }

    #[tokio::test]
    async fn value_that_is_no_json_is_a_server_error() {
        let broken = std::collections::HashMap::from([((1, 2), 3)]);
        assert_eq!(json(StatusCode::OK, &broken).status(), 500);
    }
}
