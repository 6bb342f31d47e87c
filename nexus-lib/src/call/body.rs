use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;
use http::HeaderValue;

use crate::body_memory::{BodyMemory, FREE_BYTES, Holder};
use crate::call::Prompt;
use crate::error::Result;
use crate::wire::{self, Operation, RequestScan};

/// A request's body as the client sent it, scanned once.
#[derive(Clone)]
pub struct RequestBody {
    operation: Operation,
    bytes: Bytes,
    scan: RequestScan,
    /// `None` is JSON.
    content_type: Option<HeaderValue>,
    /// Empty, and without an allocation, until somebody needs more than the scan.
    prompt: OnceLock<Prompt>,
    /// Where to count what is read of a long body.
    room: Option<(BodyMemory, Holder)>,
}

impl RequestBody {
    /// Scans `bytes`, the body of a chat.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when it is not a JSON object
    /// that names a model; see [`RequestScan::of`].
    pub fn scan(bytes: Bytes) -> Result<Self> {
        Self::read(Operation::ChatCompletion, bytes)
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
        let mut body = Self::scanned(operation, bytes, content_type)?;
        if operation.is_chat() && operation != Operation::ChatCompletion {
            body.scan.prefixes = body.prompt().prefixes();
        }
        body.content_type
            .take_if(|_| operation != Operation::Transcription);
        Ok(body)
    }

    /// Scans `bytes`, which stand in place of this body for the same operation, in the same
    /// conversation.
    pub(super) fn rescanned(&self, operation: Operation, bytes: Bytes) -> Result<Self> {
        let mut body = Self::scanned(operation, bytes, self.content_type.clone())?;
        // The client will send back what it sent, not what was made of it.
        body.scan.prefixes = self.scan.prefixes.clone();
        body.room.clone_from(&self.room);
        Ok(body)
    }

    /// Scans `bytes`, a body of JSON for `operation` that stands in place of a client's, whose
    /// conversation is known.
    ///
    /// # Errors
    /// As [`RequestScan::for_operation`].
    pub(crate) fn read(operation: Operation, bytes: Bytes) -> Result<Self> {
        Self::scanned(operation, bytes, None)
    }

    fn scanned(
        operation: Operation,
        bytes: Bytes,
        content_type: Option<HeaderValue>,
    ) -> Result<Self> {
        let named = content_type.as_ref().map(HeaderValue::as_bytes);
        let scan = RequestScan::for_operation(operation, &bytes, named)?;
        Ok(Self {
            operation,
            bytes,
            scan,
            content_type,
            prompt: OnceLock::new(),
            room: None,
        })
    }

    /// What it is a request for.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// What it asks, read as far as was needed so far: all who need more than the scan share it.
    pub(crate) fn prompt(&self) -> &Prompt {
        self.prompt.get_or_init(|| {
            let prompt = Prompt::new(self.operation, self.bytes.clone());
            if let Some((memory, holder)) = &self.room {
                prompt.count_in(memory.hold(*holder));
            }
            prompt
        })
    }

    /// Counts what is read of it in `memory`, as the body itself is.
    pub(crate) fn counted_in(mut self, memory: &BodyMemory, holder: Holder) -> Self {
        if self.bytes.len() > FREE_BYTES {
            if let Some(prompt) = self.prompt.get() {
                prompt.count_in(memory.hold(holder));
            }
            self.room = Some((memory.clone(), holder));
        }
        self
    }

    /// Forgets what is not needed any more when an answer begins.
    pub(super) fn release(&self) {
        if let Some(prompt) = self.prompt.get() {
            prompt.release();
        }
    }

    /// What it asks, for whoever outlives the call. Of a chat completion that is the body alone,
    /// where the messages can be read from; the neutral form goes with the call.
    pub(crate) fn said(&self) -> Prompt {
        match self.operation {
            Operation::ChatCompletion => Prompt::new(self.operation, self.bytes.clone()),
            _ => self.prompt().clone(),
        }
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
