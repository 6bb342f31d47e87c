//! What is remembered of answers, for those who refer to them later.
//!
//! | what | by | for |
//! |---|---|---|
//! | replies | what was said up to and with them | [`Threads`](crate::thread::Threads), in a packed form of their own |
//! | items and responses | the ids that this gateway gave them | `item_reference`, `previous_response_id` |
//! | conversations | the ids in answers of Responses | the same, to know which conversation goes on |
//! | Gemini's signatures | the ids of calls | clients that do not send them back |
//!
//! All of it is in memory alone, apart for each client key, bounded in bytes, and forgotten half an hour after it was
//! last of use. Names are hashed with a seed that nobody knows, so that no client can choose names that are slow to tell
//! apart, or those of another client.

mod items;
mod recent;
pub(crate) mod signatures;

pub(crate) use items::{Keeper, ids, last_reference, resolve};
pub(crate) use recent::Recent;

use std::time::Duration;

/// How long something is remembered after it was last of use.
pub(crate) const AGE: Duration = Duration::from_secs(30 * 60);

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An item of an answer: its JSON.
    Item,
    /// An answer: what was said up to its end.
    Response,
    /// The conversation of an item, or of an answer.
    Conversation,
    /// Gemini's signature of a call.
    Signature,
}
