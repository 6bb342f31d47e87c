//! The ledger: a row for every request that was sent upstream, written before its answer is seen.
//!
//! [`Entry::begin`] queues a row's beginning, [`Entry::settle`] its end; [`Entry::opened`] and
//! [`Settled::durable`] resolve once the store has them. One task takes whatever is queued and gives
//! it to the store as one batch: it waits for no timer, so a lone request pays for one commit and a
//! thousand at once share one. Where the beginning and the end of a request meet, one row is written.
//!
//! ```text
//! begin ─▶ ┌───────┐ take all   ┌────────┐ append(batch) ┌───────┐
//! settle ▶ │ queue │ ─────────▶ │ writer │ ────────────▶ │ store │
//!          └───────┘            └────────┘ ◀──────────── └───────┘
//!  woken ◀──────────── batch committed ┘
//! ```

mod batch;
mod entry;
mod patience;
mod queue;
#[cfg(test)]
mod tests;
mod writer;

pub use entry::{Entry, Settled};

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::lasting;
use crate::observe::Observers;
use crate::store::{
    ConversationTotals, LedgerRow, LedgerStore, OpenRow, RequestFilter, RowPage, Totals,
};
use crate::wire::{ConversationId, RequestId, TimeRange};
use queue::Queue;

/// The ledger of requests and their tokens. A clone is the same ledger.
///
/// Dropping the last clone lets the writer finish what is queued; [`close`](Self::close) awaits it.
#[derive(Clone)]
pub struct UsageLedger {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn LedgerStore>,
    queue: Arc<Queue>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Not aborted: it ends by itself once the queue is written.
        self.queue.close();
    }
}

impl UsageLedger {
    /// A ledger over `store`. Rows that an earlier process left open are settled as interrupted
    /// first, so that nothing is open that nobody will settle.
    ///
    /// Must be called on a tokio runtime: the writer is a task of it. When that runtime ends before the
    /// ledger, the writer goes on in a thread of its own.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn start(store: Arc<dyn LedgerStore>) -> Result<Self> {
        Self::observed(store, Observers::default()).await
    }

    /// As [`start`](Self::start), with each commit told to `observers`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn observed(store: Arc<dyn LedgerStore>, observers: Observers) -> Result<Self> {
        let interrupted = store.interrupt_open().await?;
        if interrupted > 0 {
            tracing::warn!(
                requests = interrupted,
                "settled requests that an earlier run left open"
            );
        }
        let queue = Arc::new(Queue::new());
        lasting::start(Arc::new(writer::Work {
            queue: Arc::clone(&queue),
            store: Arc::clone(&store),
            observers,
        }));
        Ok(Self {
            shared: Arc::new(Shared { store, queue }),
        })
    }

    /// Admits a request. Its beginning is queued by [`Entry::begin`], and durable once
    /// [`Entry::opened`] resolves; a request that ends before either is written as one row.
    ///
    /// Waits while the queue is full: a slow disk slows admission.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`] while the store cannot be written, [`ErrorKind::Closed`] after
    /// [`close`](Self::close).
    ///
    /// # Cancel safety
    /// Dropped before it resolves, it has done nothing.
    pub async fn open(&self, row: OpenRow) -> Result<Entry> {
        self.shared.queue.admit().await?;
        Ok(Entry::new(Arc::clone(&self.shared.queue), row))
    }

    /// How many rows wait to be written: beginnings and endings.
    pub fn queued(&self) -> usize {
        self.shared.queue.len()
    }

    /// Sums over requests that started in `range`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn totals(&self, range: TimeRange) -> Result<Totals> {
        self.shared.store.totals(range).await
    }

    /// One conversation's sums and rows; `None` when no request carries that id.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn conversation(&self, id: &ConversationId) -> Result<Option<ConversationTotals>> {
        let all = RowPage::default();
        self.shared.store.conversation(id, all).await
    }

    /// A page of at most `limit` rows, newest first, older than `before`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn requests(
        &self,
        filter: RequestFilter,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>> {
        self.shared.store.requests(filter, before, limit).await
    }

    /// Whether requests are admitted: not while the store refuses their rows. Nothing is tried for it.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`] while it refuses them, and [`ErrorKind::Closed`] after
    /// [`close`](Self::close).
    pub fn check_writes(&self) -> Result<()> {
        self.shared.queue.check_writes()
    }

    /// Writes what is queued and ends the writer. Later [`open`](Self::open)s fail.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the writer died.
    ///
    /// # Cancel safety
    /// The writer goes on to its end; nothing is lost but the waiting for it.
    pub async fn close(&self) -> Result<()> {
        self.shared.queue.close();
        match self.shared.queue.over().await {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Internal, "the ledger's writer died")),
        }
    }
}
