//! What layers make of a request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::call::{Attempt, Call, RequestBody, Routed};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::{ChatRequest, Operation};

/// The bodies that layers made. Empty, and without an allocation, as long as none does.
#[derive(Debug, Default)]
pub(super) struct Rewritten(Mutex<Bodies>);

#[derive(Debug, Default)]
struct Bodies {
    /// The last that was made.
    made: Option<Arc<RequestBody>>,
    /// What the last attempt has asked; `None` for the client's own body.
    asked: Option<Arc<RequestBody>>,
}

impl Rewritten {
    pub(super) fn keep(&self, body: &Arc<RequestBody>) {
        self.bodies().made = Some(Arc::clone(body));
    }

    /// The last that was made.
    pub(super) fn last(&self) -> Option<Arc<RequestBody>> {
        self.bodies().made.clone()
    }

    /// Notes what an attempt asks; `None` for the client's own body.
    pub(super) fn ask(&self, body: Option<&Arc<RequestBody>>) {
        self.bodies().asked = body.cloned();
    }

    /// What the last attempt has asked; `None` for the client's own body.
    pub(super) fn asked(&self) -> Option<Arc<RequestBody>> {
        self.bodies().asked.clone()
    }

    fn bodies(&self) -> MutexGuard<'_, Bodies> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    /// The call with `body` in place of the client's: for a layer of calls. The model may be
    /// another one; its conversation stays the same.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] when `body` is no request for this call's operation, or asks
    /// for a stream where the client did not, or the other way round.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Result<Self> {
        self.body = self.body.replaced(self.operation, body.into())?;
        Ok(self)
    }

    /// What is asked, as a chat completion request, whatever protocol the client speaks. What has
    /// no place there is left out: it is for reading.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] when it cannot be read, and for what is no chat.
    pub fn as_chat(&self) -> Result<ChatRequest> {
        self.body.prompt().as_chat()
    }
}

impl Routed {
    /// The call with `body` in place of what was asked so far: for a layer of replies. The row and
    /// the conversation stay the same; the archive gets what the last attempt has asked.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] when `body` is no request for this call's operation, or names
    /// another model, or asks for a stream where the client did not, or the other way round.
    pub fn rewritten(&self, body: impl Into<Bytes>) -> Result<Self> {
        let body = self.body().replaced(self.call().operation, body.into())?;
        same_model(self.body(), &body)?;
        Ok(self.with_body(body))
    }

    /// As [`Call::as_chat`], of what is asked by now.
    ///
    /// # Errors
    /// As [`Call::as_chat`].
    pub fn as_chat(&self) -> Result<ChatRequest> {
        self.body().prompt().as_chat()
    }
}

impl Attempt {
    /// What the provider is asked, as a chat completion request.
    ///
    /// # Errors
    /// As [`Call::as_chat`].
    pub fn as_chat(&self) -> Result<ChatRequest> {
        self.body().prompt().as_chat()
    }

    /// The attempt with `body` in place of what its provider would be asked: for a layer of
    /// attempts.
    ///
    /// # Errors
    /// As [`Routed::rewritten`].
    pub fn rewritten(self, body: impl Into<Bytes>) -> Result<Self> {
        let operation = self.operation();
        let body = self.body().replaced(operation, body.into())?;
        same_model(self.body(), &body)?;
        let attempt = self.sent_as(body);
        attempt.note();
        Ok(attempt)
    }
}

impl RequestBody {
    /// `bytes` in the place of this body: for what a layer rewrites.
    fn replaced(&self, operation: Operation, bytes: Bytes) -> Result<Self> {
        let body = self.rescanned(operation, bytes)?;
        if body.is_stream() != self.is_stream() {
            let message = "a rewritten request streams if and only if the client's does";
            return Err(Error::new(ErrorKind::InvalidRequest, message).with_param("stream"));
        }
        Ok(body)
    }
}

fn same_model(before: &RequestBody, after: &RequestBody) -> Result<()> {
    if before.model() == after.model() {
        return Ok(());
    }
    let message = "behind the router a request keeps its model; a layer of calls may change it";
    Err(Error::new(ErrorKind::InvalidRequest, message).with_param("model"))
}
