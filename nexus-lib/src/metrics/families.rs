use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::labels::{
    Labels, ModelLabels, ProviderLabels, ReasonLabels, RequestLabels, TokenLabels,
};

/// The maximum number of series in a family, not counting `other`.
const MAX_SERIES: usize = 1000;

/// In seconds: the buckets that OpenTelemetry recommends for model calls, doubled twice more.
/// <https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/>
const CALL_SECONDS: [f64; 16] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84,
    327.68,
];

/// In seconds: a commit takes a fraction of a millisecond, unless the disk is slow.
const COMMIT_SECONDS: [f64; 12] = [
    0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0,
];

type Make = fn() -> Histogram;

/// All counters, by name.
pub(super) struct Families {
    pub(super) requests: Bounded<RequestLabels, Counter>,
    pub(super) durations: Bounded<ModelLabels, Histogram, Make>,
    pub(super) first_events: Bounded<ModelLabels, Histogram, Make>,
    pub(super) tokens: Bounded<TokenLabels, Counter>,
    pub(super) attempts_failed: Bounded<ProviderLabels, Counter>,
    pub(super) failovers: Bounded<ProviderLabels, Counter>,
    pub(super) retries: Bounded<ProviderLabels, Counter>,
    pub(super) cooldowns: Bounded<ProviderLabels, Counter>,
    pub(super) refused: Family<ReasonLabels, Counter>,
    pub(super) open_streams: Gauge,
    pub(super) ledger_rows: Counter,
    pub(super) ledger_commits: Histogram,
}

impl Families {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let call_seconds: Make = || Histogram::new(CALL_SECONDS);
        let families = Self {
            requests: Bounded::default(),
            durations: Bounded::new(Family::new_with_constructor(call_seconds)),
            first_events: Bounded::new(Family::new_with_constructor(call_seconds)),
            tokens: Bounded::default(),
            attempts_failed: Bounded::default(),
            failovers: Bounded::default(),
            retries: Bounded::default(),
            cooldowns: Bounded::default(),
            refused: Family::default(),
            open_streams: Gauge::default(),
            ledger_rows: Counter::default(),
            ledger_commits: Histogram::new(COMMIT_SECONDS),
        };
        let mut add = Add(registry);
        add.family(
            "nexus_requests",
            "Calls that have ended",
            &families.requests,
        );
        add.seconds(
            "nexus_request_duration",
            "From the start of a call to its end",
            families.durations.family.clone(),
        );
        add.seconds(
            "nexus_time_to_first_event",
            "From the start of a call to the first event of its stream",
            families.first_events.family.clone(),
        );
        add.family("nexus_tokens", "Tokens of calls", &families.tokens);
        add.family(
            "nexus_attempts_failed",
            "Attempts that failed before any part of an answer was sent",
            &families.attempts_failed,
        );
        add.family(
            "nexus_failovers",
            "Failed attempts after which another provider was asked",
            &families.failovers,
        );
        add.family(
            "nexus_retries",
            "Failed attempts after which the same provider was retried",
            &families.retries,
        );
        add.family(
            "nexus_provider_rests",
            "Cooldowns that started after failures",
            &families.cooldowns,
        );
        add.one(
            "nexus_requests_refused",
            "Requests rejected before they had a row on the ledger",
            families.refused.clone(),
        );
        add.one(
            "nexus_open_streams",
            "Streams being sent to clients",
            families.open_streams.clone(),
        );
        add.one(
            "nexus_ledger_rows",
            "Ledger rows written",
            families.ledger_rows.clone(),
        );
        add.seconds(
            "nexus_ledger_commit",
            "Duration of ledger commits",
            families.ledger_commits.clone(),
        );
        add.one(
            "nexus_build",
            "Version of the running program",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        families
    }
}

struct Add<'a>(&'a mut Registry);

impl Add<'_> {
    fn one(
        &mut self,
        name: &str,
        help: &str,
        metric: impl EncodeMetric + Debug + Send + Sync + 'static,
    ) {
        self.0.register(name, help, metric);
    }

    fn seconds(
        &mut self,
        name: &str,
        help: &str,
        metric: impl EncodeMetric + Debug + Send + Sync + 'static,
    ) {
        self.0.register_with_unit(name, help, Unit::Seconds, metric);
    }

    fn family<S>(&mut self, name: &str, help: &str, family: &Bounded<S, Counter>)
    where
        S: EncodeLabelSet + Clone + Debug + Eq + Hash + Send + Sync + 'static,
    {
        self.0.register(name, help, family.family.clone());
    }
}

/// A family with a bounded number of series.
pub(super) struct Bounded<S, M, C = fn() -> M> {
    family: Family<S, M, C>,
    series: AtomicUsize,
}

impl<S: Clone + Eq + Hash, M: Default> Default for Bounded<S, M> {
    fn default() -> Self {
        Self::new(Family::default())
    }
}

impl<S, M, C> Bounded<S, M, C> {
    fn new(family: Family<S, M, C>) -> Self {
        Self {
            family,
            series: AtomicUsize::new(0),
        }
    }
}

impl<S: Labels + Clone + Eq + Hash, M: TypedMetric + Clone, C: MetricConstructor<M>>
    Bounded<S, M, C>
{
    /// The series with these labels, or that of `other` if there is no room for another one.
    pub(super) fn series(&self, labels: &S) -> M {
        if let Some(series) = self.family.get(labels) {
            return series.clone();
        }
        // If two calls add the same one, both are counted: the bound is only reached sooner.
        let room = self
            .series
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |series| {
                (series < MAX_SERIES).then_some(series + 1)
            });
        match room {
            Ok(_) => self.family.get_or_create_owned(labels),
            Err(_) => self.family.get_or_create_owned(&labels.other()),
        }
    }
}

impl Bounded<ProviderLabels, Counter> {
    pub(super) fn count(&self, provider: &Arc<str>) {
        let provider = Arc::clone(provider);
        self.series(&ProviderLabels { provider }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: String) -> ModelLabels {
        ModelLabels {
            provider: "p".into(),
            model: name.into(),
        }
    }

    #[test]
    fn a_family_stops_to_grow_and_loses_nothing() {
        let family: Bounded<ModelLabels, Counter> = Bounded::default();
        for index in 0..MAX_SERIES + 5 {
            family.series(&model(format!("m{index}"))).inc();
        }
        // Existing ones are still found.
        family.series(&model("m7".to_owned())).inc();
        let other = model(String::new()).other();
        assert_eq!(family.series(&other).get(), 5);
        assert_eq!(family.series(&model("m7".to_owned())).get(), 2);
        let mut registry = Registry::default();
        registry.register("all", "All", family.family.clone());
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let series = text.lines().filter(|line| line.starts_with("all_total{"));
        assert_eq!(series.count(), MAX_SERIES + 1);
    }
}
