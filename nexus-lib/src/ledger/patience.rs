use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// How long requests wait for a failing store before they are rejected.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures the duration of a batch. One timer for all batches, moved only when it fires: a timer
/// for each would wake the runtime's driver once per batch.
pub(super) struct Patience {
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            timer: Box::pin(tokio::time::sleep(PATIENCE)),
        }
    }

    /// A batch starts.
    pub(super) fn renew(&mut self) {
        self.since = Instant::now();
    }

    /// Resolves once the batch has taken too long.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    pub(super) async fn over(&mut self) {
        let end = self.since + PATIENCE;
        while Instant::now() < end {
            if self.timer.is_elapsed() {
                self.timer.as_mut().reset(end);
            }
            self.timer.as_mut().await;
        }
    }
}
