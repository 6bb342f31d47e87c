use bytes::Bytes;

use crate::error::Result;

/// The few fields of a request that routing needs, and where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestScan {
    /// The model's name.
    pub model: Box<str>,
    /// Whether `stream` is true.
    pub stream: bool,
    /// Whether the client itself asks for usage in the stream.
    pub include_usage: bool,
}

impl RequestScan {
    /// Scans a request's body.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest).
    pub fn of(_body: &[u8]) -> Result<Self> {
        Ok(Self {
            model: "".into(),
            stream: false,
            include_usage: false,
        })
    }

    /// The body for the upstream.
    pub fn splice(&self, body: &Bytes, _model: Option<&str>, _ask_usage: bool) -> Bytes {
        body.clone()
    }
}
