use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};

/// A group of writes: callers that queued a row in it wait for it here.
#[derive(Default)]
pub(super) struct Batch {
    written: OnceLock<bool>,
    done: Notify,
}

impl Batch {
    /// Sets the result, and wakes all waiters. The first result stands: a batch that was given up
    /// is still written when possible, but nobody waits for it any more.
    pub(super) fn resolve(&self, written: bool) {
        let _ = self.written.set(written);
        self.done.notify_waiters();
    }

    /// Whether the result is set.
    pub(super) fn is_resolved(&self) -> bool {
        self.written.get().is_some()
    }

    /// Resolves once the batch is durable, or is known to have failed.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    pub(super) async fn wait(&self) -> Result<()> {
        let mut done = pin!(self.done.notified());
        // Registered before the check, so that no wake-up is missed.
        done.as_mut().enable();
        if self.written.get().is_none() {
            done.await;
        }
        match self.written.get() {
            Some(true) => Ok(()),
            _ => Err(Error::new(
                ErrorKind::LedgerUnavailable,
                "the usage ledger could not be written; try again shortly",
            )
            .with_retry_after(Duration::from_secs(1))),
        }
    }
}
