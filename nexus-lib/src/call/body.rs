use std::fmt;

use bytes::Bytes;

use crate::error::Result;
use crate::wire::RequestScan;

/// A request's body as the client sent it, scanned once.
pub struct RequestBody {
    bytes: Bytes,
    scan: RequestScan,
}

impl RequestBody {
    /// Scans `bytes`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when it is not a JSON object
    /// that names a model; see [`RequestScan::of`].
    pub fn scan(bytes: Bytes) -> Result<Self> {
        let scan = RequestScan::of(&bytes)?;
        Ok(Self { bytes, scan })
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What was read of them.
    pub fn fields(&self) -> &RequestScan {
        &self.scan
    }

    /// The model's name, as the client said it.
    pub fn model(&self) -> &str {
        &self.scan.model
    }

    /// Whether a stream is asked for.
    pub fn is_stream(&self) -> bool {
        self.scan.stream
    }

    /// The body for the upstream: the client's bytes, with `model` and, for a stream, a request for
    /// usage spliced in where they are needed. Without an edit it is the same allocation.
    pub fn spliced(&self, model: Option<&str>, ask_usage: bool) -> Bytes {
        self.scan.splice(&self.bytes, model, ask_usage)
    }
}

impl fmt::Debug for RequestBody {
    /// Shows no content: prompts do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody")
            .field("len", &self.bytes.len())
            .field("model", &self.scan.model)
            .field("stream", &self.scan.stream)
            .finish()
    }
}
