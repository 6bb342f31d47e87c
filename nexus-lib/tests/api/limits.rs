//! Concurrency limits of providers, and which provider is preferred.

use nexus_lib::testing::{Answer, FakeUpstream, Gate, RawClient, Script, openai};
use serde_json::json;

use crate::support::{PLAIN, Rig, STREAM, assert_error, chat};

/// Streams that stop after their first event; plain answers at once.
fn held(gate: &Gate) -> Script {
    let gate = gate.clone();
    Script::by(move |request| match request.wants_stream() {
        true => Answer::events(&[&openai::delta_event("a")])
            .pause(&gate)
            .sse(&[openai::DONE])
            .end(),
        false => Answer::json(200, openai::completion("ok", 1, 1).to_string()),
    })
}

/// A stream whose head and first event have arrived.
async fn open_stream(rig: &Rig) -> (RawClient, String) {
    let mut client = rig.send(&chat(STREAM)).await;
    let head = client.head().await;
    assert_eq!(head.status, 200);
    client.event().await.unwrap();
    let provider = head.header("x-nexus-provider").unwrap().to_owned();
    (client, provider)
}

async fn one_at_a_time(rig: &Rig, name: &str, gate: &Gate) -> FakeUpstream {
    let fields = json!({"max_concurrency": 1});
    rig.add_upstream_with(name, fields, held(gate)).await
}

#[tokio::test]
async fn beyond_the_limit_is_429_until_the_body_has_ended() {
    let (rig, gate) = (Rig::start().await, Gate::new());
    let upstream = one_at_a_time(&rig, "Fake", &gate).await;
    let (mut client, _) = open_stream(&rig).await;
    assert_eq!(rig.provider("Fake").await["open_requests"], 1);
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 429);
    assert_error(&response.body.json(), "rate_limit_error", "provider_busy");
    assert_eq!(response.header("retry-after"), Some("1"));
    let row = rig.row(&response).await;
    let seen = json!([row["state"], row["status"], row["attempts"]]);
    assert_eq!(seen, json!(["failed", 429, 0]));
    assert_eq!(upstream.requests().len(), 1);

    gate.open();
    assert!(client.body().await.text().ends_with(openai::DONE));
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    assert_eq!(rig.provider("Fake").await["open_requests"], 0);
}

#[tokio::test]
async fn a_client_that_leaves_makes_room() {
    let (rig, gate) = (Rig::start().await, Gate::new());
    let upstream = one_at_a_time(&rig, "Fake", &gate).await;
    let (client, _) = open_stream(&rig).await;
    client.reset();
    upstream.closed(0).await;
    assert_eq!(rig.settled().await["state"], "cancelled");
    assert_eq!(rig.chat(PLAIN).await.status, 200);
}

#[tokio::test]
async fn who_is_full_is_passed_over() {
    let (rig, gate) = (Rig::start().await, Gate::new());
    let first = one_at_a_time(&rig, "First", &gate).await;
    let fields = json!({"priority": 1, "max_concurrency": 1});
    let second = rig.add_upstream_with("Second", fields, held(&gate)).await;
    let (_one, provider) = open_stream(&rig).await;
    assert_eq!(provider, "First");
    let (_other, provider) = open_stream(&rig).await;
    assert_eq!(provider, "Second");
    assert_eq!(rig.chat(PLAIN).await.status, 429);
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    let health = rig.provider("First").await["health"].clone();
    assert_eq!(health["recent_errors"], 0, "to be full is no failure");
}

#[tokio::test]
async fn among_equals_the_one_with_fewer_open_requests_is_asked() {
    let (rig, gate) = (Rig::start().await, Gate::new());
    let mut upstreams = Vec::new();
    for name in ["A", "B", "C"] {
        upstreams.push(rig.add_upstream(name, 0, held(&gate)).await);
    }
    for _ in 0..3 {
        let mut streams = Vec::new();
        let mut names = Vec::new();
        for _ in 0..6 {
            let (stream, name) = open_stream(&rig).await;
            streams.push(stream);
            names.push(name);
        }
        names.sort();
        assert_eq!(names, ["A", "A", "B", "B", "C", "C"]);
    }
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_by_name() {
    let rig = Rig::start().await;
    for (field, fields) in [
        ("max_concurrency", json!({"max_concurrency": 0})),
        ("max_concurrency", json!({"max_concurrency": -1})),
        ("max_concurrency", json!({"max_concurrency": 100_001})),
        (
            "timeouts.connect_ms",
            json!({"timeouts": {"connect_ms": 0}}),
        ),
        ("timeouts.idle_ms", json!({"timeouts": {"idle_ms": -5}})),
        (
            "timeouts.idle_ms",
            json!({"timeouts": {"idle_ms": 3_600_001}}),
        ),
        (
            "timeouts.first_event_ms",
            json!({"timeouts": {"first_event_ms": "60s"}}),
        ),
        ("timeouts", json!({"timeouts": 5})),
        ("weight", json!({"weight": 0})),
        ("weight", json!({"weight": 1001})),
        ("priority", json!({"priority": 1001})),
        ("priority", json!({"priority": 1.5})),
    ] {
        let mut provider = crate::support::provider("P", "http://127.0.0.1:1");
        let fields = fields.as_object().unwrap().clone();
        provider.as_object_mut().unwrap().extend(fields);
        let response = rig
            .admin("POST", "/providers", Some(provider.clone()))
            .await;
        assert_eq!(response.status, 422, "{provider}");
        assert_eq!(response.body.json()["error"]["param"], field, "{provider}");
    }
    assert_eq!(rig.read("/providers").await, json!({"providers": []}));
}
