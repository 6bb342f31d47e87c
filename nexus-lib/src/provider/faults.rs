//! Errors for invalid answers of an upstream. Their messages reach clients.

use http::StatusCode;

use crate::call::Observed;
use crate::error::{Error, ErrorKind, Result};
use crate::translate::{ClientProtocol, Fault, implied_status};

/// How much of a provider's message is kept, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// The client's own key is valid: the provider rejected the gateway's credentials.
pub(crate) fn refused_credentials(status: StatusCode) -> Error {
    Error::new(
        ErrorKind::UpstreamAuth,
        "the provider rejected the gateway's credentials; ask the operator to check its server_key",
    )
    .with_source(format!("the provider answered {status}"))
    .with_upstream_status(status)
}

/// No other candidate is asked: it may be part of the loop too, with more behind it.
pub(crate) fn loop_detected() -> Error {
    Error::new(
        ErrorKind::LoopDetected,
        "the provider of this model points back to a gateway that the request has passed; ask the \
         operator to check its server_url",
    )
    .with_upstream_status(StatusCode::LOOP_DETECTED)
}

pub(crate) fn empty_answer() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider sent an empty answer; try again",
    )
}

pub(crate) fn empty_stream() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider sent an empty stream; try again",
    )
}

/// An HTML page, plain text, or some other JSON.
pub(crate) fn no_answer() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider sent an invalid answer; ask the operator to check its server_url",
    )
}

pub(crate) fn unknown_coding() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider's answer has an unsupported content coding",
    )
}

/// The error for an answer whose status is neither a success nor an error, which is useless to a
/// client.
pub(crate) fn odd_status(status: StatusCode) -> Option<Error> {
    let number = status.as_u16();
    match number {
        200..300 | 400..600 => None,
        300..400 => {
            let message = format!(
                "the provider answered {number}, a redirect, which is not followed; ask the operator \
                 to check its server_url"
            );
            Some(Error::new(ErrorKind::UpstreamRedirect, message).with_upstream_status(status))
        }
        _ => {
            let message = format!("the provider answered with the unknown status {number}");
            Some(Error::new(ErrorKind::UpstreamInvalid, message).with_upstream_status(status))
        }
    }
}

/// The client's answer for an error that came with a success status: the status that the error
/// implies, or 502, and the body.
///
/// # Errors
/// `UpstreamAuth` if the gateway's credentials were rejected.
pub(crate) fn client_error(
    client: ClientProtocol,
    (message, kind, code): &Fault,
) -> Result<(StatusCode, Vec<u8>, Observed)> {
    let (kind, code) = (kind.as_deref(), code.as_deref());
    let status = status_of(implied_status(kind, code))?;
    let status = client.status(status);
    let body = client.write_error(status, message, kind, code);
    Ok((status, body, observed(message)))
}

/// The status for an error inside a successful answer.
///
/// # Errors
/// `UpstreamAuth` if the gateway's credentials were rejected.
pub(crate) fn status_of(implied: Option<StatusCode>) -> Result<StatusCode> {
    match implied.unwrap_or(StatusCode::BAD_GATEWAY) {
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Err(refused_credentials(status))
        }
        status => Ok(status),
    }
}

/// The observation of an error with `message`.
pub(crate) fn observed(message: &str) -> Observed {
    Observed {
        error: Some(message.chars().take(MAX_MESSAGE_CHARS).collect()),
        ..Observed::default()
    }
}
