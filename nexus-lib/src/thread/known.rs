use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::thread::ring::Ring;
use crate::thread::{MEMORY, MOST_REPLIES};
use crate::wire::{ConversationId, ThreadMark, Timestamp};

/// Replies in the order in which they came, with an index by their marks.
///
/// There is one for every request of half an hour, so they are kept tight: 48 bytes in a ring, and eight
/// in the index.
pub(super) struct Known {
    replies: Ring<Reply>,
    /// The number of the first of `replies`. Numbers wrap around; there are never so many at once.
    first: u32,
    /// `replies`, by mark.
    index: HashTable<Entry>,
    /// What clients cannot know, so that none can choose marks that are slow to tell apart.
    seed: u64,
}

struct Reply {
    /// The bits of its mark, in halves: as one number they would lie in steps of 16 bytes.
    mark: [u64; 2],
    conversation: ConversationId,
    /// When it was made, in seconds since 1970.
    at: u32,
    has_gone_on: bool,
}

struct Entry {
    number: u32,
    /// Kept, so that the index can grow without a look at each reply.
    hash: u32,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            replies: Ring::default(),
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
        let hash = hash(mark, self.seed);
        for entry in self.index.iter_hash(spread(hash)) {
            let place = place(entry.number, self.first);
            let reply = self.replies.get(place);
            let Some(reply) = reply.filter(|reply| reply.mark == halves(mark)) else {
                continue;
            };
            if is_old(reply, seconds(now)) {
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
        let at = seconds(now);
        self.forget(at);
        let number = u32::try_from(self.replies.len()).unwrap_or(u32::MAX);
        let number = self.first.wrapping_add(number);
        self.replies.push_back(Reply {
            mark: halves(mark),
            conversation,
            at,
            has_gone_on: false,
        });
        let hash = hash(mark, self.seed);
        let entry = Entry { number, hash };
        let hash_of = |entry: &Entry| spread(entry.hash);
        self.index.insert_unique(spread(hash), entry, hash_of);
    }

    /// How many replies are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.index.len(), self.replies.len());
        self.replies.len()
    }

    /// Makes room for one, and drops what is too old.
    fn forget(&mut self, now: u32) {
        while let Some(oldest) = self.replies.get(0) {
            let is_full = self.replies.len() >= MOST_REPLIES;
            if !is_full && !is_old(oldest, now) {
                return;
            }
            let [low, high] = oldest.mark.map(u128::from);
            let hash = hash(ThreadMark::from_bits(high << 64 | low), self.seed);
            let number = self.first;
            let found = (self.index).find_entry(spread(hash), |entry| entry.number == number);
            if let Ok(entry) = found {
                entry.remove();
            }
            self.replies.forget_front();
            self.first = self.first.wrapping_add(1);
        }
    }
}

fn is_old(reply: &Reply, now: u32) -> bool {
    u64::from(now.saturating_sub(reply.at)) > MEMORY.as_secs()
}

fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.as_seconds()).unwrap_or(0)
}

fn halves(mark: ThreadMark) -> [u64; 2] {
    let bits = mark.bits().to_le_bytes();
    let (low, high) = bits.split_at(8);
    [low, high].map(|half| half.try_into().map_or(0, u64::from_le_bytes))
}

/// Where number `number` stands in a ring whose first is number `first`.
fn place(number: u32, first: u32) -> usize {
    usize::try_from(number.wrapping_sub(first)).unwrap_or(usize::MAX)
}

/// A mark's bits are spread evenly already; the seed makes them unforeseeable.
fn hash(mark: ThreadMark, seed: u64) -> u32 {
    let product = (mark.bits() ^ u128::from(seed)).wrapping_mul(u128::from(seed));
    u32::try_from(product >> 96).unwrap_or(0)
}

/// The index looks at the lowest bits and at the highest seven.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}
