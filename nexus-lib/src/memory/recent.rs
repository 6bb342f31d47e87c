use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::{AGE, Kind};
use crate::secret::KeyHash;

/// The maximum number of bytes kept at once, including overhead.
const MAX_BYTES: usize = 64 << 20;

/// Clients share these by their keys: a client that fills one only evicts entries of its
/// neighbours.
const SHARDS: usize = 4;

/// The approximate overhead of an entry.
const ENTRY_BYTES: usize = 128;

/// Entries of the last half hour, by name. A clone shares them.
#[derive(Clone)]
pub(crate) struct Recent {
    inner: Arc<Inner>,
}

struct Inner {
    shards: [Mutex<Shard>; SHARDS],
    max_shard_bytes: usize,
    /// Unknown to clients.
    seed: u64,
    began: Instant,
}

impl Default for Recent {
    fn default() -> Self {
        Self::at_most(MAX_BYTES)
    }
}

impl Recent {
    fn at_most(max_bytes: usize) -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self {
            inner: Arc::new(Inner {
                shards: Default::default(),
                max_shard_bytes: max_bytes / SHARDS,
                seed: RandomState::new().hash_one(0),
                began: Instant::now(),
            }),
        }
    }

    /// Remembers `value` in place of an earlier one of this name. Values larger than the whole room
    /// are not kept.
    pub(crate) fn put(&self, client: KeyHash, kind: Kind, name: &str, value: Bytes) {
        let (name, now) = (self.name(client, kind, name), self.now());
        let max_bytes = self.inner.max_shard_bytes;
        self.shard(client).put(name, value, now, max_bytes);
    }

    /// The value of this name; using it extends its life.
    pub(crate) fn get(&self, client: KeyHash, kind: Kind, name: &str) -> Option<Bytes> {
        let (name, now) = (self.name(client, kind, name), self.now());
        self.shard(client).get(name, now)
    }

    fn name(&self, client: KeyHash, kind: Kind, name: &str) -> u128 {
        let mut hash = Xxh3::with_seed(self.inner.seed);
        hash.update(client.as_bytes());
        hash.update(&[kind as u8]);
        hash.update(name.as_bytes());
        hash.digest128()
    }

    /// In seconds since the gateway started, so changes to the clock do not matter.
    fn now(&self) -> u32 {
        u32::try_from(self.inner.began.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    fn shard(&self, client: KeyHash) -> MutexGuard<'_, Shard> {
        let place = usize::from(client.as_bytes()[0]) % SHARDS;
        // No code panics while it holds the lock, and the data is consistent between statements.
        self.inner.shards[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (half, _) = bytes.split_at(bytes.len().min(8));
        let mut low = [0; 8];
        low[..half.len()].copy_from_slice(half);
        self.0 = u64::from_le_bytes(low);
    }
}

#[derive(Default)]
struct Shard {
    kept: HashMap<u128, Kept, BuildHasherDefault<Hashed>>,
    /// The names in order of their last use, with its number. Names that were used again, or are
    /// gone, are skipped.
    order: VecDeque<(u128, u64)>,
    bytes: usize,
    /// The number of the next use.
    next: u64,
}

struct Kept {
    value: Bytes,
    used: u64,
    at: u32,
}

impl Shard {
    fn put(&mut self, name: u128, value: Bytes, now: u32, max_bytes: usize) {
        let bytes = value.len().saturating_add(ENTRY_BYTES);
        self.take(name);
        if bytes > max_bytes {
            return;
        }
        self.forget(now, max_bytes - bytes);
        self.bytes += bytes;
        let used = self.use_now(name);
        let at = now;
        self.kept.insert(name, Kept { value, used, at });
    }

    fn get(&mut self, name: u128, now: u32) -> Option<Bytes> {
        if is_old(self.kept.get(&name)?.at, now) {
            self.take(name);
            return None;
        }
        let used = self.use_now(name);
        let kept = self.kept.get_mut(&name)?;
        (kept.used, kept.at) = (used, now);
        Some(kept.value.clone())
    }

    fn use_now(&mut self, name: u128) -> u64 {
        // Mostly entries to skip: each name is moved at most once per use.
        if self.order.len() > 2 * self.kept.len() + 64 {
            let kept = &self.kept;
            self.order
                .retain(|(name, used)| kept.get(name).is_some_and(|kept| kept.used == *used));
        }
        self.next += 1;
        self.order.push_back((name, self.next));
        self.next
    }

    fn take(&mut self, name: u128) {
        if let Some(kept) = self.kept.remove(&name) {
            self.bytes -= kept.value.len() + ENTRY_BYTES;
        }
    }

    /// Drops old entries, and then the least recently used ones until at most `room` bytes are
    /// left.
    fn forget(&mut self, now: u32, room: usize) {
        while let Some((name, used)) = self.order.front().copied() {
            let kept = self.kept.get(&name).filter(|kept| kept.used == used);
            match kept {
                Some(kept) if self.bytes <= room && !is_old(kept.at, now) => return,
                Some(_) => self.take(name),
                None => {}
            }
            self.order.pop_front();
        }
    }
}

fn is_old(at: u32, now: u32) -> bool {
    u64::from(now.saturating_sub(at)) > AGE.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> KeyHash {
        KeyHash::of(text.as_bytes())
    }

    #[test]
    fn names_are_apart_by_client_and_kind() {
        let recent = Recent::default();
        recent.put(key("a"), Kind::Item, "msg_1", "x".into());
        assert_eq!(recent.get(key("a"), Kind::Item, "msg_1").unwrap(), "x");
        assert_eq!(recent.get(key("b"), Kind::Item, "msg_1"), None);
        assert_eq!(recent.get(key("a"), Kind::Response, "msg_1"), None);
        recent.put(key("a"), Kind::Item, "msg_1", "y".into());
        assert_eq!(recent.get(key("a"), Kind::Item, "msg_1").unwrap(), "y");
    }

    #[test]
    fn what_was_longest_of_no_use_is_forgotten_first() {
        let room = 4 * (ENTRY_BYTES + 10);
        let mut shard = Shard::default();
        let value = Bytes::from_static(&[0; 10]);
        for name in 0..4 {
            shard.put(name, value.clone(), 0, room);
        }
        assert!(shard.get(0, 1).is_some());
        shard.put(4, value.clone(), 1, room);
        let kept: Vec<_> = (0..5).map(|name| shard.get(name, 1).is_some()).collect();
        assert_eq!(kept, [true, false, true, true, true]);
        assert_eq!(shard.bytes, room);
        // Larger than the room: not kept, and nothing is dropped for it.
        shard.put(9, Bytes::from(vec![0; room]), 1, room);
        assert_eq!((shard.get(9, 1), shard.kept.len()), (None, 4));
    }

    #[test]
    fn what_was_of_no_use_for_half_an_hour_is_forgotten() {
        let mut shard = Shard::default();
        shard.put(1, Bytes::new(), 0, 1 << 20);
        shard.put(2, Bytes::new(), 0, 1 << 20);
        assert!(shard.get(1, 1800).is_some());
        assert!(shard.get(1, 3600).is_some());
        assert!(shard.get(2, 1801).is_none());
        shard.put(3, Bytes::new(), 9000, 1 << 20);
        assert_eq!(shard.kept.len(), 1);
        assert_eq!(shard.bytes, ENTRY_BYTES);
    }

    #[test]
    fn use_after_use_takes_no_more_room() {
        let mut shard = Shard::default();
        for name in 0..10 {
            shard.put(name, Bytes::new(), 0, 1 << 20);
        }
        for turn in 0..10_000 {
            assert!(shard.get(turn % 10, 1).is_some());
        }
        assert!(shard.order.len() < 200, "{}", shard.order.len());
    }
}
