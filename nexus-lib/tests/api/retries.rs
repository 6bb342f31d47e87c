//! The last candidate is retried, within limits.

use nexus_lib::testing::{Answer, Script, openai};
use serde_json::json;

use crate::support::{PLAIN, Rig, STREAM};

fn refusal(status: u16) -> Answer {
    Answer::json(status, r#"{"error":{"message":"no"}}"#)
}

fn good() -> Answer {
    Answer::json(200, openai::completion("ok", 1, 1).to_string())
}

#[tokio::test]
async fn trouble_that_passes_is_not_seen_by_the_client() {
    for trouble in [
        refusal(503),
        refusal(429),
        Answer::new().cut(),
        Answer::json(200, ""),
    ] {
        let script = Script::each([trouble.clone(), trouble, good()]);
        let (rig, upstream) = Rig::over(script).await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        assert_eq!(upstream.requests().len(), 3);
        let row = rig.row(&response).await;
        let seen = json!([row["state"], row["attempts"], row["total_tokens"]]);
        assert_eq!(seen, json!(["completed", 3, 2]));
        assert_eq!(rig.rows().await.len(), 1);
    }
}

#[tokio::test]
async fn a_stream_that_begins_with_an_error_is_asked_for_again() {
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n";
    let events = openai::stream_events(&["ok"], None);
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    let answers = [
        Answer::events(&[error]).end(),
        Answer::events(&events).end(),
    ];
    let (rig, upstream) = Rig::over(Script::each(answers)).await;
    let response = rig.chat(STREAM).await;
    assert_eq!(response.body.text(), events.concat());
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn the_clients_own_fault_passes_straight_back() {
    for status in [400, 404, 409, 413, 422] {
        let (rig, upstream) = Rig::over(refusal(status)).await;
        let second = rig.add_upstream("Second", 1, good()).await;
        assert_eq!(rig.chat(PLAIN).await.status, status);
        assert_eq!((upstream.requests().len(), second.requests().len()), (1, 0));
        assert_eq!(rig.provider("Fake").await["health"]["recent_errors"], 0);
    }
}

#[tokio::test]
async fn who_asks_for_a_long_wait_is_not_asked_again() {
    let busy = Answer::fixed(429, &[("retry-after", "30")], "{}");
    let (rig, upstream) = Rig::over(busy).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 429);
    assert_eq!(response.header("retry-after"), Some("30"));
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn retries_do_not_double_the_load() {
    let (rig, upstream) = Rig::over(refusal(500)).await;
    for _ in 0..50 {
        assert_eq!(rig.chat(PLAIN).await.status, 500);
    }
    // Ten in reserve, and one for each five requests.
    let retries = upstream.requests().len() - 50;
    assert!((15..=20).contains(&retries), "{retries} retries");
    let rows = rig.rows().await;
    let attempts = rows.iter().map(|row| row["attempts"].as_u64().unwrap());
    assert_eq!(attempts.sum::<u64>(), 50 + retries as u64);
    assert!(rows.iter().all(|row| row["state"] == "failed"));
}

#[tokio::test]
async fn a_pool_is_asked_once_round_before_anyone_is_asked_again() {
    let rig = Rig::start().await;
    let first = rig.add_upstream("First", 0, refusal(503)).await;
    let script = Script::each([refusal(503), good()]);
    let second = rig.add_upstream("Second", 1, script).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.header("x-nexus-provider"), Some("Second"));
    assert_eq!((first.requests().len(), second.requests().len()), (1, 2));
    assert_eq!(rig.row(&response).await["attempts"], 3);
}
