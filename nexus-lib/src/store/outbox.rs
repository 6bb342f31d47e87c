use async_trait::async_trait;

use crate::error::Result;
use crate::store::LedgerRow;

/// Keeps settled rows, in the order in which they were committed, until somebody has taken them:
/// what a [`LedgerSink`](crate::ledger::LedgerSink) is fed from.
///
/// # Contract
/// - After [`keep`](Self::keep), the transaction that settles a row also notes it here, whether it
///   is an append or a recovery. A crash loses no note, or loses the row with it.
/// - Notes are numbered in the order of their commits, from 1 on. No number is used twice, also
///   across restarts.
///
/// # Cancel safety
/// After a dropped future, the change has happened wholly or not at all.
///
/// # Errors
/// Those of the store.
#[async_trait]
pub trait LedgerOutbox: Send + Sync + 'static {
    /// Notes rows from here on, until the store is closed.
    async fn keep(&self) -> Result<()>;

    /// The oldest notes whose number is above `after`, at most `limit`.
    async fn kept(&self, after: u64, limit: u32) -> Result<KeptRows>;

    /// Forgets the notes up to and with number `last`. The rows stay on the ledger.
    async fn release(&self, last: u64) -> Result<()>;
}

/// Rows of an outbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptRows {
    /// The rows, in order.
    pub rows: Vec<LedgerRow>,
    /// The number of the last of them.
    pub last: u64,
    /// How many are kept above `after`, these included.
    pub waiting: u64,
}
