use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::batch::Batch;
use crate::store::{LedgerWrite, OpenRow, Settlement};
use crate::wire::RequestId;

/// How many beginnings may wait to be written before admission waits. Endings are not counted: each
/// belongs to a beginning, and must never be held up.
const ROOM: usize = 4096;

/// What waits to be written.
pub(super) struct Queue {
    pending: Mutex<Pending>,
    /// Told when something was queued or the queue was closed.
    filled: Notify,
    room: Semaphore,
}

struct Pending {
    writes: Vec<LedgerWrite>,
    batch: Arc<Batch>,
    closed: bool,
    /// The store refuses writes: nothing new is admitted until it takes them again.
    stalled: bool,
}

/// Where a beginning was put: it can be completed there as long as its batch has not been taken.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) batch: Arc<Batch>,
    index: usize,
}

impl Queue {
    pub(super) fn new() -> Self {
        let pending = Pending {
            writes: Vec::new(),
            batch: Arc::default(),
            closed: false,
            stalled: false,
        };
        Self {
            pending: Mutex::new(pending),
            filled: Notify::new(),
            room: Semaphore::new(ROOM),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // No code panics while it holds the lock, and the data is whole between statements.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room for one beginning.
    pub(super) async fn admit(&self) -> Result<()> {
        match self.room.acquire().await {
            // Given back by the writer once the row is written.
            Ok(permit) => permit.forget(),
            Err(_) => return Err(closed()),
        }
        Ok(())
    }

    /// Queues a beginning that was admitted.
    pub(super) fn push_open(&self, row: OpenRow) -> Result<Place> {
        let mut pending = self.lock();
        if pending.closed || pending.stalled {
            let error = if pending.closed { closed() } else { stalled() };
            drop(pending);
            self.room.add_permits(1);
            return Err(error);
        }
        let place = Place {
            batch: Arc::clone(&pending.batch),
            index: pending.writes.len(),
        };
        pending.writes.push(LedgerWrite::Open(row));
        drop(pending);
        self.filled.notify_one();
        Ok(place)
    }

    /// Queues an ending: at its beginning, if that still waits, so that one row is written for both.
    pub(super) fn push_settle(
        &self,
        id: RequestId,
        opened: &Place,
        settlement: Settlement,
    ) -> Arc<Batch> {
        let mut pending = self.lock();
        let batch = Arc::clone(&pending.batch);
        let still_here = Arc::ptr_eq(&batch, &opened.batch);
        match pending.writes.get_mut(opened.index) {
            Some(write) if still_here => {
                if let LedgerWrite::Open(row) = write {
                    *write = LedgerWrite::Whole(row.clone(), settlement);
                }
            }
            _ => pending.writes.push(LedgerWrite::Settle(id, settlement)),
        }
        drop(pending);
        self.filled.notify_one();
        batch
    }

    /// All that waits, as one batch; `None` once the queue is closed and empty.
    ///
    /// # Cancel safety
    /// Nothing is taken before it resolves.
    pub(super) async fn take(&self) -> Option<(Vec<LedgerWrite>, Arc<Batch>)> {
        loop {
            {
                let mut pending = self.lock();
                if !pending.writes.is_empty() {
                    let capacity = pending.writes.len();
                    let writes =
                        std::mem::replace(&mut pending.writes, Vec::with_capacity(capacity));
                    return Some((writes, std::mem::take(&mut pending.batch)));
                }
                if pending.closed {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    /// Gives room back for the beginnings of a batch that was written.
    pub(super) fn release(&self, beginnings: usize) {
        self.room.add_permits(beginnings);
    }

    /// Says whether the store takes writes just now.
    pub(super) fn set_stalled(&self, stalled: bool) {
        self.lock().stalled = stalled;
    }

    /// Admits nothing more; what waits is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.filled.notify_one();
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Closed,
        "the gateway is shutting down; try another or try again later",
    )
}

fn stalled() -> Error {
    Error::new(
        ErrorKind::LedgerUnavailable,
        "the usage ledger cannot be written just now, so nothing is served; try again shortly",
    )
    .with_retry_after(Duration::from_secs(1))
}
