//! Recognises conversations by content: a fingerprint of a request's messages, message by message.
//!
//! Chat APIs are stateless: each request brings all messages so far. So a request continues an
//! earlier one if its messages begin with those of that request and the reply to it. [`Prefix`] is
//! a fingerprint of such a beginning; it grows by one message at a time.
//!
//! What counts is a message's content: role, text, other parts, tool calls, and which call a result
//! answers. Texts are compared unescaped; a plain text equals a list with this one text part.
//! Arguments of calls are compared as JSON, however they are written. What clients do not send back
//! (reasoning, annotations, log probabilities) is ignored.

mod arguments;
mod message;
mod text;

pub(crate) use message::{MessagePrint, replies};

use xxhash_rust::xxh3::xxh3_128;

/// The fingerprint of a conversation's first messages.
///
/// 128 bits of XXH3, so that two beginnings of one client do not collide by chance. It does not
/// resist a client that wants a collision: whoever compares prefixes must separate clients by other
/// means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix(u128);

impl Prefix {
    /// No messages.
    pub const START: Self = Self(0);

    /// This prefix extended by one message.
    #[must_use]
    pub(crate) fn then(self, message: MessagePrint) -> Self {
        let mut both = [0; 32];
        both[..16].copy_from_slice(&self.0.to_le_bytes());
        both[16..].copy_from_slice(&message.bits().to_le_bytes());
        Self(xxh3_128(&both))
    }

    /// The bits.
    pub fn bits(self) -> u128 {
        self.0
    }
}

/// The fingerprint of one client's conversation up to a reply: a [`Prefix`] that is unique to the
/// client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConversationMark(u128);

impl ConversationMark {
    /// The mark with these bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

/// The marks of one call's replies, in order: most calls have one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationMarks {
    first: Option<ConversationMark>,
    /// Without an allocation where there are none.
    others: Vec<ConversationMark>,
}

impl ConversationMarks {
    /// The mark of the first reply; `None` where nothing was said that a request could continue.
    pub fn first(&self) -> Option<ConversationMark> {
        self.first
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = ConversationMark> {
        self.first.into_iter().chain(self.others.iter().copied())
    }

    pub(crate) fn push(&mut self, mark: ConversationMark) {
        match self.first {
            None => self.first = Some(mark),
            Some(_) => self.others.push(mark),
        }
    }
}

/// The fingerprints of a request's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefixes {
    /// All of the messages.
    pub whole: Prefix,
    /// After each assistant message except a final one, the shortest first: each may be the end of
    /// an earlier request and its reply.
    pub replies: Vec<Prefix>,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self {
            whole: Prefix::START,
            replies: Vec::new(),
        }
    }
}
