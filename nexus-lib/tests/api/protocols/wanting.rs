//! Requests that cannot be translated.

use nexus_lib::testing::{Answer, openai};
use serde_json::json;

use super::{MESSAGE, add, over, post};
use crate::support::{Rig, assert_error};

#[tokio::test]
async fn optional_parameters_are_dropped_and_reported_unless_strict() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":1,"frequency_penalty":0.5}"#;
    let (rig, _upstream) = over("anthropic", json!({}), Answer::json(200, MESSAGE)).await;
    let response = rig.ask(&post("/v1/chat/completions", body)).await;
    assert_eq!(response.status, 200);
    let dropped = response.header("x-nexus-dropped").expect("names");
    let mut names: Vec<_> = dropped.split(',').collect();
    names.sort_unstable();
    assert_eq!(names, ["frequency_penalty", "seed"]);

    let rig = Rig::with(|builder| builder.strict(true)).await;
    let upstream = add(&rig, "anthropic", json!({}), Answer::json(200, MESSAGE)).await;
    let response = rig.ask(&post("/v1/chat/completions", body)).await;
    assert_eq!(response.status, 400);
    let error = response.body.json();
    assert_error(&error, "invalid_request_error", "invalid_request");
    assert!(dropped.contains(error["error"]["param"].as_str().unwrap()));
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn what_changes_the_meaning_is_refused_by_name() {
    let (rig, upstream) = over("anthropic", json!({}), Answer::json(200, MESSAGE)).await;
    for (field, value) in [
        ("n", "2"),
        ("logprobs", "true"),
        ("logit_bias", "{\"1\":1}"),
    ] {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"{field}":{value}}}"#
        );
        let response = rig.ask(&post("/v1/chat/completions", body)).await;
        assert_eq!(response.status, 400, "{field}");
        assert_eq!(response.body.json()["error"]["param"], field);
    }
    assert!(upstream.requests().is_empty());
    // It is not the provider's fault.
    assert_eq!(rig.provider("Fake").await["health"]["recent_errors"], 0);
}

#[tokio::test]
async fn what_one_protocol_cannot_express_goes_to_a_provider_of_another() {
    let (rig, first) = over(
        "anthropic",
        json!({"priority": -1}),
        Answer::json(200, MESSAGE),
    )
    .await;
    let second = rig
        .add_upstream("Second", 0, openai::server(&["both"], 1, 1))
        .await;
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"n":2}"#;
    let response = rig.ask(&post("/v1/chat/completions", body)).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    assert_eq!(response.header("x-nexus-provider"), Some("Second"));
    assert_eq!(second.request(0).await.body, body);
    assert!(first.requests().is_empty());
    assert_eq!(rig.provider("Fake").await["health"]["recent_errors"], 0);
}

#[tokio::test]
async fn what_a_provider_keeps_cannot_be_gone_on_with_elsewhere() {
    let (rig, _upstream) = over("openai", json!({}), openai::server(&["x"], 1, 1)).await;
    let body = r#"{"model":"m","input":"hi","previous_response_id":"resp_1"}"#;
    let response = rig.ask(&post("/v1/responses", body)).await;
    assert_eq!(response.status, 400);
    let error = response.body.json();
    assert_eq!(error["error"]["param"], "previous_response_id", "{error}");
    assert!(error.to_string().contains("`store: false`"), "{error}");
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_clients_own_words() {
    let (rig, upstream) = over("openai", json!({}), openai::server(&["x"], 1, 1)).await;
    for body in [
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"judge","content":"x"}]}"#,
        r#"{"model":"m","max_tokens":9,"messages":3}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#,
        r#"{"max_tokens":9"#,
        r#"{"model":"nobody","max_tokens":9,"messages":[]}"#,
    ] {
        let response = rig.ask(&post("/v1/messages", body)).await;
        assert!((400..405).contains(&response.status), "{body}");
        let error = response.body.json();
        assert_eq!(error["type"], "error", "{error}");
        let kind = error["error"]["type"].as_str().unwrap();
        assert!(
            ["invalid_request_error", "not_found_error"].contains(&kind),
            "{error}"
        );
    }
    assert!(upstream.requests().is_empty());
}
