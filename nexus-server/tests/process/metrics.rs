use std::collections::BTreeSet;

use nexus_lib::testing::{Answer, FakeUpstream, RawRequest, openai};
use serde_json::{Value, json};

use crate::server::{Home, Server, chat};

const DASHBOARD: &str = include_str!("../../../deploy/grafana/nexusai.json");

/// Every query of the dashboard, wherever it is.
fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(text) if ["expr", "query", "definition"].contains(&name.as_str()) => {
                        found.push(text.to_owned());
                    }
                    _ => queries(field, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

/// The words of a query that begin as our metrics do.
fn metrics_in(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("nexus_"))
}

fn has_series(text: &str, metric: &str) -> bool {
    text.lines().any(|line| {
        let series = line.strip_prefix(metric);
        series.is_some_and(|rest| rest.starts_with(['{', ' ']))
    })
}

async fn add(server: &Server, upstream: &FakeUpstream, name: &str, priority: i32, models: &[&str]) {
    let provider = json!({"name": name, "server_url": upstream.url(), "server_key": "",
        "personalized_key": "key", "priority": priority});
    let request = RawRequest::post("/providers").body(provider.to_string());
    let id = server.admin(&request).await.body.json()["id"].clone();
    for model in models {
        let model = json!({"provider_id": id, "model_name": model});
        let request = RawRequest::post("/provider_models").body(model.to_string());
        assert_eq!(server.admin(&request).await.head.status, 201);
    }
}

#[tokio::test]
async fn every_query_of_the_dashboard_names_metrics_that_are_there() {
    let home = Home::new();
    let server = home.start(&[], &[]);
    let broken = FakeUpstream::start(Answer::json(503, "{}")).await;
    let good = FakeUpstream::start(openai::server(&["ok"], 3, 1)).await;
    add(&server, &broken, "Broken", 0, &["m", "alone"]).await;
    add(&server, &good, "Good", 1, &["m"]).await;
    // Fails over the first time; then is asked again for what it alone has, until it rests.
    for (model, stream, status) in [
        ("m", false, 200),
        ("m", true, 200),
        ("alone", false, 503),
        ("alone", true, 503),
    ] {
        let answer = server.api(&chat("key", model, "hi", stream)).await;
        assert_eq!(answer.head.status, status, "{}", answer.body.text());
    }
    let metrics = server.admin(&RawRequest::get("/metrics")).await;
    let text = metrics.body.text();

    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut found = Vec::new();
    queries(&dashboard, &mut found);
    let named: BTreeSet<&str> = found.iter().flat_map(|query| metrics_in(query)).collect();
    assert!(named.len() > 15, "{named:?}");
    for metric in &named {
        assert!(has_series(text, metric), "{metric} is not in {text}");
    }
    // And the other way round: what is counted can be seen.
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        let is_shown = named.iter().any(|metric| metric.starts_with(name));
        assert!(is_shown || name == "nexus_build", "{name} is on no panel");
    }
    server.stop().await;
}
