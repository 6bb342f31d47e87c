use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::health::{Cooldown, HealthReport};
use crate::registry::{ProviderRecord, Snapshot};
use crate::store::{
    ConversationTotals, LedgerRow, ModelRecord, RequestRecord, SeriesBucket, Totals,
};
use crate::wire::{
    ModelId, Protocols, ProviderId, ProxyList, RequestId, TimerSettings, Timestamp, mask,
};

/// A provider in the admin API: keys and proxy passwords are masked.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProviderView<'a> {
    id: ProviderId,
    name: &'a str,
    kind: &'a str,
    server_url: &'a str,
    server_key: String,
    personalized_key: &'a str,
    description: &'a str,
    proxy_url: Option<String>,
    protocols: Option<Protocols>,
    enabled: bool,
    priority: i32,
    weight: u32,
    max_concurrency: Option<u32>,
    timeouts: TimerSettings,
    health: HealthView,
    /// The number of its open requests.
    open_requests: u32,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Its models, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<Vec<ModelView<'a>>>,
}

impl<'a> ProviderView<'a> {
    /// The provider of `record`, with its health from `snapshot`.
    pub(super) fn new(record: &'a ProviderRecord, snapshot: &Snapshot) -> Self {
        let vitals = snapshot.vitals(record.id).cloned().unwrap_or_default();
        let fields = &record.fields;
        Self {
            id: record.id,
            name: &fields.name,
            kind: &fields.kind,
            server_url: &fields.server_url,
            server_key: mask(record.server_key.expose_secret()),
            personalized_key: &record.client_key.mask,
            description: &fields.description,
            proxy_url: record.proxy_url.as_ref().map(masked_proxies),
            protocols: fields.protocols,
            enabled: fields.enabled,
            priority: fields.priority,
            weight: fields.weight,
            max_concurrency: fields.limits.max_concurrency,
            timeouts: fields.limits.timers,
            health: vitals.health.report().into(),
            open_requests: vitals.load.open(),
            created_at: record.created_at,
            updated_at: record.updated_at,
            models: None,
        }
    }

    /// The same, including its models.
    pub(super) fn with_models(self, snapshot: &'a Snapshot) -> Self {
        let models = snapshot.models_of(self.id).map(ModelView::from);
        Self {
            models: Some(models.collect()),
            ..self
        }
    }
}

fn masked_proxies(text: &SecretString) -> String {
    // A stored list that can no longer be read is not shown either.
    ProxyList::parse(text.expose_secret()).map_or_else(|_| mask("?"), |list| list.to_string())
}

/// A provider's health.
#[derive(Serialize, JsonSchema)]
struct HealthView {
    /// `ok`; `resting` during a cooldown, and while a request probes the provider after it; or
    /// `due`: the cooldown has ended, and the next request probes.
    state: &'static str,
    /// When the cooldown ends or ended; `null` if there is none.
    until: Option<Timestamp>,
    /// Failures in the last five minutes.
    recent_errors: u32,
    /// The average time to the start of an answer; `null` before the first.
    latency_ms: Option<u128>,
}

impl From<HealthReport> for HealthView {
    fn from(report: HealthReport) -> Self {
        let now = Timestamp::now();
        let (state, until) = match report.cooldown {
            None => ("ok", None),
            Some(Cooldown::Left(left)) => ("resting", Some(now.saturating_add(left))),
            Some(Cooldown::Probed(over)) => ("resting", Some(now.saturating_sub(over))),
            Some(Cooldown::OverFor(over)) => ("due", Some(now.saturating_sub(over))),
        };
        Self {
            state,
            until,
            recent_errors: report.recent_errors,
            latency_ms: report.latency.map(|latency| latency.as_millis()),
        }
    }
}

/// `{"providers":[…]}`, and `next` if a page was requested.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProviderList<'a> {
    pub(super) providers: Vec<ProviderView<'a>>,
    /// If `limit` was given: the `after` of the next page; `null` at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Option<i64>>,
}

/// A model in the admin API.
#[derive(Serialize, JsonSchema)]
pub(super) struct ModelView<'a> {
    id: ModelId,
    provider_id: ProviderId,
    model_name: &'a str,
    upstream_model: Option<&'a str>,
    description: &'a str,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> From<&'a ModelRecord> for ModelView<'a> {
    fn from(record: &'a ModelRecord) -> Self {
        Self {
            id: record.id,
            provider_id: record.provider_id,
            model_name: &record.model_name,
            upstream_model: record.upstream_model.as_deref(),
            description: &record.description,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// `{"models":[…]}`, and `next` if a page was requested.
#[derive(Serialize, JsonSchema)]
pub(super) struct ModelList<'a> {
    pub(super) models: Vec<ModelView<'a>>,
    /// If `limit` was given: the `after` of the next page; `null` at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Option<i64>>,
}

/// One conversation's totals, with its messages.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConversationView {
    #[serde(flatten)]
    pub(super) totals: ConversationTotals,
    /// The archive's lines, oldest first; empty if messages are not archived.
    pub(super) messages: Vec<serde_json::Value>,
    /// When this was read, by the server's clock.
    pub(super) now: Timestamp,
}

/// One request, with its messages.
#[derive(Serialize, JsonSchema)]
pub(super) struct RequestView {
    #[serde(flatten)]
    pub(super) record: RequestRecord,
    /// The archive's line of this request; empty if messages are not archived.
    pub(super) messages: Vec<serde_json::Value>,
    /// When this was read, by the server's clock.
    pub(super) now: Timestamp,
}

/// Sums over the ledger.
#[derive(Serialize, JsonSchema)]
pub(super) struct TotalsView {
    #[serde(flatten)]
    pub(super) totals: Totals,
    /// When this was read, by the server's clock.
    pub(super) now: Timestamp,
}

/// Sums over a range, in total and by time.
#[derive(Serialize, JsonSchema)]
pub(super) struct SummaryView {
    /// When this was read, by the server's clock.
    pub(super) now: Timestamp,
    /// The newest row of the ledger, regardless of the range; `None` if there is none.
    pub(super) latest_request_id: Option<RequestId>,
    pub(super) totals: Totals,
    /// Oldest first.
    pub(super) buckets: Vec<SeriesBucket>,
}

/// Sums by time, oldest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct SeriesView {
    /// When this was read, by the server's clock.
    pub(super) now: Timestamp,
    pub(super) buckets: Vec<SeriesBucket>,
}

/// A page of ledger rows, newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct RequestPage {
    pub(super) requests: Vec<LedgerRow>,
    /// The `before` of the next page; `None` on the last page.
    pub(super) next: Option<RequestId>,
    /// When this was read, by the server's clock.
    pub(super) now: Timestamp,
}

/// The response to a probe.
#[derive(Serialize, JsonSchema)]
pub(super) struct Health {
    pub(super) status: &'static str,
}
