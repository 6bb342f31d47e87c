//! The errors that clients get when a connection fails: the cause stays in the source chain, for
//! the log.

use crate::error::{BoxError, Cause, Error, ErrorKind};
use crate::provider::transport::cause;
use crate::provider::transport::pool::Failure;

const CANNOT_BE_REACHED: &str =
    "the provider cannot be reached; try again, or ask the operator to check its server_url";

const CANNOT_BE_REACHED_THROUGH_PROXY: &str = "the provider cannot be reached through its proxy; try \
     again, or ask the operator to check its server_url and proxy_url";

const BROKE_BEFORE_ANSWER: &str =
    "the connection to the provider broke before it answered; try again";

pub(super) fn of_request(failure: Failure, has_proxy: bool) -> Error {
    let (message, source) = match failure {
        Failure::Connect(source) if has_proxy => (CANNOT_BE_REACHED_THROUGH_PROXY, source),
        Failure::Connect(source) => (CANNOT_BE_REACHED, source),
        Failure::Exchange(source) => (BROKE_BEFORE_ANSWER, source),
    };
    with_source(ErrorKind::UpstreamUnreachable, message, source)
}

fn with_source(kind: ErrorKind, message: &'static str, source: BoxError) -> Error {
    let error = Error::new(kind, message);
    let error = match cause::of(&*source) {
        Some(cause) => error.with_cause(cause),
        None => error,
    };
    error.with_source(source)
}

pub(super) fn of_body(source: BoxError) -> Error {
    let message = "the provider's answer was interrupted";
    with_source(ErrorKind::StreamInterrupted, message, source)
}

pub(super) fn too_slow(message: &'static str, cause: Cause) -> Error {
    Error::new(ErrorKind::UpstreamTimeout, message).with_cause(cause)
}

/// The same failure before any part of the answer was passed on: another provider can still be
/// asked.
pub(crate) fn before_answer(error: Error) -> Error {
    match error.kind() {
        ErrorKind::StreamInterrupted => {
            Error::new(ErrorKind::UpstreamUnreachable, BROKE_BEFORE_ANSWER).with_source(error)
        }
        _ => error,
    }
}

/// The same failure after the client got a part of the answer: whatever it was, the stream is cut
/// off.
pub(crate) fn within_answer(error: Error) -> Error {
    match error.kind() {
        ErrorKind::StreamInterrupted => error,
        _ => Error::new(ErrorKind::StreamInterrupted, error.to_string()).with_source(error),
    }
}
