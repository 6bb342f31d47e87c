use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};

/// One group of writes on its way to the store: whoever queued a row in it waits for it here.
#[derive(Default)]
pub(super) struct Batch {
    written: OnceLock<bool>,
    done: Notify,
}

impl Batch {
    /// Says how it went, and wakes all who wait. The first word stands: a batch that was given up is
    /// still written when that can be done, but nobody waits for it any more.
    pub(super) fn resolve(&self, written: bool) {
        let _ = self.written.set(written);
        self.done.notify_waiters();
    }

    /// Whether those who wait have been told how it went.
    pub(super) fn is_resolved(&self) -> bool {
        self.written.get().is_some()
    }

    /// Resolves once the batch is durable, or is known never to be.
    ///
    /// # Cancel safety
    /// Waiting changes nothing.
    pub(super) async fn wait(&self) -> Result<()> {
        let mut done = pin!(self.done.notified());
        // Enrolled before the look, so that no wake-up falls in between.
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
