use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};
use crate::isolate;
use crate::lasting::Lasting;
use crate::ledger::LedgerSink;
use crate::store::{KeptRows, LedgerOutbox, LedgerStore};

/// How many rows a sink gets at a time.
const MAX_ROWS: u32 = 256;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long a sink may take for what is left when the ledger closes.
const LAST_ROWS: Duration = Duration::from_secs(10);

/// Hands committed rows to a sink. The state is outside of the task, which may move to a thread.
pub(super) struct Feed {
    store: Arc<dyn LedgerStore>,
    sink: Arc<dyn LedgerSink>,
    /// How many rows are kept and not taken, as far as is known.
    waiting: AtomicU64,
    /// The sink refused the last rows that it was given.
    is_failing: AtomicBool,
    is_closed: AtomicBool,
    has_ended: AtomicBool,
    /// Rows were committed, or the ledger was closed.
    committed: Notify,
    /// Rows were taken, or refused, or the feed has ended.
    moved: Notify,
}

impl Feed {
    /// Makes the store keep rows for `sink`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the store has no outbox.
    pub(super) async fn open(
        store: Arc<dyn LedgerStore>,
        sink: Arc<dyn LedgerSink>,
    ) -> Result<Arc<Self>> {
        let feed = Self {
            store,
            sink,
            waiting: AtomicU64::new(0),
            is_failing: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            committed: Notify::new(),
            moved: Notify::new(),
        };
        feed.outbox()?.keep().await?;
        Ok(Arc::new(feed))
    }

    fn outbox(&self) -> Result<&dyn LedgerOutbox> {
        self.store.outbox().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidConfig,
                "this store keeps no rows for a ledger sink; use one that has an outbox",
            )
        })
    }

    /// Notes that rows were committed, `settled` of them settled.
    pub(super) fn committed(&self, settled: usize) {
        let settled = u64::try_from(settled).unwrap_or(u64::MAX);
        self.waiting.fetch_add(settled, Ordering::Relaxed);
        self.committed.notify_one();
    }

    fn is_behind(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.sink.max_waiting()
    }

    /// Whether requests are admitted: not while the sink fails and too many rows wait for it.
    pub(super) fn check(&self) -> Result<()> {
        match self.is_behind() && self.is_failing.load(Ordering::Acquire) {
            true => Err(sink_fails()),
            false => Ok(()),
        }
    }

    /// Resolves once the sink is no longer too far behind.
    ///
    /// # Cancel safety
    /// Waiting changes nothing.
    pub(super) async fn admit(&self) -> Result<()> {
        while self.is_behind() && !self.is_closed.load(Ordering::Acquire) {
            let mut moved = pin!(self.moved.notified());
            // Enrolled before the look, so that no wake-up falls in between.
            moved.as_mut().enable();
            self.check()?;
            if self.is_behind() {
                moved.await;
            }
        }
        Ok(())
    }

    /// Hands over what is left, then ends.
    pub(super) fn shut(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.committed.notify_one();
        self.moved.notify_waiters();
    }

    /// Hands over what is left, and resolves when that is done, has failed, or takes too long. No
    /// more rows may be committed by now.
    pub(super) async fn close(&self) {
        self.shut();
        let mut moved = pin!(self.moved.notified());
        loop {
            moved.as_mut().enable();
            if self.has_ended.load(Ordering::Acquire) {
                return;
            }
            moved.as_mut().await;
            moved.set(self.moved.notified());
        }
    }

    fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
        self.moved.notify_waiters();
    }

    /// Hands rows over until the ledger is closed; then what is left, once.
    async fn feed(&self) -> Result<()> {
        let outbox = self.outbox()?;
        let (mut after, mut pause) = (0, FIRST_PAUSE);
        loop {
            let is_closed = self.is_closed.load(Ordering::Acquire);
            let handed_over = self.hand_over(outbox, after).await;
            match handed_over {
                Ok(Some(last)) => (after, pause) = (last, FIRST_PAUSE),
                Ok(None) if is_closed => return Ok(()),
                Ok(None) => self.committed.notified().await,
                Err(error) if is_closed => return Err(error),
                Err(error) => {
                    if !self.is_failing.swap(true, Ordering::AcqRel) {
                        let error = error.report();
                        tracing::error!(error, "rows cannot be handed to the ledger's sink");
                    }
                    self.moved.notify_waiters();
                    // Closing cuts the pause short.
                    let _ = tokio::time::timeout(pause, self.closed()).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn closed(&self) {
        while !self.is_closed.load(Ordering::Acquire) {
            self.committed.notified().await;
        }
    }

    /// Hands over the next rows behind number `after`; `None` when there are none.
    async fn hand_over(&self, outbox: &dyn LedgerOutbox, after: u64) -> Result<Option<u64>> {
        let KeptRows {
            rows,
            last,
            waiting,
        } = outbox.kept(after, MAX_ROWS).await?;
        self.waiting.store(waiting, Ordering::Relaxed);
        if rows.is_empty() {
            return Ok(None);
        }
        let taken = isolate::wait(async { self.sink.take(&rows).await }).await;
        taken.unwrap_or_else(|panicked| {
            let message = "the ledger's sink panicked";
            Err(Error::new(ErrorKind::Internal, message).with_source(panicked))
        })?;
        outbox.release(last).await?;
        let taken = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        // At least so many were counted when they were read.
        self.waiting
            .fetch_sub(taken.min(waiting), Ordering::Relaxed);
        if self.is_failing.swap(false, Ordering::AcqRel) {
            tracing::info!("the ledger's sink takes rows again");
        }
        self.moved.notify_waiters();
        Ok(Some(last))
    }
}

impl Lasting for Feed {
    const THREAD: &'static str = "nexus-feed";

    fn run(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let fed = tokio::select! {
                fed = self.feed() => fed,
                () = late(&self) => Err(Error::new(
                    ErrorKind::Internal,
                    "the sink took too long when the ledger was closed",
                )),
            };
            if let Err(error) = fed {
                let error = error.report();
                tracing::warn!(
                    error,
                    "rows wait for the ledger's sink until the next start"
                );
            }
            self.end();
        })
    }

    fn is_needed(&self) -> bool {
        !self.has_ended.load(Ordering::Acquire)
    }

    fn died(&self) {
        tracing::error!("the ledger's sink is not fed any more");
        self.is_failing.store(true, Ordering::Release);
        self.end();
    }
}

/// Resolves when the ledger was closed too long ago.
async fn late(feed: &Feed) {
    loop {
        let mut moved = pin!(feed.moved.notified());
        moved.as_mut().enable();
        if feed.is_closed.load(Ordering::Acquire) {
            break;
        }
        moved.await;
    }
    tokio::time::sleep(LAST_ROWS).await;
}

fn sink_fails() -> Error {
    Error::new(
        ErrorKind::LedgerUnavailable,
        "the gateway's ledger cannot be handed on just now, so nothing is served; its log says why",
    )
    .with_retry_after(Duration::from_secs(1))
}
