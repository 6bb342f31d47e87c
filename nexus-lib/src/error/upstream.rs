use std::time::Duration;

use http::StatusCode;

/// A provider's error response. It separates a mistake of the caller's (400) from a rate limit
/// (429) and a server error (500).
///
/// Its message is that of the [`Error`](super::Error) that contains it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpstreamError {
    /// The status.
    pub status: StatusCode,
    /// The provider's error code, such as `context_length_exceeded`. A number is converted to text.
    pub code: Option<String>,
    /// The field or parameter at fault.
    pub param: Option<String>,
    /// How long to wait before trying again.
    pub retry_after: Option<Duration>,
}

impl UpstreamError {
    /// An error response with nothing but a status.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            code: None,
            param: None,
            retry_after: None,
        }
    }
}
