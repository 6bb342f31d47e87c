use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use nexus_lib::testing::{Answer, FakeUpstream, RawRequest, openai};
use serde_json::{Value, json};

use crate::server::{Home, Server, chat};

const DASHBOARD: &str = include_str!("../../../deploy/grafana/nexusai.json");

/// Every query of the dashboard.
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

/// The words of a query that begin like our metrics.
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
    // It fails over the first time. Then it is retried for a model that only this provider has,
    // until it is in cooldown.
    for (model, stream, status) in [
        ("m", false, 200),
        ("m", true, 200),
        ("alone", false, 503),
        ("alone", true, 503),
    ] {
        let answer = server.api(&chat("key", model, "hi", stream)).await;
        assert_eq!(answer.head.status, status, "{}", answer.body.text());
    }
    let refused = server.api(&chat("unknown", "m", "hi", false)).await;
    assert_eq!(refused.head.status, 401);
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
    // And vice versa: every metric is on the dashboard.
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        let is_shown = named.iter().any(|metric| metric.starts_with(name));
        assert!(
            is_shown || name == "nexus_build_info",
            "{name} is on no panel"
        );
    }
    server.stop().await;
}

/// Prometheus's own checker reads the default format.
#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_figures() {
    if !has_promtool() {
        assert!(
            std::env::var_os("CI").is_none(),
            "promtool is not installed; see .ci/run"
        );
        return;
    }
    let home = Home::new();
    let server = home.start(&["--demo"], &[]);
    for (key, status) in [("demo-key", 200), ("unknown", 401)] {
        let answer = server.api(&chat(key, "nexus-echo", "hi", true)).await;
        assert_eq!(answer.head.status, status);
    }
    let text = server.admin(&RawRequest::get("/metrics")).await;
    let text = text.body.text().to_owned();
    for family in [
        "nexus_requests_total",
        "nexus_requests_refused_total",
        "nexus_build_info",
    ] {
        assert!(has_series(&text, family), "{family} in {text}");
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let checked = tokio::task::spawn_blocking(move || promtool.wait_with_output().unwrap());
    let checked = checked.await.unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        checked.status.success() && said.is_empty(),
        "{said}\n{text}"
    );
    server.stop().await;
}

fn has_promtool() -> bool {
    Command::new("promtool")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}
