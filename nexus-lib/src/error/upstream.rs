use std::time::Duration;

use http::StatusCode;

/// How a provider refused a call: what tells a mistake of the caller's (400) from a limit (429) or a fault
/// (500).
///
/// Its message is that of the [`Error`](super::Error) around it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpstreamError {
    /// The status of its answer.
    pub status: StatusCode,
    /// Its word for the error, for programs: `context_length_exceeded`, for example. A number is as text.
    pub code: Option<String>,
    /// The field or parameter that is at fault.
    pub param: Option<String>,
    /// How long to wait before another try.
    pub retry_after: Option<Duration>,
}

impl UpstreamError {
    /// A refusal of which nothing but the status is known.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            code: None,
            param: None,
            retry_after: None,
        }
    }
}
