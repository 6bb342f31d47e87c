use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::batch::Batch;
use crate::ledger::queue::{Place, Queue};
use crate::store::{OpenRow, Settlement};
use crate::wire::RequestId;

/// How long a request waits for its row before it is refused instead of served.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request's row, begun and not yet ended. Whoever holds it must [`settle`](Self::settle) it: a row
/// that nobody settles stays open until the next start.
#[must_use = "a row that nobody settles stays open"]
pub struct Entry {
    queue: Arc<Queue>,
    id: RequestId,
    place: Place,
}

impl Entry {
    pub(super) fn open(queue: Arc<Queue>, row: OpenRow) -> Result<Self> {
        let id = row.request_id;
        let place = queue.push_open(row)?;
        Ok(Self { queue, id, place })
    }

    /// Resolves once the row is durable.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`] when it could not be written, or not within ten seconds.
    ///
    /// # Cancel safety
    /// Waiting changes nothing.
    pub async fn opened(&self) -> Result<()> {
        within_patience(&self.place.batch).await
    }

    /// Queues the ending, at once and without waiting, and returns what tells when it is durable.
    pub fn settle(self, settlement: Settlement) -> Settled {
        Settled {
            batch: self.queue.push_settle(self.id, &self.place, settlement),
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
    /// [`ErrorKind::LedgerUnavailable`] when it could not be written, or not within ten seconds; then
    /// it is tried further behind the caller's back.
    ///
    /// # Cancel safety
    /// Waiting changes nothing: the ending is queued already.
    pub async fn durable(self) -> Result<()> {
        within_patience(&self.batch).await
    }
}

async fn within_patience(batch: &Batch) -> Result<()> {
    tokio::time::timeout(PATIENCE, batch.wait())
        .await
        .unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::LedgerUnavailable,
                "the usage ledger does not answer; try again shortly",
            )
            .with_retry_after(Duration::from_secs(1)))
        })
}
