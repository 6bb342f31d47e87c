//! The ledger: a row for every request that was sent upstream, written before its answer is seen.
//!
//! [`Entry::begin`] queues a row's beginning, [`Entry::settle`] its end; [`Entry::opened`] and
//! [`Settled::durable`] resolve once the store has them. One task takes whatever is queued and
//! gives it to the store as one batch: it waits for no timer, so a lone request pays for one commit
//! and a thousand at once share one. Where the beginning and the end of a request meet, one row is
//! written.
//!
//! ```text
//! begin ─▶ ┌───────┐ take all   ┌────────┐ append(batch) ┌───────┐
//! settle ▶ │ queue │ ─────────▶ │ writer │ ────────────▶ │ store │
//!          └───────┘            └────────┘ ◀──────────── └───────┘
//!  woken ◀──────────── batch committed ┘
//! ```

mod batch;
mod entry;
mod feed;
mod patience;
mod queue;
mod sink;
#[cfg(test)]
mod tests;
mod writer;

pub use entry::{Entry, Settled};
pub use sink::LedgerSink;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::lasting;
use crate::observe::Observers;
use crate::store::{
    ConversationTotals, LedgerQueries, LedgerRow, LedgerStore, OpenRow, Owners, RequestFilter,
    RowPage, Totals,
};
use crate::wire::{ConversationId, GatewayId, RequestId, TimeRange};
use feed::Feed;
use queue::Queue;

/// The ledger of requests and their tokens. A clone is the same ledger.
///
/// Dropping the last clone lets the writer finish what is queued; [`close`](Self::close) awaits it.
#[derive(Clone)]
pub struct UsageLedger {
    shared: Arc<Shared>,
}

opaque_debug!(UsageLedger);

struct Shared {
    owner: GatewayId,
    queries: Arc<dyn LedgerQueries>,
    queue: Arc<Queue>,
    feed: Option<Arc<Feed>>,
}

/// What a ledger works with.
pub(crate) struct LedgerParts {
    pub(crate) store: Arc<dyn LedgerStore>,
    pub(crate) queries: Arc<dyn LedgerQueries>,
    pub(crate) observers: Observers,
    pub(crate) sink: Option<Arc<dyn LedgerSink>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Not aborted: it ends by itself once the queue is written.
        self.queue.close();
        if let Some(feed) = &self.feed {
            feed.shut();
        }
    }
}

impl UsageLedger {
    /// A ledger over `store`. Rows that gateways which are gone left open are settled as
    /// interrupted first, so that nothing is open that nobody will settle. Other ledgers may write
    /// to the same store.
    ///
    /// Must be called on a tokio runtime: the writer is a task of it. When that runtime ends before
    /// the ledger, the writer goes on in a thread of its own.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn start<S: LedgerStore + LedgerQueries>(store: S) -> Result<Self> {
        let store = Arc::new(store);
        Self::over(LedgerParts {
            store: store.clone(),
            queries: store,
            observers: Observers::default(),
            sink: None,
        })
        .await
    }

    /// As [`start`](Self::start), over parts.
    pub(crate) async fn over(parts: LedgerParts) -> Result<Self> {
        // First, so that rows which are recovered are handed on, too.
        let feed = match parts.sink {
            Some(sink) => Some(Feed::open(Arc::clone(&parts.store), sink).await?),
            None => None,
        };
        let interrupted = parts.store.recover(Owners::Gone).await?;
        if interrupted > 0 {
            tracing::warn!(
                requests = interrupted,
                "settled requests that an earlier run left open"
            );
        }
        let queue = Arc::new(Queue::new());
        lasting::start(Arc::new(writer::Work {
            queue: Arc::clone(&queue),
            store: parts.store,
            observers: parts.observers,
            feed: feed.clone(),
        }));
        if let Some(feed) = &feed {
            lasting::start(Arc::clone(feed));
        }
        Ok(Self {
            shared: Arc::new(Shared {
                owner: GatewayId::new(),
                queries: parts.queries,
                queue,
                feed,
            }),
        })
    }

    /// Who owns the rows that are opened here, until they are settled: a new id for each ledger.
    pub fn owner(&self) -> GatewayId {
        self.shared.owner
    }

    /// Admits a request. Its beginning is queued by [`Entry::begin`], and durable once
    /// [`Entry::opened`] resolves; a request that ends before either is written as one row.
    ///
    /// Waits while the queue is full, or too many rows wait for the sink: a slow disk slows
    /// admission.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`] while the store cannot be written, [`ErrorKind::Closed`]
    /// after [`close`](Self::close).
    ///
    /// # Cancel safety
    /// Dropped before it resolves, it has done nothing.
    pub async fn open(&self, row: OpenRow) -> Result<Entry> {
        if let Some(feed) = &self.shared.feed {
            feed.admit().await?;
        }
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
        self.shared.queries.totals(range).await
    }

    /// One conversation's sums and rows; `None` when no request carries that id.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn conversation(&self, id: &ConversationId) -> Result<Option<ConversationTotals>> {
        let all = RowPage::default();
        self.shared.queries.conversation(id, all).await
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
        self.shared.queries.requests(filter, before, limit).await
    }

    /// Whether requests are admitted: not while the store refuses their rows, nor while the sink
    /// does and too many wait for it. Nothing is tried for it.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`] while it refuses them, and [`ErrorKind::Closed`] after
    /// [`close`](Self::close).
    pub fn check_writes(&self) -> Result<()> {
        if let Some(feed) = &self.shared.feed {
            feed.check()?;
        }
        self.shared.queue.check_writes()
    }

    /// Writes what is queued, hands it to the sink, if there is one, and ends the writer. Later
    /// [`open`](Self::open)s fail.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the writer died.
    ///
    /// # Cancel safety
    /// The writer goes on to its end; nothing is lost but the waiting for it.
    pub async fn close(&self) -> Result<()> {
        self.shared.queue.close();
        let has_ended_well = self.shared.queue.over().await;
        if let Some(feed) = &self.shared.feed {
            feed.close().await;
        }
        match has_ended_well {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Internal, "the ledger's writer died")),
        }
    }
}
