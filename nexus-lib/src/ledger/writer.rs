use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::ErrorKind;
use crate::ledger::batch::Batch;
use crate::ledger::queue::Queue;
use crate::store::{LedgerStore, LedgerWrite};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long requests wait for a store that refuses before they are refused themselves.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes batch after batch until the queue is closed and empty.
pub(super) async fn run(queue: Arc<Queue>, store: Arc<dyn LedgerStore>) {
    while let Some((writes, batch)) = queue.take().await {
        let beginnings = writes
            .iter()
            .filter(|write| !matches!(write, LedgerWrite::Settle(..)))
            .count();
        write(&queue, &*store, Arc::new(writes), &batch).await;
        queue.release(beginnings);
    }
}

/// Writes one batch, again and again while the store is only unavailable: what was served is never
/// dropped for a full disk or a lock. Nothing new is admitted meanwhile, and after a while those who
/// wait are told that it failed: their clients shall not hang.
async fn write(
    queue: &Queue,
    store: &dyn LedgerStore,
    writes: Arc<Vec<LedgerWrite>>,
    batch: &Batch,
) {
    let mut pause = FIRST_PAUSE;
    let mut stalled_since = None;
    let written = loop {
        match store.append(Arc::clone(&writes)).await {
            Ok(()) => break true,
            Err(error) if error.kind() == ErrorKind::StoreUnavailable => {
                tracing::error!(
                    error = error.report(),
                    rows = writes.len(),
                    "the ledger stalls"
                );
                queue.set_stalled(true);
                let since = *stalled_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= PATIENCE {
                    batch.resolve(false);
                    queue.give_up();
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => {
                tracing::error!(
                    error = error.report(),
                    rows = writes.len(),
                    "rows were refused"
                );
                break false;
            }
        }
    };
    if stalled_since.is_some() {
        tracing::info!("the ledger writes again");
        queue.set_stalled(false);
    }
    batch.resolve(written);
}
