//! Remembers answers that clients may refer to later.
//!
//! | what | key | used by |
//! |---|---|---|
//! | replies | the conversation up to them | [`Conversations`](crate::conversation::Conversations), packed |
//! | items and responses | the ids that this gateway gave them | the two kinds of references |
//! | conversations | the ids in Responses answers | the same, to continue a conversation |
//! | Gemini's signatures | call ids | clients that do not send them back |
//!
//! It is kept in memory only, separately for each client key, bounded in bytes, and dropped half an
//! hour after its last use. Names are hashed with a secret seed, so that no client can choose names
//! that are slow to compare, or those of another client.

mod items;
mod recent;
pub(crate) mod signatures;

pub(crate) use items::{Keeper, ids, last_reference, resolve};
pub(crate) use recent::Recent;

use std::time::Duration;

/// How long something is remembered after its last use.
pub(crate) const AGE: Duration = Duration::from_secs(30 * 60);

/// What a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An item of an answer: its JSON.
    Item,
    /// An answer: the conversation up to its end.
    Response,
    /// The conversation of an item or an answer.
    Conversation,
    /// Gemini's signature of a call.
    Signature,
}
