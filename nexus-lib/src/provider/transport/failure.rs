//! What a client is told of a connection's failure: the cause stays behind, for the log.

use hyper_util::client::legacy;

use crate::error::{Error, ErrorKind};

pub(super) fn of_request(cause: legacy::Error) -> Error {
    let message = if cause.is_connect() {
        "the provider cannot be reached; try again, or ask the operator to check its server_url"
    } else {
        "the connection to the provider broke before it answered; try again"
    };
    Error::new(ErrorKind::UpstreamUnreachable, message).with_source(cause)
}

pub(super) fn of_body(cause: hyper::Error) -> Error {
    Error::new(
        ErrorKind::StreamInterrupted,
        "the provider broke off in the middle of its answer",
    )
    .with_source(cause)
}

pub(super) fn too_slow(message: &'static str) -> Error {
    Error::new(ErrorKind::UpstreamTimeout, message)
}
