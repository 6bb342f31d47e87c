//! The timeouts of upstreams.

use std::time::Duration;

use nexus_lib::testing::{Answer, Gate, RawRequest, Script, openai};
use serde_json::json;

use crate::support::{KEY, PLAIN, Rig, STREAM, assert_error, chat, short};

#[tokio::test]
async fn an_upstream_that_does_not_begin_in_time_is_504() {
    let head = [
        ("content-type", "text/event-stream"),
        ("transfer-encoding", "chunked"),
    ];
    let silent = [
        (PLAIN, Answer::new().hang()),
        (STREAM, Answer::new().hang()),
        (STREAM, Answer::new().head(200, &head).hang()),
        (
            STREAM,
            Answer::new().head(200, &head).chunk(": wait\n\n").hang(),
        ),
        (
            STREAM,
            Answer::new()
                .head(200, &head)
                .chunk("data: {\"choices\"")
                .hang(),
        ),
    ];
    for (body, answer) in silent {
        let rig = Rig::with_timeouts(short()).await;
        let upstream = rig.add_upstream("Slow", 0, answer).await;
        let response = rig.chat(body).await;
        assert_eq!(response.status, 504, "{}", response.body.text());
        assert_error(&response.body.json(), "upstream_error", "upstream_timeout");
        upstream.closed(0).await;
        let row = rig.row(&response).await;
        assert_eq!(
            (&row["state"], &row["status"]),
            (&json!("failed"), &json!(504))
        );
        assert!(
            row["error"].as_str().unwrap().contains("upstream_timeout"),
            "{row}"
        );
    }
}

#[tokio::test]
async fn an_upstream_that_falls_silent_has_broken_its_stream() {
    let rig = Rig::with_timeouts(short()).await;
    let event = openai::delta_event("a");
    let upstream = rig
        .add_upstream("Slow", 0, Answer::events(&[&event]).hang())
        .await;
    let response = rig.chat(STREAM).await;
    assert_eq!(response.status, 200);
    let text = response.body.text();
    let error = text
        .strip_prefix(&event)
        .unwrap()
        .strip_prefix("data: ")
        .unwrap();
    let error = serde_json::from_str(error.trim_end()).unwrap();
    assert_error(&error, "upstream_error", "stream_interrupted");
    upstream.closed(0).await;
    assert_eq!(rig.row(&response).await["state"], "failed");
}

#[tokio::test]
async fn a_plain_answer_that_stands_still_is_504() {
    let rig = Rig::with_timeouts(short()).await;
    let head = [
        ("content-type", "application/json"),
        ("content-length", "10"),
    ];
    let _upstream = rig
        .add_upstream("Slow", 0, Answer::new().head(200, &head).bytes("{").hang())
        .await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 504, "{}", response.body.text());
    assert_error(&response.body.json(), "upstream_error", "upstream_timeout");
}

#[tokio::test]
async fn a_providers_own_timers_go_before_the_gateways() {
    let rig = Rig::start().await;
    let fields = json!({"timeouts": {"first_event_ms": 100}});
    let _slow = rig
        .add_upstream_with("Slow", fields, Answer::new().hang())
        .await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 504);
    assert_error(&response.body.json(), "upstream_error", "upstream_timeout");

    let rig = Rig::start().await;
    let fields = json!({"timeouts": {"idle_ms": 100}});
    let answer = Answer::events(&[&openai::delta_event("a")]).hang();
    let _slow = rig.add_upstream_with("Slow", fields, answer).await;
    assert!(
        rig.chat(STREAM)
            .await
            .body
            .text()
            .contains("stream_interrupted")
    );

    // And vice versa.
    let rig = Rig::with_timeouts(short()).await;
    let fields = json!({"timeouts": {"first_event_ms": 60_000, "idle_ms": 60_000}});
    let gate = Gate::new();
    let held = gate.clone();
    let script = Script::by(move |request| match request.wants_stream() {
        true => Answer::events(&[&openai::delta_event("a")])
            .pause(&held)
            .sse(&[openai::DONE])
            .end(),
        false => Answer::json(200, openai::completion("ok", 1, 1).to_string()),
    });
    let _patient = rig.add_upstream_with("Patient", fields, script).await;
    let mut client = rig.send(&chat(STREAM)).await;
    client.head().await;
    client.event().await.unwrap();
    let quick = rig.add_upstream_with("Quick", json!({"priority": -1}), Answer::new().hang());
    let _quick = quick.await;
    // Another call reaches the gateway's own timeout meanwhile.
    let other = rig.chat(PLAIN).await;
    assert_eq!(rig.row(&other).await["attempts"], 2);
    gate.open();
    assert!(client.body().await.text().ends_with(openai::DONE));
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_in_time_is_502() {
    // It accepts the connection and never starts TLS.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rig = Rig::start().await;
    let url = format!("https://{}", silent.local_addr().unwrap());
    let fields = json!({"timeouts": {"connect_ms": 50}});
    rig.add_provider_with("Silent", &url, fields).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 502);
    assert_error(
        &response.body.json(),
        "upstream_error",
        "upstream_unreachable",
    );
    assert_eq!(rig.row(&response).await["attempts"], 3);
}

#[tokio::test]
async fn models_that_think_have_more_time() {
    let timeouts = short().first_event_of_slow(Duration::from_secs(60));
    let rig = Rig::with_timeouts(timeouts).await;
    let (gate, ok) = (Gate::new(), openai::completion("ok", 1, 1).to_string());
    let answer = Answer::new().pause(&gate).step_all(Answer::json(200, ok));
    let _upstream = rig.add_upstream("Fake", 0, answer).await;
    let model = json!({"provider_id": 1, "model_name": "o3-mini"});
    rig.create("/provider_models", model).await;
    let request = RawRequest::post("/v1/chat/completions").bearer(KEY);
    let body = r#"{"model":"o3-mini","messages":[]}"#;
    let mut thinking = rig.send(&request.body(body)).await;
    assert_eq!(rig.chat(PLAIN).await.status, 504);
    gate.open();
    assert_eq!(thinking.response().await.status, 200);
}
