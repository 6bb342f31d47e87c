use crate::error::{Error, Result};
use crate::translate::reading::{Object, Place};
use crate::translate::responses::Tools;
use crate::translate::{Json, Turn};

/// A request whose messages are read. The rest of it is not: nobody needs that to recognise a
/// conversation.
#[derive(Default)]
pub(crate) struct Draft {
    /// The messages. Anything unknown in them is plain text.
    pub(crate) turns: Vec<Turn>,
    /// Fields of messages without a place in the neutral form.
    pub(super) extra: Vec<(String, Json)>,
    /// The tools that messages declare.
    pub(super) tools: Tools,
    /// The rest of the request.
    pub(super) rest: Vec<Place>,
    /// What is wrong with the instructions, where these are read before everything else.
    pub(super) early_fault: Option<Error>,
    fault: Option<Error>,
}

impl Draft {
    /// Notes what is wrong with a message; the first error counts.
    pub(super) fn note(&mut self, fault: Error) {
        self.fault.get_or_insert(fault);
    }

    /// The value, or `None` and a note of what is wrong with it.
    pub(super) fn noted<T>(&mut self, read: Result<T>) -> Option<T> {
        read.map_err(|fault| self.note(fault)).ok()
    }

    /// Whether all messages were read, and none is plain text in place of what it is.
    pub(crate) fn is_faultless(&self) -> bool {
        self.fault.is_none() && self.early_fault.is_none()
    }

    /// # Errors
    /// What is wrong with the messages.
    pub(super) fn check(&mut self) -> Result<()> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// The rest of the request, whose text is `body`.
    pub(super) fn take_rest<'b>(&mut self, body: &'b [u8]) -> Result<Object<'b>> {
        Object::of_places(body, std::mem::take(&mut self.rest))
    }
}
