//! `/metrics` compared with the ledger.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use nexus_lib::ChatRequest;
use nexus_lib::metrics::Metrics;
use nexus_lib::observe::{Observer, RefusedRequest};
use nexus_lib::testing::{Answer, Gate, RawClient, RawRequest, Script, openai};
use serde_json::{Value, json};

use crate::support::{KEY, PLAIN, Rig, STREAM_USAGE, chat};

/// The samples of a scrape, by name and labels as written.
struct Samples(BTreeMap<String, f64>);

impl Samples {
    async fn of(rig: &Rig) -> Self {
        let response = rig.admin("GET", "/metrics", None).await;
        assert_eq!(response.status, 200);
        let content_type = response.header("content-type");
        let expected = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(content_type, Some(expected));
        let text = response.body.text();
        assert!(!text.contains("# EOF"), "{text}");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            (name.to_owned(), value.parse().expect("a number"))
        });
        let read: Vec<(String, f64)> = samples.collect();
        let samples: BTreeMap<_, _> = read.iter().cloned().collect();
        assert_eq!(samples.len(), read.len(), "a series is there twice: {text}");
        Self(samples)
    }

    #[track_caller]
    fn assert(&self, name: &str, value: f64) {
        assert_eq!(self.0.get(name), Some(&value), "{name} in {:#?}", self.0);
    }

    /// The sum of the samples that begin with `name` and have all of `labels`.
    fn sum(&self, name: &str, labels: &[String]) -> f64 {
        let family = self.0.iter().filter(|(sample, _)| {
            let series = sample.strip_prefix(name);
            series.is_some_and(|series| labels.iter().all(|label| series.contains(label)))
        });
        family.map(|(_, value)| value).sum()
    }
}

async fn counting() -> Rig {
    Rig::with(|builder| builder.metrics(Metrics::new())).await
}

fn answer(cached: u64, reasoning: u64) -> Answer {
    let mut body = openai::completion("ok", 100, 20);
    body["usage"]["prompt_tokens_details"] = json!({"cached_tokens": cached});
    body["usage"]["completion_tokens_details"] = json!({"reasoning_tokens": reasoning});
    Answer::json(200, body.to_string())
}

#[tokio::test]
async fn figures_are_exact_and_those_of_the_ledger() {
    let rig = counting().await;
    let refusal = Answer::json(503, "{}");
    let _first = rig.add_upstream("First", 0, refusal).await;
    let gate = Gate::new();
    let stopped = gate.clone();
    let second = Script::by(move |request| match request.index {
        0 => answer(64, 0),
        1 => answer(0, 7),
        2 => Answer::json(400, r#"{"error":{"message":"no"}}"#),
        3 => openai::stream(request, &["a", "b"], 30, 5),
        _ => Answer::events(
            &openai::stream_events(&["a"], None)[..1]
                .iter()
                .map(|event| &**event)
                .collect::<Vec<_>>(),
        )
        .pause(&stopped),
    });
    // Its name is shown unchanged, however odd.
    let _second = rig.add_upstream("Se\"c\\ond", 1, second).await;
    for status in [200, 200, 400] {
        assert_eq!(rig.chat(PLAIN).await.status, status);
    }
    assert_eq!(rig.chat(STREAM_USAGE).await.status, 200);
    let mut client = rig.send(&chat(STREAM_USAGE)).await;
    client.head().await;
    client.event().await.expect("an event");

    let open = Samples::of(&rig).await;
    open.assert("nexus_open_streams", 1.0);
    open.assert(r#"nexus_open_requests{provider="Se\"c\\ond"}"#, 1.0);
    open.assert(r#"nexus_open_requests{provider="First"}"#, 0.0);
    open.assert(r#"nexus_provider_resting{provider="First"}"#, 1.0);
    open.assert(r#"nexus_provider_resting{provider="Se\"c\\ond"}"#, 0.0);
    client.close();
    let cancelled = async {
        loop {
            let rows = rig.rows().await;
            match rows.iter().find(|row| row["state"] == "cancelled") {
                Some(row) => return row.clone(),
                None => tokio::task::yield_now().await,
            }
        }
    };
    let deadline = nexus_lib::testing::DEADLINE;
    let cancelled = tokio::time::timeout(deadline, cancelled).await.unwrap();

    let samples = Samples::of(&rig).await;
    let series =
        |name: &str, more: &str| format!(r#"{name}{{provider="Se\"c\\ond",model="m"{more}}}"#);
    for (status, state, requests) in [
        ("200", "completed", 3.0),
        ("400", "failed", 1.0),
        ("200", "cancelled", 1.0),
    ] {
        let more = format!(r#",operation="chat.completion",status="{status}",state="{state}""#);
        samples.assert(&series("nexus_requests_total", &more), requests);
    }
    let estimated = |field: &str| cancelled[field].as_f64().expect("a number");
    for (kind, tokens) in [
        ("prompt", 230.0 + estimated("prompt_tokens")),
        ("completion", 45.0 + estimated("completion_tokens")),
        ("cached", 64.0),
        ("reasoning", 7.0),
    ] {
        let more = format!(r#",kind="{kind}""#);
        samples.assert(&series("nexus_tokens_total", &more), tokens);
    }
    samples.assert(&series("nexus_request_duration_seconds_count", ""), 5.0);
    samples.assert(&series("nexus_time_to_first_event_seconds_count", ""), 2.0);
    samples.assert("nexus_open_streams", 0.0);
    samples.assert(r#"nexus_attempts_failed_total{provider="First"}"#, 3.0);
    samples.assert(r#"nexus_failovers_total{provider="First"}"#, 3.0);
    samples.assert(r#"nexus_provider_rests_total{provider="First"}"#, 1.0);
    assert!(
        !samples
            .0
            .contains_key(r#"nexus_failovers_total{provider="Se\"c\\ond"}"#)
    );
    assert_same_as_ledger(&rig, &samples).await;
}

/// The sums of `/metrics` equal those of `/stats/total`, for each provider and each model.
async fn assert_same_as_ledger(rig: &Rig, samples: &Samples) {
    let total = rig.read("/stats/total").await;
    let compare = |sums: &Value, label: &[String]| {
        let tokens = |kind: &str| {
            let labels = [label, &[format!(r#"kind="{kind}""#)]].concat();
            samples.sum("nexus_tokens_total{", &labels)
        };
        let figures = json!([
            samples.sum("nexus_requests_total{", label),
            tokens("prompt"),
            tokens("completion"),
        ]);
        let of = |field: &str| sums[field].as_f64();
        let expected = json!([of("requests"), of("prompt_tokens"), of("completion_tokens")]);
        assert_eq!(figures, expected, "{label:?}");
    };
    compare(&total, &[]);
    for provider in total["by_provider"].as_array().unwrap() {
        let name = provider["provider"].as_str().unwrap();
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        compare(provider, &[format!(r#"provider="{name}""#)]);
    }
    for model in total["by_model"].as_array().unwrap() {
        compare(model, &[format!("model={}", model["model"])]);
    }
}

#[tokio::test]
async fn the_ledgers_work_is_shown() {
    let rig = counting().await;
    let _upstream = rig
        .add_upstream("Fake", 0, openai::server(&["ok"], 1, 1))
        .await;
    for _ in 0..3 {
        rig.chat(PLAIN).await;
    }
    rig.gateway.ledger().close().await.unwrap();
    let samples = Samples::of(&rig).await;
    samples.assert("nexus_ledger_queue_rows", 0.0);
    let rows = samples.0["nexus_ledger_rows_total"];
    let commits = samples.0["nexus_ledger_commit_seconds_count"];
    // A row that was opened before its answer arrived is written twice.
    assert!((3.0..=6.0).contains(&rows), "{rows}");
    assert!((1.0..=rows).contains(&commits), "{commits} of {rows}");
}

#[tokio::test]
async fn a_provider_that_is_asked_again_is_counted_so() {
    let rig = counting().await;
    let script = Script::by(|request| match request.index {
        0 => Answer::json(503, "{}"),
        _ => Answer::json(200, openai::completion("ok", 1, 1).to_string()),
    });
    let _upstream = rig.add_upstream("Fake", 0, script).await;
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    let samples = Samples::of(&rig).await;
    samples.assert(r#"nexus_attempts_failed_total{provider="Fake"}"#, 1.0);
    samples.assert(r#"nexus_retries_total{provider="Fake"}"#, 1.0);
    assert!(
        !samples
            .0
            .contains_key(r#"nexus_failovers_total{provider="Fake"}"#)
    );
}

#[tokio::test]
async fn names_may_change_and_gateways_may_count_nothing() {
    let rig = counting().await;
    let upstream = rig
        .add_upstream("Old", 0, openai::server(&["ok"], 1, 1))
        .await;
    rig.chat(PLAIN).await;
    let mut provider = rig.provider("Old").await;
    let id = provider["id"].as_i64().unwrap();
    provider["name"] = json!("New");
    let update = json!({"name": "New", "server_url": upstream.url()});
    let response = rig
        .admin("PUT", &format!("/providers/{id}"), Some(update))
        .await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    rig.chat(PLAIN).await;
    let samples = Samples::of(&rig).await;
    for name in ["Old", "New"] {
        let labels = [format!(r#"provider="{name}""#)];
        assert_eq!(samples.sum("nexus_requests_total{", &labels), 1.0, "{name}");
    }
    let silent = Rig::start().await;
    let response = silent.admin("GET", "/metrics", None).await;
    assert_eq!(response.status, 404);
}

#[tokio::test]
async fn format_is_the_one_that_is_accepted() {
    let rig = counting().await;
    let _upstream = rig
        .add_upstream("Fake", 0, openai::server(&["ok"], 1, 1))
        .await;
    rig.chat(PLAIN).await;
    for (accept, content_type, family) in [
        (
            "*/*",
            "text/plain; version=0.0.4; charset=utf-8",
            "# TYPE nexus_requests_total counter\n",
        ),
        (
            "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "# TYPE nexus_requests counter\n",
        ),
    ] {
        let request = RawRequest::get("/metrics").header("accept", accept);
        let response = RawClient::exchange(rig.admin, &request).await;
        assert_eq!(response.header("content-type"), Some(content_type));
        assert_eq!(response.header("vary"), Some("accept"));
        let text = response.body.text();
        assert!(text.contains(family), "{text}");
        assert_eq!(text.ends_with("# EOF\n"), accept != "*/*", "{text}");
    }
}

/// The reports of requests without a row.
#[derive(Clone, Default)]
struct Refused(Arc<Mutex<Vec<(String, String, String)>>>);

impl Observer for Refused {
    fn request_refused(&self, request: &RefusedRequest<'_>) {
        self.0.lock().unwrap().push((
            request.edge.as_str().to_owned(),
            request.reason.to_owned(),
            request.request_id.to_string(),
        ));
    }
}

#[tokio::test]
async fn requests_refused_before_they_have_a_row_are_reported_and_counted() {
    let refused = Refused::default();
    let observer = refused.clone();
    let rig = Rig::with(move |builder| {
        builder
            .metrics(Metrics::new())
            .observer(observer)
            .max_body_bytes(1024)
            .admin_token(Some("token".to_owned().into()))
    })
    .await;
    let unknown_model = r#"{"model":"none","messages":[]}"#;
    let (wrong_key, wrong_token) = ("unknown", RawRequest::get("/providers").bearer("wrong"));
    let long = " ".repeat(2000);
    let provider = json!({"name": "Gone", "server_url": "http://127.0.0.1:1", "server_key": "",
        "personalized_key": KEY})
    .to_string();
    let model = json!({"provider": "Gone", "model_name": "m"}).to_string();
    for (route, body) in [("/providers", provider), ("/provider_models", model)] {
        let request = RawRequest::post(route).bearer("token").body(body);
        assert_eq!(RawClient::exchange(rig.admin, &request).await.status, 201);
    }
    let expected = [
        (
            rig.api,
            RawRequest::post("/v1/chat/completions").bearer(wrong_key),
            401,
            "api",
            "invalid_api_key",
        ),
        (
            rig.api,
            RawRequest::post("/v1/chat/completions"),
            401,
            "api",
            "invalid_api_key",
        ),
        (rig.api, chat(unknown_model), 404, "api", "model_not_found"),
        (rig.api, chat("{"), 400, "api", "invalid_request"),
        (rig.api, chat(long), 413, "api", "request_too_large"),
        (rig.api, RawRequest::get("/nope"), 404, "api", "not_found"),
        (
            rig.api,
            RawRequest::get("/v1/chat/completions"),
            405,
            "api",
            "method_not_allowed",
        ),
        (
            rig.api,
            RawRequest::get("/ws/chat").bearer(wrong_key),
            401,
            "api",
            "invalid_api_key",
        ),
        (rig.admin, wrong_token, 401, "admin", "invalid_admin_token"),
    ];
    let mut told = Vec::new();
    for (port, request, status, edge, reason) in expected {
        let response = RawClient::exchange(port, &request).await;
        assert_eq!(response.status, status, "{}", response.body.text());
        let id = response.header("x-request-id").unwrap().to_owned();
        told.push((edge.to_owned(), reason.to_owned(), id));
    }
    let in_process = ChatRequest::new("m").user("hi").key("unknown");
    assert!(rig.gateway.chat(in_process).await.is_err());
    // This one has a row, which contains the reason.
    assert_eq!(RawClient::exchange(rig.api, &chat(PLAIN)).await.status, 502);
    let mut seen = refused.0.lock().unwrap().clone();
    let (edge, reason, _) = seen.pop().unwrap();
    assert_eq!((&*edge, &*reason), ("in process", "invalid_api_key"));
    assert_eq!(seen, told);

    let scrape = RawRequest::get("/metrics").bearer("token");
    let text = RawClient::exchange(rig.admin, &scrape).await;
    let text = text.body.text();
    for (reason, count) in [
        ("invalid_api_key", 4),
        ("model_not_found", 1),
        ("invalid_request", 1),
        ("request_too_large", 1),
        ("not_found", 1),
        ("method_not_allowed", 1),
        ("invalid_admin_token", 1),
    ] {
        let line = format!("nexus_requests_refused_total{{reason=\"{reason}\"}} {count}\n");
        assert!(text.contains(&line), "{line} in {text}");
    }
}
