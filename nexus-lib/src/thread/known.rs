use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::thread::{MEMORY, MOST_REPLIES};
use crate::wire::{ConversationId, ThreadMark, Timestamp};

/// Replies in the order in which they came, with an index by their marks.
///
/// There is one for every request of half an hour, so they are kept tight: a row in a ring, and four
/// bytes in the index.
pub(super) struct Known {
    replies: VecDeque<Reply>,
    /// The number of the first of `replies`. Numbers wrap around; there are never so many at once.
    first: u32,
    /// The numbers of `replies`, by mark.
    index: HashTable<u32>,
    /// What clients cannot know, so that none can choose marks that are slow to tell apart.
    seed: u64,
}

struct Reply {
    mark: ThreadMark,
    at: Timestamp,
    conversation: ConversationId,
    has_gone_on: bool,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            replies: VecDeque::new(),
            first: 0,
            index: HashTable::new(),
            seed: RandomState::new().hash_one(0) | 1,
        }
    }
}

impl Known {
    /// The conversation that goes on behind `mark`.
    pub(super) fn go_on(&mut self, mark: ThreadMark, now: Timestamp) -> Option<ConversationId> {
        let (mut untouched, mut latest) = (None, None);
        for number in self.index.iter_hash(hash(mark, self.seed)) {
            let place = place(*number, self.first);
            let reply = self.replies.get(place);
            let Some(reply) = reply.filter(|reply| reply.mark == mark) else {
                continue;
            };
            if now.saturating_since(reply.at) > MEMORY {
                continue;
            }
            if !reply.has_gone_on {
                untouched = Some(untouched.map_or(place, |other: usize| other.min(place)));
            }
            latest = latest.max(Some(place));
        }
        let reply = self.replies.get_mut(untouched.or(latest)?)?;
        reply.has_gone_on = true;
        Some(reply.conversation.clone())
    }

    pub(super) fn add(&mut self, mark: ThreadMark, conversation: ConversationId, now: Timestamp) {
        self.forget(now);
        let number = u32::try_from(self.replies.len()).unwrap_or(u32::MAX);
        let number = self.first.wrapping_add(number);
        self.replies.push_back(Reply {
            mark,
            at: now,
            conversation,
            has_gone_on: false,
        });
        let Self {
            replies,
            first,
            index,
            seed,
        } = self;
        // Called when the index grows.
        let hash_of = |number: &u32| match replies.get(place(*number, *first)) {
            Some(reply) => hash(reply.mark, *seed),
            None => 0,
        };
        index.insert_unique(hash(mark, *seed), number, hash_of);
    }

    /// How many replies are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.index.len(), self.replies.len());
        self.replies.len()
    }

    /// Makes room for one, and drops what is too old.
    fn forget(&mut self, now: Timestamp) {
        while let Some(oldest) = self.replies.front() {
            let is_full = self.replies.len() >= MOST_REPLIES;
            if !is_full && now.saturating_since(oldest.at) <= MEMORY {
                return;
            }
            let hash = hash(oldest.mark, self.seed);
            let number = self.first;
            if let Ok(entry) = self.index.find_entry(hash, |other| *other == number) {
                entry.remove();
            }
            self.replies.pop_front();
            self.first = self.first.wrapping_add(1);
        }
    }
}

/// Where number `number` stands in a ring whose first is number `first`.
fn place(number: u32, first: u32) -> usize {
    usize::try_from(number.wrapping_sub(first)).unwrap_or(usize::MAX)
}

/// A mark's bits are spread evenly already; the seed makes them unforeseeable.
fn hash(mark: ThreadMark, seed: u64) -> u64 {
    let product = (mark.bits() ^ u128::from(seed)).wrapping_mul(u128::from(seed));
    (product >> 64) as u64
}
