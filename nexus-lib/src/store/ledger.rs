use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::store::{LedgerOutbox, LedgerWrite};
use crate::wire::GatewayId;

/// Whose open rows are recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owners {
    /// All gateways that the store knows to be gone. A store that one process has at a time knows
    /// this of those from before it was opened; one that gateways share, of those whose lease has
    /// run out. A gateway that may live is not among them.
    Gone,
    /// This gateway, which the caller knows to be gone.
    Gateway(GatewayId),
}

/// Writes the ledger.
///
/// # Contract
/// - [`append`](Self::append) is one transaction and durable (through a crash of the process) when
///   its future resolves.
/// - A settlement is idempotent: one for a row that is already settled changes nothing.
/// - Rows are never changed otherwise, and never deleted.
/// - Several gateways may write to one store. An open row belongs to its
///   [`owner`](super::OpenRow::owner) until it is settled.
/// - A row whose id [`RequestId::new`](crate::wire::RequestId::new) did not make, of version 7 and
///   of 60 bits before all others', may be left out, with an error in the log; the rest of its
///   batch is written. Where the store holds ids from before, it calls
///   [`RequestId::rise_above`](crate::wire::RequestId::rise_above) when it opens.
///
/// `testing::StoreContract` (feature `test-util`) checks an implementation.
///
/// # Errors
/// `StoreUnavailable` when the store cannot be reached just now, `StoreInvalid` when it cannot be
/// trusted any more: the ledger tries again, and nothing is served meanwhile. Any other error
/// refuses the rows themselves.
#[async_trait]
pub trait LedgerStore: Send + Sync + 'static {
    /// Writes a batch, in order, all or nothing. Shared, so that a batch that could not be written
    /// can be tried again.
    ///
    /// # Cancel safety
    /// After a dropped future, the batch is written wholly or not at all.
    async fn append(&self, batch: Arc<Vec<LedgerWrite>>) -> Result<()>;

    /// Settles the open rows of `owners` as interrupted; returns how many there were. Rows of other
    /// gateways are left alone.
    ///
    /// # Cancel safety
    /// After a dropped future, all of them are settled, or none.
    async fn recover(&self, owners: Owners) -> Result<u64>;

    /// Where rows are kept for those who take them elsewhere; `None` where the store has no such
    /// place.
    fn outbox(&self) -> Option<&dyn LedgerOutbox> {
        None
    }

    /// Whether the store answers, and can be trusted to keep what it takes: it reads something
    /// small. A gateway asks about once a second, and admits no request while it fails.
    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    /// Finishes what is queued and lets go of files and connections. Later calls fail with
    /// `Closed`.
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl<T: LedgerStore + ?Sized> LedgerStore for Arc<T> {
    async fn append(&self, batch: Arc<Vec<LedgerWrite>>) -> Result<()> {
        (**self).append(batch).await
    }

    async fn recover(&self, owners: Owners) -> Result<u64> {
        (**self).recover(owners).await
    }

    fn outbox(&self) -> Option<&dyn LedgerOutbox> {
        (**self).outbox()
    }

    async fn ping(&self) -> Result<()> {
        (**self).ping().await
    }

    async fn close(&self) -> Result<()> {
        (**self).close().await
    }
}
