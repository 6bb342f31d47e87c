use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::ProviderLabels;
use crate::registry::Snapshot;

/// The content type of OpenMetrics.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes what was counted, and what is looked up now.
pub(super) fn write(counted: &Registry, snapshot: &Snapshot, queued: usize) -> String {
    let mut text = String::new();
    let momentary = momentary(snapshot, queued);
    let written = encode_registry(&mut text, counted)
        .and_then(|()| encode_registry(&mut text, &momentary))
        .and_then(|()| encode_eof(&mut text));
    if written.is_err() {
        // Without its last line no reader accepts the text as complete.
        tracing::error!("the metrics cannot be written");
    }
    text
}

fn momentary(snapshot: &Snapshot, queued: usize) -> Registry {
    let open = Family::<ProviderLabels, Gauge>::default();
    let cooling = Family::<ProviderLabels, Gauge>::default();
    for provider in snapshot.providers() {
        let Some(vitals) = snapshot.vitals(provider.id) else {
            continue;
        };
        let labels = ProviderLabels {
            provider: Arc::from(&*provider.fields.name),
        };
        // Two providers may have the same name: they share a series.
        open.get_or_create(&labels)
            .inc_by(i64::from(vitals.load.open()));
        let in_cooldown = vitals.health.report().cooldown.is_some();
        let gauge = cooling.get_or_create(&labels);
        gauge.set(gauge.get().max(i64::from(in_cooldown)));
    }
    let queue = Gauge::<i64>::default();
    queue.set(i64::try_from(queued).unwrap_or(i64::MAX));
    let mut registry = Registry::default();
    registry.register("nexus_open_requests", "Open requests of a provider", open);
    registry.register(
        "nexus_provider_resting",
        "Whether a provider is in cooldown after failures",
        cooling,
    );
    registry.register(
        "nexus_ledger_queue_rows",
        "Rows waiting to be written to the ledger",
        queue,
    );
    registry
}

/// A count that is kept elsewhere.
pub(super) struct Count {
    name: &'static str,
    help: String,
    read: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Count {
    pub(super) fn new(
        name: &'static str,
        help: &str,
        read: Box<dyn Fn() -> u64 + Send + Sync>,
    ) -> Self {
        Self {
            name,
            help: format!("{help}."),
            read,
        }
    }
}

impl Collector for Count {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counter = ConstCounter::new((self.read)());
        let metric =
            encoder.encode_descriptor(self.name, &self.help, None, counter.metric_type())?;
        counter.encode(metric)
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Count").field(&self.name).finish()
    }
}
