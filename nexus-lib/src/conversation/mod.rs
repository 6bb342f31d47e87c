//! Which conversation a request belongs to, where its client does not say.
//!
//! A reply is remembered by what was said up to and with it ([`Prefix`]). A request whose messages
//! begin with that, and go on, belongs to the same conversation; any other begins one of its own.
//! So the same opening twice is two conversations, until each has gone on.
//!
//! A request's latest 4,096 replies are looked for. Replies are remembered for [`MEMORY`], each for
//! its own client: what another says is never found.
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> nexus_lib::Result<()> {
//! use nexus_lib::{ChatRequest, Gateway, ProviderSpec, SqliteStore};
//!
//! let nexus = Gateway::builder(SqliteStore::in_memory().await?).build().await?;
//! let demo = ProviderSpec::new("demo", "http://demo.invalid", "", "key").kind("demo");
//! nexus.registry().ensure(demo, ["nexus-echo"]).await?;
//!
//! let first = ChatRequest::new("nexus-echo").user("hi").key("key");
//! let began = nexus.chat(first.clone()).await?;
//! // The same messages, the answer to them, and one more.
//! let mut next = first;
//! next.messages.push(began.completion.choices[0].message.clone());
//! let went_on = nexus.chat(next.user("go on")).await?;
//! assert_eq!(went_on.conversation_id, began.conversation_id);
//! # nexus.close().await
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```

mod known;
mod segment;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;

use crate::call::{Call, ClosedCall, Target};
use crate::memory::{self, Kind, Recent};
use crate::secret::KeyHash;
use crate::transcript::Delivered;
use crate::wire::{
    ConversationId, ConversationMark, ConversationMarks, Operation, Prefix, Prefixes, Timestamp,
};
use known::Known;
use segment::Segment;

/// How long after a reply a conversation may go on.
pub const MEMORY: Duration = Duration::from_secs(30 * 60);

/// The most replies that are remembered at once, about a million: 32 MB. Beyond it, or where names
/// of conversations take more than half as much again, the oldest are forgotten first, and their
/// conversations go on as new ones.
pub const MAX_REPLIES: usize = MAX_SEGMENTS * Segment::MAX;

const MAX_SEGMENTS: usize = 61;

/// How many of a request's replies are looked for, the latest first: some milliseconds of work at
/// most.
const MAX_LOOKED_FOR: usize = 4096;

/// The replies of the last half hour. A clone shares them.
#[derive(Clone)]
pub struct Conversations {
    known: Arc<Mutex<Known>>,
    /// The conversations of answers that clients refer to by their ids.
    recent: Recent,
}

opaque_debug!(Conversations);

impl Default for Conversations {
    fn default() -> Self {
        Self::over(Recent::default())
    }
}

impl Conversations {
    /// With what else is remembered of answers.
    pub(crate) fn over(recent: Recent) -> Self {
        let known = Known::new((Segment::MAX, MAX_SEGMENTS));
        Self {
            known: Arc::new(Mutex::new(known)),
            recent,
        }
    }

    /// Puts `call` into its conversation: the one that its client `named`, if only in its body;
    /// else the one that it goes on with, if that is known here; else its own.
    pub fn place(&self, call: &mut Call, named: Option<ConversationId>) {
        let named = named.or_else(|| call.body.fields().conversation.clone());
        let found = named.or_else(|| self.referred(call)).or_else(|| {
            let messages = &call.body.fields().prefixes;
            self.find(call.principal.identity(), messages, call.started_at)
        });
        if let Some(conversation) = found {
            // What another client names so is another conversation.
            call.conversation = conversation.within(call.principal.identity().scope());
        }
    }

    /// The conversation of the answer, or of the item, that a request of Responses refers to.
    fn referred(&self, call: &Call) -> Option<ConversationId> {
        if call.operation != Operation::Response {
            return None;
        }
        let id = memory::last_reference(call.body.bytes())?;
        let client = call.principal.identity();
        let conversation = self.recent.get(client, Kind::Conversation, &id)?;
        str::from_utf8(&conversation).ok()?.parse().ok()
    }

    /// Notes what later requests may refer to in a whole answer of `target`'s, which is about to go
    /// out.
    pub(crate) fn note_answer(&self, call: &Call, target: &Target, body: &[u8]) {
        match call.operation {
            Operation::Response => self.name(call, body),
            Operation::ChatCompletion if target.is_gemini() => self.note_signatures(call, body),
            _ => {}
        }
    }

    /// The same for a piece of a streamed answer: one or more whole events.
    pub(crate) fn note_events(&self, call: &Call, target: &Target, events: &[u8]) {
        if call.operation != Operation::Response || ends_response(events) {
            self.note_answer(call, target, events);
        }
    }

    /// Remembers Gemini's signatures in `answer`, a chat completion or events of one.
    fn note_signatures(&self, call: &Call, answer: &[u8]) {
        memory::signatures::note(&self.recent, call.principal.identity(), answer);
    }

    /// Remembers the conversation of `answer`, or of a stream that ends with it, by its ids and
    /// those of its items.
    fn name(&self, call: &Call, answer: &[u8]) {
        let conversation = Bytes::from(call.conversation.to_string());
        let client = call.principal.identity();
        for id in memory::ids(answer) {
            let conversation = conversation.clone();
            self.recent
                .put(client, Kind::Conversation, id, conversation);
        }
    }

    /// The conversation behind the latest of the replies in `messages` that is known.
    ///
    /// Where several conversations were the same up to there, it is the oldest that nobody has gone
    /// on with yet.
    fn find(&self, client: KeyHash, messages: &Prefixes, now: Timestamp) -> Option<ConversationId> {
        if messages.replies.is_empty() {
            return None;
        }
        let mut latest = messages.replies.iter().rev().take(MAX_LOOKED_FOR);
        // Locked for each alone: others remember theirs in between.
        latest.find_map(|reply| self.known().go_on(mark(client, *reply), now))
    }

    /// Remembers the replies of a call that is over, so that a request that continues them is
    /// recognized.
    pub fn remember(&self, call: &ClosedCall) {
        self.keep(&call.marks, &call.conversation_id, call.ended_at());
    }

    fn keep(&self, marks: &ConversationMarks, conversation: &ConversationId, now: Timestamp) {
        for mark in marks.iter() {
            self.known().add(mark, conversation.clone(), now);
        }
    }

    /// Remembers what an earlier process did: marks with their conversations and when they were
    /// made, the oldest first.
    pub fn recall(
        &self,
        marks: impl IntoIterator<Item = (ConversationMark, ConversationId, Timestamp)>,
    ) {
        let mut known = self.known();
        for (mark, conversation, at) in marks {
            known.add(mark, conversation, at);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // No code panics while it holds the lock, and the data is whole between statements.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request that continues `call` behind one of the replies in `answer` is recognized by. The
/// first mark is on the ledger, which outlives the process. Empty where nothing was said that could
/// be continued.
pub fn marks(call: &Call, answer: &Delivered) -> ConversationMarks {
    let client = call.principal.identity();
    let mut marks = ConversationMarks::default();
    let said = call.body.fields().prefixes.whole;
    answer.replies(said, |reply| marks.push(mark(client, reply)));
    marks
}

/// Whether a stream of Responses ends with these events.
fn ends_response(events: &[u8]) -> bool {
    let endings = [&b"response.completed"[..], b"response.incomplete"];
    endings
        .iter()
        .any(|ending| memmem::find(events, ending).is_some())
}

/// Replies are separate for each client too, and a client cannot know another's identity.
fn mark(client: KeyHash, reply: Prefix) -> ConversationMark {
    let mut key = [0; 16];
    key.copy_from_slice(&client.as_bytes()[..16]);
    ConversationMark::from_bits(reply.bits() ^ u128::from_le_bytes(key))
}
