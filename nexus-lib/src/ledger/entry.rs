use std::sync::Arc;

use crate::error::Result;
use crate::ledger::batch::Batch;
use crate::ledger::queue::{Place, Queue};
use crate::store::{OpenRow, Settlement};

/// A request's row, begun and not yet ended. Whoever holds it must [`settle`](Self::settle) it: a row
/// that nobody settles stays open until the next start.
#[must_use = "a row that nobody settles stays open"]
pub struct Entry {
    queue: Arc<Queue>,
    row: OpenRow,
    /// Where the beginning was queued, if it was.
    place: Option<Place>,
}

impl Entry {
    pub(super) fn new(queue: Arc<Queue>, row: OpenRow) -> Self {
        Self {
            queue,
            row,
            place: None,
        }
    }

    /// Queues the beginning, at once and without waiting. A second call does nothing.
    pub fn begin(&mut self) {
        if self.place.is_none() {
            self.place = Some(self.queue.push_open(self.row.clone()));
        }
    }

    /// Resolves once the beginning is durable; queues it, if that was not done before.
    ///
    /// # Errors
    /// `LedgerUnavailable` when it could not be written, or not within ten seconds.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the beginning queued.
    pub async fn opened(&mut self) -> Result<()> {
        self.begin();
        match &self.place {
            Some(place) => place.batch.wait().await,
            None => Ok(()),
        }
    }

    /// Queues the ending, at once and without waiting, and returns what tells when it is durable.
    pub fn settle(self, settlement: Settlement) -> Settled {
        Settled {
            batch: self.queue.push_settle(self.row, self.place, settlement),
        }
    }
}

/// An ending on its way to the store.
pub struct Settled {
    batch: Arc<Batch>,
}

impl Settled {
    /// Resolves once the ending is durable.
    ///
    /// # Errors
    /// `LedgerUnavailable` when it could not be written, or not within ten seconds; then
    /// it is tried further behind the caller's back.
    ///
    /// # Cancel safety
    /// Waiting changes nothing: the ending is queued already.
    pub async fn durable(self) -> Result<()> {
        self.batch.wait().await
    }
}
