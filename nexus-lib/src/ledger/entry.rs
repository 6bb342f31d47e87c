use std::sync::Arc;

use crate::error::Result;
use crate::ledger::batch::Batch;
use crate::ledger::queue::{Place, Queue};
use crate::store::{OpenRow, Settlement};

/// A request's row, begun and not yet ended: until it is [settled](Self::settle). One that is
/// dropped is settled as cancelled, without figures.
#[must_use = "a row that is dropped is cancelled"]
pub struct Entry {
    queue: Arc<Queue>,
    /// Taken by whoever settles it.
    row: Option<OpenRow>,
    /// Where the beginning was queued, if it was.
    place: Option<Place>,
}

opaque_debug!(Entry);

impl Entry {
    pub(super) fn new(queue: Arc<Queue>, row: OpenRow) -> Self {
        Self {
            queue,
            row: Some(row),
            place: None,
        }
    }

    /// Queues the beginning, at once and without waiting. A second call does nothing.
    pub fn begin(&mut self) {
        if let (None, Some(row)) = (&self.place, &self.row) {
            self.place = Some(self.queue.push_open(row.clone()));
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
    pub fn settle(mut self, settlement: Settlement) -> Settled {
        let row = self.row.take();
        let place = self.place.take();
        Settled {
            batch: row.map(|row| self.queue.push_settle(row, place, settlement)),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(row) = self.row.take() {
            let settlement = Settlement::dropped(&row);
            self.queue.push_settle(row, self.place.take(), settlement);
        }
    }
}

/// An ending on its way to the store.
pub struct Settled {
    batch: Option<Arc<Batch>>,
}

opaque_debug!(Settled);

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
        match self.batch {
            Some(batch) => batch.wait().await,
            None => Ok(()),
        }
    }
}
