use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::FREE_BYTES;
use crate::error::{Error, ErrorKind, Result};

/// One holder may hold up to this many times the free memory: one alone never has more than four
/// fifths, and two never more than four ninths each. So a slow client leaves room for others.
const SHARE_OF_FREE: usize = 4;

/// Counts the bytes of bodies in memory, and bounds them. A clone shares the count.
#[derive(Clone, Debug)]
pub(crate) struct BodyMemory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    held: AtomicUsize,
    /// By holder. Locked only for bodies of more than a few KiB.
    holders: Mutex<HashMap<Holder, usize>>,
}

/// Who shares the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A client, by the first bytes of its key's hash.
    Client(u64),
    /// The operator.
    Operator,
    /// Providers: their answers have been paid for, so they may use all that is left.
    Providers,
}

/// Bytes whose memory is counted.
pub(super) struct Counted<B> {
    pub(super) bytes: B,
    pub(super) _held: Held,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Counted<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// Memory that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    memory: BodyMemory,
    holder: Holder,
    bytes: usize,
}

impl BodyMemory {
    /// With a limit of `most` bytes.
    pub(crate) fn at_most(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            held: AtomicUsize::new(0),
            holders: Mutex::default(),
        }))
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    /// The longest body that one client can have room for.
    pub(crate) fn longest(&self) -> usize {
        self.0.most / (SHARE_OF_FREE + 1) * SHARE_OF_FREE
    }

    /// The limit in bytes.
    pub(crate) fn most(&self) -> usize {
        self.0.most
    }

    /// The same bytes, counted until the last clone is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Overloaded`] when there is no room for them.
    pub(crate) fn counted(&self, bytes: Bytes, holder: Holder) -> Result<Bytes> {
        if bytes.len() <= FREE_BYTES {
            return Ok(bytes);
        }
        let mut held = self.hold(holder);
        held.grow(bytes.len())?;
        Ok(Bytes::from_owner(Counted { bytes, _held: held }))
    }

    /// Nothing yet, for `holder`.
    pub(crate) fn hold(&self, holder: Holder) -> Held {
        Held {
            memory: self.clone(),
            holder,
            bytes: 0,
        }
    }
}

impl Inner {
    fn holders(&self) -> MutexGuard<'_, HashMap<Holder, usize>> {
        // The data is consistent between statements.
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Counts another `more` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Overloaded`] when there is no room for them.
    pub(crate) fn grow(&mut self, more: usize) -> Result<()> {
        let inner = &*self.memory.0;
        let mut holders = inner.holders();
        let held = inner.held.load(Ordering::Relaxed);
        let Some(free) = (inner.most.checked_sub(held)).and_then(|free| free.checked_sub(more))
        else {
            return Err(overloaded());
        };
        let own = holders.entry(self.holder).or_default();
        let would = own.saturating_add(more);
        if self.holder != Holder::Providers && would > free.saturating_mul(SHARE_OF_FREE) {
            if *own == 0 {
                holders.remove(&self.holder);
            }
            return Err(overloaded());
        }
        *own = would;
        inner.held.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        Ok(())
    }

    /// Counts `bytes` that are there already: it has no bound, and later bodies find less room.
    pub(crate) fn note(&mut self, bytes: usize) {
        let inner = &*self.memory.0;
        *inner.holders().entry(self.holder).or_default() += bytes;
        inner.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }

    /// How many bytes are counted.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Releases all of it.
    pub(crate) fn let_go(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes == 0 {
            return;
        }
        let inner = &*self.memory.0;
        let mut holders = inner.holders();
        inner.held.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(own) = holders.get_mut(&self.holder) {
            *own = own.saturating_sub(bytes);
            if *own == 0 {
                holders.remove(&self.holder);
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.let_go();
    }
}

fn overloaded() -> Error {
    Error::new(
        ErrorKind::Overloaded,
        "the bodies of open requests have reached their memory limit; try again in a moment",
    )
    .with_retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_leaves_room_for_others_and_all_is_given_back() {
        let memory = BodyMemory::at_most(1000);
        let mut greedy = memory.hold(Holder::Client(1));
        while greedy.grow(10).is_ok() {}
        assert_eq!(greedy.bytes(), 800);
        assert_eq!(memory.longest(), 800);
        let mut other = memory.hold(Holder::Client(2));
        other.grow(100).unwrap();
        let mut operator = memory.hold(Holder::Operator);
        operator.grow(50).unwrap();
        // Answers may use all that is left.
        let mut answer = memory.hold(Holder::Providers);
        answer.grow(50).unwrap();
        let error = answer.grow(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert!(error.retry_after().is_some());
        assert_eq!(memory.held(), 1000);
        // What is there all the same is counted, and whoever comes next finds no room.
        answer.note(100);
        assert_eq!(memory.held(), 1100);
        assert!(operator.grow(1).is_err());
        drop((greedy, other, operator, answer));
        assert_eq!(memory.held(), 0);
        assert!(memory.0.holders().is_empty());
    }
}
