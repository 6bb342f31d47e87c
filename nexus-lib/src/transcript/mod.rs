//! The content of an answer: collected from a stream while it passes, or read from a whole answer
//! afterwards.
//!
//! The meter keeps a [`Delivered`] for each call. A whole answer costs nothing until it is read. Of a
//! stream only the text is kept, as written in its JSON, and decoded when it is needed.
//!
//! ```
//! use nexus_lib::Transcript;
//!
//! let mut transcript = Transcript::default();
//! transcript.push(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n");
//! transcript.push(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n");
//! assert_eq!(transcript.messages()[0].content.as_deref(), Some("Hello"));
//! ```

mod in_chat;
mod message;
mod streamed;
#[cfg(test)]
mod tests;
mod whole;

pub(crate) use in_chat::InChat;
pub use message::{AssistantMessage, ToolCall};
pub use streamed::Transcript;

use std::fmt;

use bytes::Bytes;

use crate::wire::{Prefix, prefix};

/// The delivered part of an answer.
#[derive(Clone, Default)]
pub enum Delivered {
    /// Nothing.
    #[default]
    Nothing,
    /// All of it at once: the body of a completion.
    Whole(Bytes),
    /// Events; this is their text.
    Streamed(Box<Transcript>),
}

impl Delivered {
    /// Adds a piece of a stream: one or more whole events.
    pub fn push(&mut self, events: &[u8]) {
        if let Self::Streamed(transcript) = self {
            return transcript.push(events);
        }
        let mut transcript = Box::<Transcript>::default();
        transcript.push(events);
        *self = Self::Streamed(transcript);
    }

    /// The content: a message for each choice, in order. Malformed parts are ignored.
    pub fn messages(&self) -> Vec<AssistantMessage> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Whole(body) => whole::messages(body),
            Self::Streamed(transcript) => transcript.messages(),
        }
    }

    /// How many bytes of a stream's text were not kept because of the limit.
    pub fn omitted_bytes(&self) -> u64 {
        match self {
            Self::Streamed(transcript) => transcript.omitted_bytes(),
            _ => 0,
        }
    }

    /// About how many bytes it holds in memory.
    pub(crate) fn held_bytes(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Whole(body) => u64::try_from(body.len()).unwrap_or(u64::MAX),
            Self::Streamed(transcript) => transcript.held_bytes(),
        }
    }

    /// Calls `found` with the prefix that each reply makes when it is appended to `messages`, in
    /// order; never if a part of the reply was not kept.
    pub(crate) fn replies(&self, messages: Prefix, found: impl FnMut(Prefix)) {
        match self {
            Self::Nothing => {}
            Self::Whole(body) => prefix::replies(messages, body, found),
            Self::Streamed(transcript) => transcript.replies(messages, found),
        }
    }
}

impl fmt::Debug for Delivered {
    /// Omits the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Whole(_) => "Whole(…)",
            Self::Streamed(_) => "Streamed(…)",
        })
    }
}
