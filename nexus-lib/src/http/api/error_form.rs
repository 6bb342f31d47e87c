use bytes::Bytes;

use crate::error::Error;
use crate::http::respond;
use crate::sse;
use crate::translate::messages;
use crate::wire::{ErrorBody, Operation};

/// The form of the gateway's own errors: that of the client's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum ErrorForm {
    /// OpenAI's, of all but Responses' streams.
    OpenAi,
    /// OpenAI's Responses, whose events are numbered.
    Responses,
    /// Anthropic's.
    Anthropic,
}

impl ErrorForm {
    /// That of a request for `operation`.
    pub(in crate::http) const fn of(operation: Operation) -> Self {
        match operation {
            Operation::Message | Operation::TokenCount => Self::Anthropic,
            Operation::Response => Self::Responses,
            _ => Self::OpenAi,
        }
    }

    /// The body of the response that tells `error`.
    pub(in crate::http) fn body(self, error: &Error) -> Bytes {
        match self {
            Self::OpenAi | Self::Responses => ErrorBody::from(error).to_json(),
            Self::Anthropic => anthropic(error),
        }
    }

    /// The event that tells `error` as the last of a stream, behind `events` others.
    pub(super) fn event(self, error: &Error, events: u64) -> Bytes {
        match self {
            Self::OpenAi => sse::encode_data(&self.body(error)),
            Self::Anthropic => named("error", &self.body(error)),
            Self::Responses => {
                let told = serde_json::json!({
                    "type": "error",
                    "code": error.code(),
                    "message": error.to_string(),
                    "param": error.param(),
                    "sequence_number": events,
                });
                named("error", told.to_string().as_bytes())
            }
        }
    }

    /// The response that tells `error`.
    pub(in crate::http) fn response(self, error: &Error) -> http::Response<crate::http::Body> {
        respond::error_as(error, self.body(error))
    }
}

fn anthropic(error: &Error) -> Bytes {
    let (status, code) = (error.status(), error.code());
    messages::error::write(status, &error.to_string(), None, Some(code)).into()
}

fn named(name: &str, data: &[u8]) -> Bytes {
    [b"event: ", name.as_bytes(), b"\n", &sse::encode_data(data)]
        .concat()
        .into()
}
