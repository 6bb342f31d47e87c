use async_trait::async_trait;

use crate::error::Result;
use crate::store::LedgerRow;

/// Takes the ledger's rows to another place as well: a warehouse, a queue, a billing system.
///
/// A sink gets each row once it is settled and committed, in the order of the commits. It gets
/// every row at least once, through `kill -9` too: the transaction that settles a row notes it in
/// the store's [outbox](crate::store::LedgerOutbox), and the note is removed after
/// [`take`](Self::take) has returned `Ok`. When the process dies in between, the next start hands
/// the same rows over again: a sink that must not count twice compares
/// [`request_id`](LedgerRow::request_id).
///
/// Rows that were settled while no sink was attached are not handed over later.
///
/// Give it to [`GatewayBuilder::ledger_sink`](crate::GatewayBuilder::ledger_sink).
#[async_trait]
pub trait LedgerSink: Send + Sync + 'static {
    /// Takes rows, at most 256 at a time. One call follows another.
    ///
    /// # Errors
    /// Any error: it is logged, and the same rows are handed over again after a pause that grows
    /// from 50 ms to 2 s.
    ///
    /// # Cancel safety
    /// The future is dropped when the ledger was closed ten seconds ago: the rows come again at the
    /// next start.
    async fn take(&self, rows: &[LedgerRow]) -> Result<()>;

    /// How many rows may wait for this sink. They wait on the disk, not in memory. When there are
    /// more, new requests wait for the sink; while it fails, they are refused (503). 100,000 unless
    /// said otherwise.
    fn max_waiting(&self) -> u64 {
        100_000
    }
}
