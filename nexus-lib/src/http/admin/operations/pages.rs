use serde_json::{Value, json};

use crate::error::ErrorKind as K;
use crate::http::admin::SettingsView;
use crate::http::admin::views::Health;
use crate::http::openapi::{Operation, PathItem, Schemas};

pub(super) const TAG: &str = "The port";

pub(in crate::http::admin) fn health(schemas: &mut Schemas) -> PathItem {
    let up = Operation::new(TAG, "Whether the process is up")
        .answers_json(&schemas.answer::<Health>())
        .open();
    PathItem::new().get(up)
}

pub(in crate::http::admin) fn readiness(schemas: &mut Schemas) -> PathItem {
    let ready = Operation::new(
        TAG,
        "Whether the store answers and the ledger can be written",
    )
    .answers_json(&schemas.answer::<Health>())
    .fails(&[K::StoreUnavailable, K::LedgerUnavailable])
    .open();
    PathItem::new().get(ready)
}

pub(in crate::http::admin) fn metrics(_: &mut Schemas) -> PathItem {
    let metrics = Operation::new(TAG, "Metrics for Prometheus")
        .about("In the classic text format, or as OpenMetrics if the client accepts it.")
        .answers(200, "text/plain", &text())
        .answers(200, "application/openmetrics-text", &text())
        .fails(&[K::NotFound]);
    PathItem::new().get(metrics)
}

pub(in crate::http::admin) fn document(_: &mut Schemas) -> PathItem {
    let document = Operation::new(TAG, "This document").answers_json(&json!({"type": "object"}));
    PathItem::new().get(document)
}

pub(in crate::http::admin) fn settings(schemas: &mut Schemas) -> PathItem {
    let settings = Operation::new(TAG, "The effective settings, without secrets")
        .answers_json(&schemas.answer::<SettingsView>())
        .fails(&[K::NotFound]);
    PathItem::new().get(settings)
}

pub(super) fn text() -> Value {
    json!({"type": "string"})
}
