use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nexus_lib::observe::{Observer, RefusedRequest};
use tokio::sync::watch;

use crate::listen::{Phase, reached};

/// The maximum number of lines per reason within [`WINDOW`].
const MAX_LINES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(10);

/// Logs requests that were rejected before they had a row on the ledger.
///
/// Anyone can cause thousands of them per second: each reason has a limited number of lines, and
/// the rest are summed up. A clone is the same log.
#[derive(Clone, Default)]
pub(crate) struct RefusalLog(Arc<Mutex<HashMap<&'static str, Lines>>>);

struct Lines {
    since: Instant,
    written: u32,
    suppressed: u64,
}

impl RefusalLog {
    /// Sums up the rest every few seconds, until the server drains.
    pub(crate) async fn sum_up(&self, mut phase: watch::Receiver<Phase>) {
        let mut every = tokio::time::interval(WINDOW);
        loop {
            tokio::select! {
                () = reached(&mut phase, Phase::Draining) => break,
                _ = every.tick() => self.report(),
            }
        }
    }

    /// Sums up what was not logged since the last time.
    pub(crate) fn report(&self) {
        for (reason, lines) in &mut *self.lines() {
            lines.report(reason);
        }
    }

    /// Whether another line for `reason` may be written.
    fn admits(&self, reason: &'static str) -> bool {
        let now = Instant::now();
        let mut all = self.lines();
        let lines = all.entry(reason).or_insert_with(|| Lines::from(now));
        if now.saturating_duration_since(lines.since) >= WINDOW {
            lines.report(reason);
            *lines = Lines::from(now);
        }
        let admits = lines.written < MAX_LINES;
        match admits {
            true => lines.written += 1,
            false => lines.suppressed += 1,
        }
        admits
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<&'static str, Lines>> {
        // The data is consistent between statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn from(since: Instant) -> Self {
        Self {
            since,
            written: 0,
            suppressed: 0,
        }
    }

    fn report(&mut self, reason: &'static str) {
        let suppressed = std::mem::take(&mut self.suppressed);
        if suppressed > 0 {
            tracing::warn!(reason, suppressed, "more requests were rejected");
        }
    }
}

impl Observer for RefusalLog {
    fn request_refused(&self, request: &RefusedRequest<'_>) {
        if self.admits(request.reason) {
            tracing::warn!(
                request_id = %request.request_id,
                edge = request.edge.as_str(),
                client = request.client.map(tracing::field::display),
                status = request.status.as_u16(),
                reason = request.reason,
                message = ?request.message,
                "a request was rejected"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_reason_is_summed_up_and_hides_no_other() {
        let log = RefusalLog::default();
        let flood = (0..1000).filter(|_| log.admits("invalid_api_key")).count();
        assert_eq!(flood, 10);
        assert!(log.admits("model_not_found"));
        assert_eq!(log.lines()["invalid_api_key"].suppressed, 990);
        log.report();
        assert_eq!(log.lines()["invalid_api_key"].suppressed, 0);
    }
}
