use serde_json::{Value, json};

use crate::error::ErrorKind as K;
use crate::http::admin::SettingsView;
use crate::http::admin::console;
use crate::http::admin::views::Health;
use crate::http::openapi::{Operation, Parameter, PathItem, Schemas};

const TAG: &str = "The port";
const TEXT: [&str; 5] = [
    "text/html",
    "text/css",
    "text/javascript",
    "image/svg+xml",
    "text/plain",
];

pub(in crate::http::admin) fn front_page(_: &mut Schemas) -> PathItem {
    let page = Operation::new(TAG, "The web console")
        .parameter(if_none_match())
        .answers(200, "text/html", &text())
        .answers_nothing(304)
        .open();
    PathItem::new().get(page)
}

pub(in crate::http::admin) fn console_file(_: &mut Schemas) -> PathItem {
    // A parameter cannot contain slashes, so files in folders are not listed.
    let files: Vec<_> = console::paths()
        .filter(|path| !path.contains('/'))
        .collect();
    let path = Parameter::path("path", json!({"enum": files}), "A file of the web console.");
    let file = Operation::new(TAG, "A file of the web console")
        .parameter(if_none_match())
        .answers_nothing(304)
        .fails(&[K::NotFound])
        .open();
    let file = TEXT
        .iter()
        .fold(file, |file, media| file.answers(200, media, &text()));
    PathItem::new().parameter(path).get(file)
}

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

fn if_none_match() -> Parameter {
    let about = "The tags that the client has already.";
    Parameter::header("if-none-match", text(), about)
}

fn text() -> Value {
    json!({"type": "string"})
}
