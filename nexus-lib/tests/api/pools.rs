//! Several providers with one key and one model: asked in order, until one answers.

use nexus_lib::testing::{Answer, openai, refused_addr};
use serde_json::json;

use crate::support::{PLAIN, Rig, STREAM, short};

/// A gateway whose first provider answers with `first`, and whose second one succeeds; checks that
/// the client gets the second one's answer.
async fn hands_over(body: &'static str, first: Answer) {
    let rig = Rig::with_timeouts(short()).await;
    let first_choice = rig.add_upstream("First", 0, first).await;
    let _second_choice = rig
        .add_upstream("Second", 1, openai::server(&["ok"], 4, 2))
        .await;
    let response = rig.chat(body).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    assert_eq!(response.header("x-nexus-provider"), Some("Second"));
    assert!(response.body.text().contains("ok"));
    assert_eq!(first_choice.requests().len(), 1);
    let row = rig.row(&response).await;
    let expected = json!(["completed", "Second", 2, 6]);
    assert_eq!(
        json!([
            row["state"],
            row["provider"],
            row["attempts"],
            row["total_tokens"]
        ]),
        expected
    );
    assert_eq!(rig.rows().await.len(), 1, "one call is one row");
}

#[tokio::test]
async fn the_first_choice_is_asked_first() {
    let rig = Rig::start().await;
    let second = rig
        .add_upstream("Second", 7, openai::server(&["b"], 1, 1))
        .await;
    let first = rig
        .add_upstream("First", -1, openai::server(&["a"], 1, 1))
        .await;
    for _ in 0..5 {
        assert_eq!(
            rig.chat(PLAIN).await.header("x-nexus-provider"),
            Some("First")
        );
    }
    assert_eq!((first.requests().len(), second.requests().len()), (5, 0));
}

#[tokio::test]
async fn a_status_that_another_may_not_have_hands_over() {
    for status in [408, 425, 429, 500, 502, 503, 504, 529] {
        hands_over(PLAIN, Answer::json(status, r#"{"error":{"message":"no"}}"#)).await;
    }
    hands_over(STREAM, Answer::json(503, "{}")).await;
}

#[tokio::test]
async fn refused_credentials_hand_over() {
    hands_over(PLAIN, Answer::json(401, "{}")).await;
}

#[tokio::test]
async fn an_upstream_that_breaks_before_its_first_byte_hands_over() {
    hands_over(PLAIN, Answer::new().cut()).await;
    hands_over(STREAM, Answer::new().reset()).await;
    hands_over(STREAM, Answer::events(&[]).cut()).await;
    hands_over(PLAIN, Answer::json(200, "")).await;
    hands_over(STREAM, Answer::events(&[openai::DONE]).end()).await;
    // A plain answer is passed on when it is complete: the client gets nothing of this one.
    let head = [
        ("content-type", "application/json"),
        ("content-length", "100"),
    ];
    hands_over(PLAIN, Answer::new().head(200, &head).bytes("{").cut()).await;
}

#[tokio::test]
async fn an_upstream_that_is_too_slow_hands_over() {
    hands_over(PLAIN, Answer::new().hang()).await;
    hands_over(STREAM, Answer::events(&[]).hang()).await;
}

#[tokio::test]
async fn a_stream_that_begins_with_an_error_hands_over() {
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n";
    hands_over(STREAM, Answer::events(&[error]).end()).await;
}

#[tokio::test]
async fn an_upstream_that_is_not_there_hands_over() {
    let rig = Rig::start().await;
    rig.add_provider("Gone", &format!("http://{}", refused_addr().await), 0)
        .await;
    let _there = rig
        .add_upstream("There", 1, openai::server(&["ok"], 1, 1))
        .await;
    for body in [PLAIN, STREAM] {
        let response = rig.chat(body).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("x-nexus-provider"), Some("There"));
    }
}

#[tokio::test]
async fn a_fault_of_the_request_is_not_tried_elsewhere() {
    for status in [400, 404, 422] {
        let rig = Rig::start().await;
        let _first = rig
            .add_upstream("First", 0, Answer::json(status, "{}"))
            .await;
        let second = rig
            .add_upstream("Second", 1, openai::server(&["ok"], 1, 1))
            .await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, status);
        assert_eq!(response.header("x-nexus-provider"), Some("First"));
        assert!(second.requests().is_empty());
    }
}

#[tokio::test]
async fn nothing_is_tried_elsewhere_once_the_client_has_a_byte() {
    let rig = Rig::start().await;
    let begun = Answer::events(&[&openai::delta_event("a")]).cut();
    let _first = rig.add_upstream("First", 0, begun).await;
    let second = rig
        .add_upstream("Second", 1, openai::server(&["ok"], 1, 1))
        .await;
    let response = rig.chat(STREAM).await;
    assert!(response.body.text().contains("stream_interrupted"));
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn when_all_fail_the_client_gets_the_last_upstreams_error() {
    let rig = Rig::start().await;
    let _first = rig
        .add_upstream("First", 0, Answer::json(500, r#"{"error":"one"}"#))
        .await;
    let slow = Answer::fixed(429, &[("retry-after", "3")], r#"{"error":"two"}"#);
    let _second = rig.add_upstream("Second", 1, slow).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 429);
    assert_eq!(response.body.content, r#"{"error":"two"}"#);
    assert_eq!(response.header("retry-after"), Some("3"));
    assert_eq!(response.header("x-nexus-provider"), Some("Second"));
    let row = rig.row(&response).await;
    assert_eq!(json!([row["state"], row["attempts"]]), json!(["failed", 2]));
}

#[tokio::test]
async fn an_upstreams_error_takes_precedence_over_a_failed_connection() {
    let rig = Rig::start().await;
    let _first = rig
        .add_upstream("First", 0, Answer::json(503, r#"{"error":"busy"}"#))
        .await;
    rig.add_provider("Gone", &format!("http://{}", refused_addr().await), 1)
        .await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(
        (response.status, response.body.text()),
        (503, r#"{"error":"busy"}"#)
    );
    assert_eq!(
        response.header("x-nexus-provider"),
        Some("First"),
        "whose answer it is"
    );
    let row = rig.row(&response).await;
    assert_eq!(
        json!([row["provider"], row["attempts"], row["status"]]),
        json!(["First", 4, 503])
    );
}

#[tokio::test]
async fn a_disabled_provider_is_not_asked() {
    let rig = Rig::start().await;
    let first = rig
        .add_upstream("First", 0, openai::server(&["a"], 1, 1))
        .await;
    let _second = rig
        .add_upstream("Second", 1, openai::server(&["b"], 1, 1))
        .await;
    let update = json!({"name": "First", "server_url": first.url(), "enabled": false});
    assert_eq!(
        rig.admin("PUT", "/providers/1", Some(update)).await.status,
        200
    );
    assert_eq!(
        rig.chat(PLAIN).await.header("x-nexus-provider"),
        Some("Second")
    );
    assert!(first.requests().is_empty());
}

#[tokio::test]
async fn equals_share_the_load() {
    let rig = Rig::start().await;
    let one = rig
        .add_upstream("One", 0, openai::server(&["a"], 1, 1))
        .await;
    let two = rig
        .add_upstream("Two", 0, openai::server(&["b"], 1, 1))
        .await;
    for _ in 0..40 {
        assert_eq!(rig.chat(PLAIN).await.status, 200);
    }
    // At random, one of them would be left out once in 2^39 runs.
    assert!(!one.requests().is_empty() && !two.requests().is_empty());
}
