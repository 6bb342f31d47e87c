use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit, TryAcquireError};

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::batch::Batch;
use crate::store::{LedgerWrite, OpenRow, Settlement};

/// How many admitted requests may be without a written row before admission waits. Settlements are
/// not counted: each belongs to an admitted request, and must never be delayed.
const ROOM: usize = 4096;

/// Batches do not grow beyond this while more rows arrive.
const LONGEST_BATCH: usize = 512;

/// Rows that wait to be written.
pub(super) struct Queue {
    pending: Mutex<Pending>,
    /// Notified when something was queued or the queue was closed.
    filled: Notify,
    room: Semaphore,
    /// The store rejects writes: nothing new is admitted until it accepts them again.
    stalled: AtomicBool,
    /// Notified when the store starts to reject writes.
    stall: Notify,
    /// Notified when the writer has ended.
    over: Notify,
}

struct Pending {
    writes: Vec<LedgerWrite>,
    batch: Arc<Batch>,
    /// Taken by the writer and not yet written: another writer continues with it.
    taken: Option<Taken>,
    closed: bool,
    /// The writer has ended: later rows are not written, and waiters get an error.
    ended: bool,
    /// It has ended early, and was not replaced.
    died: bool,
}

/// Rows that are written together, and their waiters.
pub(super) type Taken = (Arc<Vec<LedgerWrite>>, Arc<Batch>);

/// The position of an opening row: it can be completed there until its batch is taken.
pub(super) struct Place {
    pub(super) batch: Arc<Batch>,
    index: usize,
}

impl Pending {
    fn refuse_if_ended(&mut self) {
        if self.ended {
            self.writes.clear();
            self.batch.resolve(false);
        }
    }
}

impl Queue {
    pub(super) fn new() -> Self {
        let pending = Pending {
            writes: Vec::new(),
            batch: Arc::default(),
            taken: None,
            closed: false,
            ended: false,
            died: false,
        };
        Self {
            pending: Mutex::new(pending),
            filled: Notify::new(),
            room: Semaphore::new(ROOM),
            stalled: AtomicBool::new(false),
            stall: Notify::new(),
            over: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // No code panics while it holds the lock, and the data is consistent between statements.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits one request, whose row will be queued later; waits for room, but not during a stall.
    pub(super) async fn admit(&self) -> Result<()> {
        let permit = match self.room.try_acquire() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(closed()),
            Err(TryAcquireError::NoPermits) => self.room_or_stall().await?,
        };
        self.check_writes()?;
        // Released by the writer once the request's first row is written.
        permit.forget();
        Ok(())
    }

    /// Whether the store accepts rows, as far as is known.
    pub(super) fn check_writes(&self) -> Result<()> {
        if self.stalled.load(Ordering::Acquire) {
            return Err(store_refuses());
        }
        if self.room.is_closed() {
            return Err(closed());
        }
        Ok(())
    }

    async fn room_or_stall(&self) -> Result<SemaphorePermit<'_>> {
        let mut stall = pin!(self.stall.notified());
        // Registered before the check, so that no stall is missed.
        stall.as_mut().enable();
        self.check_writes()?;
        tokio::select! {
            permit = self.room.acquire() => permit.map_err(|_| closed()),
            () = stall => Err(store_refuses()),
        }
    }

    /// The writer is gone, and was not replaced: waiters get an error, and nothing more is
    /// admitted.
    pub(super) fn die(&self) {
        let mut pending = self.lock();
        (pending.ended, pending.died) = (true, true);
        let mut lost = pending.writes.len();
        pending.refuse_if_ended();
        if let Some((writes, batch)) = pending.taken.take() {
            lost += writes.len();
            batch.resolve(false);
        }
        drop(pending);
        self.set_stalled(true);
        self.over.notify_waiters();
        tracing::error!(
            rows = lost,
            "the ledger's writer has died, so requests are rejected; the operator must restart \
             the gateway"
        );
    }

    /// Resolves once the writer has ended; returns whether it ended regularly.
    pub(super) async fn over(&self) -> bool {
        let mut over = pin!(self.over.notified());
        // Registered before the check, so that no wake-up is missed.
        over.as_mut().enable();
        if !self.lock().ended {
            over.await;
        }
        !self.lock().died
    }

    /// Whether another writer is needed after one has gone. A closed and empty queue needs none.
    pub(super) fn is_left(&self) -> bool {
        let mut pending = self.lock();
        let is_empty = pending.writes.is_empty() && pending.taken.is_none();
        pending.ended |= pending.closed && is_empty;
        let is_ended = pending.ended;
        drop(pending);
        if is_ended {
            self.over.notify_waiters();
        }
        !is_ended
    }

    /// Queues the opening row of an admitted request.
    pub(super) fn push_open(&self, row: OpenRow) -> Place {
        let mut pending = self.lock();
        let place = Place {
            batch: Arc::clone(&pending.batch),
            index: pending.writes.len(),
        };
        pending.writes.push(LedgerWrite::Open(row));
        pending.refuse_if_ended();
        drop(pending);
        self.filled.notify_one();
        place
    }

    /// Queues a settlement: together with its opening row, if that is not queued or still waits, so
    /// that one row is written for both.
    pub(super) fn push_settle(
        &self,
        row: OpenRow,
        opened: Option<Place>,
        settlement: Settlement,
    ) -> Arc<Batch> {
        let mut pending = self.lock();
        let batch = Arc::clone(&pending.batch);
        match opened {
            None => pending.writes.push(LedgerWrite::Whole(row, settlement)),
            Some(place) if Arc::ptr_eq(&place.batch, &batch) => {
                if let Some(write) = pending.writes.get_mut(place.index) {
                    *write = LedgerWrite::Whole(row, settlement);
                }
            }
            Some(_) => {
                let write = LedgerWrite::Settle(row.request_id, settlement);
                pending.writes.push(write);
            }
        }
        pending.refuse_if_ended();
        drop(pending);
        self.filled.notify_one();
        batch
    }

    /// Everything that waits, as one batch; `None` once the queue is closed and empty. Rows that
    /// another writer has taken and not [released](Self::release) come first.
    ///
    /// # Cancel safety
    /// Nothing is taken before it resolves.
    pub(super) async fn take(&self) -> Option<Taken> {
        let mut gathered = 0;
        if let Some(taken) = &self.lock().taken {
            return Some(taken.clone());
        }
        loop {
            let (waiting, is_closed) = {
                let pending = self.lock();
                (pending.writes.len(), pending.closed)
            };
            if waiting == 0 {
                if is_closed {
                    let mut pending = self.lock();
                    pending.ended = pending.writes.is_empty();
                    if pending.ended {
                        drop(pending);
                        self.over.notify_waiters();
                        return None;
                    }
                    continue;
                }
                self.filled.notified().await;
            } else if waiting == gathered || waiting >= LONGEST_BATCH {
                let mut pending = self.lock();
                let room = Vec::with_capacity(pending.writes.len());
                let writes = std::mem::replace(&mut pending.writes, room);
                let taken = (Arc::new(writes), std::mem::take(&mut pending.batch));
                pending.taken = Some(taken.clone());
                return Some(taken);
            } else {
                // Tasks that are ready may add a row first: that costs no time, and combines
                // several commits.
                gathered = waiting;
                tokio::task::yield_now().await;
            }
        }
    }

    /// How many rows wait.
    pub(super) fn len(&self) -> usize {
        self.lock().writes.len()
    }

    /// What was taken is written, or never will be. Releases the room of the requests whose first
    /// row was in it.
    pub(super) fn release(&self, requests: usize) {
        self.lock().taken = None;
        self.room.add_permits(requests);
    }

    /// Sets whether the store currently accepts writes.
    pub(super) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Release);
        if stalled {
            self.stall.notify_waiters();
        }
    }

    /// Releases the waiters of the next batch.
    pub(super) fn give_up(&self) {
        self.lock().batch.resolve(false);
    }

    /// Whether nothing more is admitted.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Admits nothing more; what is queued is still written.
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

fn store_refuses() -> Error {
    Error::new(
        ErrorKind::LedgerUnavailable,
        "the usage ledger cannot be written at the moment, so requests are rejected; try again \
         shortly",
    )
    .with_retry_after(Duration::from_secs(1))
}
