//! Paces streams: the upstream sends an event when the client has seen the previous one.
//!
//! A real model leaves milliseconds between events, so that each one passes a gateway separately.
//! An upstream that sends as fast as it can would let a slow subject find several events in one
//! read, and so look cheaper per event than a fast one. Here each stream of the load has a slot,
//! which it shares with the upstream directly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// One slot for each stream that the load may have open.
pub(crate) struct Slots(Vec<Arc<Slot>>);

/// How many events the client has seen of its open stream.
#[derive(Default)]
pub(crate) struct Slot {
    seen: AtomicU32,
    waker: AtomicWaker,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Arc::default()).collect())
    }

    pub(crate) fn get(&self, index: u32) -> Option<Arc<Slot>> {
        self.0.get(usize::try_from(index).ok()?).cloned()
    }
}

impl Slot {
    /// Sets how many events the client has seen of its current stream.
    pub(crate) fn set(&self, seen: u32) {
        self.seen.store(seen, Ordering::Release);
        self.waker.wake();
    }

    /// Ready once the client has seen `count` events.
    pub(crate) fn poll_seen(&self, count: u32, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.seen.load(Ordering::Acquire) >= count {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
