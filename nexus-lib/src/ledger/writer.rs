use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use crate::error::{Error, ErrorKind, Result};
use crate::isolate;
use crate::lasting::Lasting;
use crate::ledger::batch::Batch;
use crate::ledger::feed::Feed;
use crate::ledger::patience::Patience;
use crate::ledger::queue::Queue;
use crate::observe::{LedgerCommit, Observers};
use crate::store::{LedgerStore, LedgerWrite};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What the writer works with: it outlives the task that it runs on.
pub(super) struct Work {
    pub(super) queue: Arc<Queue>,
    pub(super) store: Arc<dyn LedgerStore>,
    pub(super) observers: Observers,
    pub(super) feed: Option<Arc<Feed>>,
}

impl Lasting for Work {
    const THREAD: &'static str = "nexus-ledger";

    fn run(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { run(&self).await })
    }

    fn is_needed(&self) -> bool {
        self.queue.is_left()
    }

    fn died(&self) {
        self.queue.die();
    }
}

/// Writes batch after batch until the queue is closed and empty.
async fn run(work: &Work) {
    let queue = &*work.queue;
    let mut writer = Writer {
        queue,
        store: &*work.store,
        observers: &work.observers,
        patience: Patience::new(),
    };
    // A writer before this one may have left in a stall; whether it lasts shows with the next
    // batch.
    queue.set_stalled(false);
    while let Some((writes, batch)) = queue.take().await {
        let beginnings = writes
            .iter()
            .filter(|write| !matches!(write, LedgerWrite::Settle(..)))
            .count();
        let written = writer.write(&writes, &batch).await;
        batch.resolve(written);
        if let Some(feed) = &work.feed {
            let is_settled = |write: &&LedgerWrite| !matches!(write, LedgerWrite::Open(_));
            feed.committed(writes.iter().filter(is_settled).count());
        }
        queue.release(beginnings);
    }
}

struct Writer<'a> {
    queue: &'a Queue,
    store: &'a dyn LedgerStore,
    observers: &'a Observers,
    patience: Patience,
}

impl Writer<'_> {
    /// Writes one batch; returns whether all of it is durable.
    async fn write(&mut self, writes: &Arc<Vec<LedgerWrite>>, batch: &Batch) -> bool {
        let refused = match self.persist(writes, batch).await {
            Ok(()) => return true,
            Err(error) => error,
        };
        if writes.len() == 1 {
            log_refused(&refused, writes);
            return false;
        }
        // One row that no store would take must not cost the others their place.
        let mut all_written = true;
        for write in writes.iter() {
            let alone = Arc::new(vec![write.clone()]);
            if let Err(error) = self.persist(&alone, batch).await {
                log_refused(&error, &alone);
                all_written = false;
            }
        }
        all_written
    }

    /// Appends, again and again while the store cannot write: what was served is never dropped for
    /// a full disk or a lock. Nothing new is admitted meanwhile, and after a while those who wait
    /// learn that it failed: their clients must not hang.
    ///
    /// # Errors
    /// That of a store that can write, and refuses these rows.
    async fn persist(&mut self, writes: &Arc<Vec<LedgerWrite>>, batch: &Batch) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        let mut stalled = false;
        self.patience.renew();
        let appended = loop {
            let error = match self.append(writes, batch, &mut stalled).await {
                Err(error) if is_outage(&error) => error,
                appended => break appended,
            };
            let lasts = error.kind() != ErrorKind::StoreUnavailable;
            if lasts && self.queue.is_closed() {
                break Err(error);
            }
            tracing::error!(
                error = error.report(),
                rows = writes.len(),
                "the ledger stalls: nothing is served until it can be written"
            );
            stalled = true;
            self.queue.set_stalled(true);
            if lasts {
                self.give_up(batch);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        if stalled {
            tracing::info!("the ledger writes again");
            self.queue.set_stalled(false);
        }
        appended
    }

    /// Appends once. Those who wait get an error after a while, even by a store that does not come
    /// back.
    async fn append(
        &mut self,
        writes: &Arc<Vec<LedgerWrite>>,
        batch: &Batch,
        stalled: &mut bool,
    ) -> Result<()> {
        let began = (!self.observers.is_empty()).then(Instant::now);
        let store = self.store;
        let append = async move {
            let append = async { store.append(Arc::clone(writes)).await };
            isolate::wait(append).await.unwrap_or_else(|panicked| {
                // As long as it does, nothing can be counted.
                Err(
                    Error::new(ErrorKind::StoreInvalid, "the store cannot take rows")
                        .with_source(panicked),
                )
            })
        };
        let mut append = pin!(append);
        if !batch.is_resolved() {
            tokio::select! {
                biased;
                appended = &mut append => {
                    self.tell(writes.len(), began, &appended);
                    return appended;
                }
                () = self.patience.over() => {}
            }
            tracing::error!(
                rows = writes.len(),
                "the ledger has not been written for too long"
            );
            *stalled = true;
            self.queue.set_stalled(true);
            self.give_up(batch);
        }
        let appended = append.await;
        self.tell(writes.len(), began, &appended);
        appended
    }

    fn tell(&self, rows: usize, began: Option<Instant>, appended: &Result<()>) {
        if let (Some(began), Ok(())) = (began, appended) {
            let duration = began.elapsed();
            let commit = LedgerCommit { rows, duration };
            self.observers
                .tell(|observer| observer.ledger_committed(&commit));
        }
    }

    /// Tells those who wait that it failed. Their rows are still written when that can be done.
    fn give_up(&self, batch: &Batch) {
        batch.resolve(false);
        self.queue.give_up();
    }
}

/// Whether the store cannot write at all, be it for a while or until somebody mends it.
fn is_outage(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StoreUnavailable | ErrorKind::StoreInvalid | ErrorKind::Closed
    )
}

fn log_refused(error: &Error, writes: &[LedgerWrite]) {
    for write in writes {
        let request = match write {
            LedgerWrite::Open(row) | LedgerWrite::Whole(row, _) => row.request_id,
            LedgerWrite::Settle(id, _) => *id,
        };
        tracing::error!(error = error.report(), %request, "a row was refused");
    }
}
