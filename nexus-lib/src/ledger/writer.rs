use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorKind;
use crate::ledger::queue::Queue;
use crate::store::{LedgerStore, LedgerWrite};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Writes batch after batch until the queue is closed and empty.
pub(super) async fn run(queue: Arc<Queue>, store: Arc<dyn LedgerStore>) {
    while let Some((writes, batch)) = queue.take().await {
        let beginnings = writes
            .iter()
            .filter(|write| !matches!(write, LedgerWrite::Settle(..)))
            .count();
        let written = write(&queue, &*store, Arc::new(writes)).await;
        batch.resolve(written);
        queue.release(beginnings);
    }
}

/// Writes one batch, again and again while the store is only unavailable: what was served is never
/// dropped for a full disk or a lock. Nothing new is admitted meanwhile.
async fn write(queue: &Queue, store: &dyn LedgerStore, writes: Arc<Vec<LedgerWrite>>) -> bool {
    let mut pause = FIRST_PAUSE;
    let mut stalled = false;
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
                stalled = true;
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
    if stalled {
        tracing::info!("the ledger writes again");
        queue.set_stalled(false);
    }
    written
}
