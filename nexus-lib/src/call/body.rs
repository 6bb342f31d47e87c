use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::HeaderValue;

use crate::call::said_so_far;
use crate::error::Result;
use crate::wire::{self, Operation, RequestScan};

/// A request's body as the client sent it, scanned once.
#[derive(Clone)]
pub struct RequestBody {
    bytes: Bytes,
    scan: RequestScan,
    /// `None` is JSON.
    content_type: Option<HeaderValue>,
}

impl RequestBody {
    /// Scans `bytes`, the body of a chat.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when it is not a JSON object
    /// that names a model; see [`RequestScan::of`].
    pub fn scan(bytes: Bytes) -> Result<Self> {
        let scan = RequestScan::of(&bytes)?;
        Ok(Self {
            bytes,
            scan,
            content_type: None,
        })
    }

    /// Scans `bytes`, the body of a request for `operation`. `content_type` is kept where it is not
    /// JSON's.
    ///
    /// # Errors
    /// As [`RequestScan::for_operation`].
    pub fn scan_for(
        operation: Operation,
        bytes: Bytes,
        content_type: Option<HeaderValue>,
    ) -> Result<Self> {
        let named = content_type.as_ref().map(HeaderValue::as_bytes);
        let mut scan = RequestScan::for_operation(operation, &bytes, named)?;
        if operation.is_chat() && operation != Operation::ChatCompletion {
            scan.prefixes = said_so_far(operation, &bytes);
        }
        Ok(Self {
            bytes,
            scan,
            content_type: content_type.filter(|_| operation == Operation::Transcription),
        })
    }

    /// Scans `bytes`, which stand in place of this body for the same operation, in the same
    /// conversation.
    pub(super) fn rescanned(&self, operation: Operation, bytes: Bytes) -> Result<Self> {
        let named = self.content_type.as_ref().map(HeaderValue::as_bytes);
        let mut scan = RequestScan::for_operation(operation, &bytes, named)?;
        // The client will send back what it sent, not what was made of it.
        scan.prefixes = self.scan.prefixes.clone();
        Ok(Self {
            bytes,
            scan,
            content_type: self.content_type.clone(),
        })
    }

    /// Reads `bytes`, a body of JSON for `operation` that stands in place of a client's, whose
    /// conversation is known.
    ///
    /// # Errors
    /// As [`RequestScan::for_operation`].
    pub(crate) fn read(operation: Operation, bytes: Bytes) -> Result<Self> {
        let scan = RequestScan::for_operation(operation, &bytes, None)?;
        Ok(Self {
            bytes,
            scan,
            content_type: None,
        })
    }

    /// What the body is written in; `None` is JSON.
    pub fn content_type(&self) -> Option<&HeaderValue> {
        self.content_type.as_ref()
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What was read of them.
    pub fn fields(&self) -> &RequestScan {
        &self.scan
    }

    /// An upstream's error about this request without what it quotes of it: prompts do not belong
    /// where errors are kept.
    pub(crate) fn unquoted<'e>(&self, error: &'e str) -> Cow<'e, str> {
        wire::unquoted(error, &self.bytes)
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
