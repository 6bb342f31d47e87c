//! What a client is told of a connection's failure: the cause stays behind, for the log.

use crate::error::{BoxError, Error, ErrorKind};
use crate::provider::transport::pool::Failure;

const CANNOT_BE_REACHED: &str =
    "the provider cannot be reached; try again, or ask the operator to check its server_url";

const CANNOT_BE_REACHED_THROUGH_PROXY: &str = "the provider cannot be reached through its proxy; try \
     again, or ask the operator to check its server_url and proxy_url";

const BROKE_BEFORE_ANSWER: &str =
    "the connection to the provider broke before it answered; try again";

pub(super) fn of_request(failure: Failure, has_proxy: bool) -> Error {
    let (message, cause) = match failure {
        Failure::Connect(cause) if has_proxy => (CANNOT_BE_REACHED_THROUGH_PROXY, cause),
        Failure::Connect(cause) => (CANNOT_BE_REACHED, cause),
        Failure::Exchange(cause) => (BROKE_BEFORE_ANSWER, cause),
    };
    Error::new(ErrorKind::UpstreamUnreachable, message).with_source(cause)
}

pub(super) fn of_body(cause: BoxError) -> Error {
    Error::new(
        ErrorKind::StreamInterrupted,
        "the provider broke off in the middle of its answer",
    )
    .with_source(cause)
}

pub(super) fn too_slow(message: &'static str) -> Error {
    Error::new(ErrorKind::UpstreamTimeout, message)
}

/// The same failure, seen before anything of the answer could be passed on: another provider may still
/// be asked.
pub(crate) fn before_answer(error: Error) -> Error {
    match error.kind() {
        ErrorKind::StreamInterrupted => {
            Error::new(ErrorKind::UpstreamUnreachable, BROKE_BEFORE_ANSWER).with_source(error)
        }
        _ => error,
    }
}

/// The same failure, seen after the client got a part of the answer: whatever it was, the stream is cut.
pub(crate) fn within_answer(error: Error) -> Error {
    match error.kind() {
        ErrorKind::StreamInterrupted => error,
        _ => Error::new(ErrorKind::StreamInterrupted, error.to_string()).with_source(error),
    }
}
