//! Metrics, as text for Prometheus and others that read its format.
//!
//! [`Metrics`] is an [`Observer`](crate::observe::Observer). Each name has its unit; durations are
//! in seconds. Labels come from the registry: a provider's name, and a model's name as clients use
//! it. A family has at most a thousand series; beyond that everything is counted under `other`.
//!
//! | name | labels | |
//! |---|---|---|
//! | `nexus_requests_total` | `provider`, `model`, `operation`, `status`, `state` | ended calls |
//! | `nexus_request_duration_seconds` | `provider`, `model` | histogram; of whole calls |
//! | `nexus_time_to_first_event_seconds` | `provider`, `model` | histogram; of streams |
//! | `nexus_tokens_total` | `provider`, `model`, `kind` | tokens, by the kinds below |
//! | `nexus_open_streams` | | streams being sent to clients |
//! | `nexus_open_requests` | `provider` | a provider's open requests |
//! | `nexus_attempts_failed_total` | `provider` | attempts that failed before anything was sent |
//! | `nexus_failovers_total` | `provider` | failed attempts followed by another provider |
//! | `nexus_retries_total` | `provider` | failed attempts followed by a retry |
//! | `nexus_provider_rests_total` | `provider` | cooldowns that started |
//! | `nexus_provider_resting` | `provider` | 1 during a cooldown |
//! | `nexus_requests_refused_total` | `reason` | rejected requests without a row, by code |
//! | `nexus_ledger_queue_rows` | | rows waiting to be written |
//! | `nexus_ledger_rows_total` | | rows written |
//! | `nexus_ledger_commit_seconds` | | histogram; of commits |
//! | `nexus_build_info` | `version` | always 1 |
//!
//! `status` is what the client got, and `none` if it left before. `kind` is `prompt` or
//! `completion`; `cached` and `reasoning` are parts of these.

mod classic;
mod families;
mod format;
mod labels;
mod observer;
mod series;
mod text;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::registry::Registry;

use crate::registry::Snapshot;

pub use format::TextFormat;

use families::Families;
use series::SeriesTable;

/// Counts events. A clone shares the counters.
///
/// ```
/// # async fn run(store: nexus_lib::SqliteStore) -> nexus_lib::Result<()> {
/// use nexus_lib::metrics::Metrics;
///
/// let nexus = nexus_lib::Gateway::builder(store).metrics(Metrics::new()).build().await?;
/// // `GET /metrics` of `nexus.admin()` has them.
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    /// Locked when the text is read, not when events are counted.
    registry: Mutex<Registry>,
    families: Families,
    series: SeriesTable,
}

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let families = Families::register(&mut registry);
        Self {
            inner: Arc::new(Inner {
                registry: Mutex::new(registry),
                families,
                series: SeriesTable::default(),
            }),
        }
    }

    /// Adds a counter of the application's own: the result of `read` whenever the text is
    /// requested, as `name` with the suffix `_total`. `help` is a sentence without its full stop.
    pub fn counter(
        &self,
        name: &'static str,
        help: &str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        let count = text::Count::new(name, help, Box::new(read));
        self.registry().register_collector(Box::new(count));
    }

    /// The metrics in `format`. What is looked up rather than counted (the health of providers, the
    /// length of the ledger's queue) comes from `snapshot` and `queued`.
    pub fn text(&self, format: TextFormat, snapshot: &Snapshot, queued: usize) -> String {
        let text = text::write(&self.registry(), snapshot, queued);
        match format {
            TextFormat::Classic => classic::from_open_metrics(&text),
            TextFormat::OpenMetrics => text,
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        let registry = &self.inner.registry;
        registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
