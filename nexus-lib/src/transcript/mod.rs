//! What an answer said: gathered from a stream while it passes, or read from a whole answer once it
//! is over.
//!
//! Whoever meters a call keeps an [`Answer`]. A whole one costs nothing until it is asked; of a stream
//! only the words are kept, as they are written in its JSON, and decoded when somebody wants them.

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

/// An answer as far as it was delivered.
#[derive(Clone, Default)]
pub enum Answer {
    /// Nothing was.
    #[default]
    Nothing,
    /// All of it, at once: the body of a completion.
    Whole(Bytes),
    /// Events, of which these are the words.
    Streamed(Box<Transcript>),
}

impl Answer {
    /// Adds a piece of a stream: one or more whole events.
    pub fn push(&mut self, events: &[u8]) {
        if let Self::Streamed(transcript) = self {
            return transcript.push(events);
        }
        let mut transcript = Box::<Transcript>::default();
        transcript.push(events);
        *self = Self::Streamed(transcript);
    }

    /// What was said: a message for each choice, in order. What cannot be read says nothing.
    pub fn messages(&self) -> Vec<AssistantMessage> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Whole(body) => whole::messages(body),
            Self::Streamed(transcript) => transcript.messages(),
        }
    }

    /// How many bytes of a stream's words were not kept, as there were too many.
    pub fn omitted_bytes(&self) -> u64 {
        match self {
            Self::Streamed(transcript) => transcript.omitted_bytes(),
            _ => 0,
        }
    }

    /// About how many bytes are held for it in memory.
    pub(crate) fn held_bytes(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Whole(body) => u64::try_from(body.len()).unwrap_or(u64::MAX),
            Self::Streamed(transcript) => transcript.held_bytes(),
        }
    }

    /// Calls `found` with what `messages` come to with each of the replies behind them, in order; never
    /// where a part of them was not kept.
    pub(crate) fn replies(&self, messages: Prefix, found: impl FnMut(Prefix)) {
        match self {
            Self::Nothing => {}
            Self::Whole(body) => prefix::replies(messages, body, found),
            Self::Streamed(transcript) => transcript.replies(messages, found),
        }
    }
}

impl fmt::Debug for Answer {
    /// Shows no content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Whole(_) => "Whole(…)",
            Self::Streamed(_) => "Streamed(…)",
        })
    }
}
