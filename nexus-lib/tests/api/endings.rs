//! However a call ends, the client gets a truthful answer and the ledger is settled.

use std::time::{Duration, Instant};

use nexus_lib::testing::{Answer, Ending, Gate, RawResponse, openai};
use serde_json::{Value, json};

use crate::support::{PLAIN, Rig, STREAM, STREAM_USAGE, assert_error, chat};

const PROMPT: Duration = Duration::from_secs(1);

/// The data of a stream's events; each must be complete.
fn events(response: &RawResponse) -> Vec<Value> {
    let text = response.body.text();
    assert!(text.ends_with("\n\n"), "{text:?}");
    let data = text.split_terminator("\n\n").map(|event| {
        let data = event.strip_prefix("data: ").expect("data");
        serde_json::from_str(data).unwrap_or_else(|error| panic!("{error} in {data:?}"))
    });
    data.collect()
}

/// Checks that the stream ends with an error of its own, and returns the events before it.
async fn assert_interrupted(rig: &Rig, response: &RawResponse) -> Vec<Value> {
    assert_eq!(response.status, 200);
    assert!(!response.body.text().contains("[DONE]"));
    let mut events = events(response);
    let last = events.pop().expect("an event");
    assert_error(&last, "upstream_error", "stream_interrupted");
    let row = rig.row(response).await;
    assert_eq!(
        (&row["state"], &row["status"]),
        (&json!("failed"), &json!(200)),
        "{row}"
    );
    assert!(
        row["error"]
            .as_str()
            .unwrap()
            .contains("stream_interrupted"),
        "{row}"
    );
    events
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_byte_ends_the_upstream_request() {
    for body in [PLAIN, STREAM] {
        let (rig, upstream) = Rig::over(Answer::new().hang()).await;
        let client = rig.send(&chat(body)).await;
        upstream.request(0).await;
        let left = Instant::now();
        client.close();
        assert!(upstream.closed(0).await - left < PROMPT);
        let row = rig.settled().await;
        assert_eq!(
            (&row["state"], &row["status"]),
            (&json!("cancelled"), &json!(null)),
            "{row}"
        );
        assert_eq!(row["attempts"], 1);
    }
}

#[tokio::test]
async fn a_client_that_leaves_after_the_first_byte_ends_the_upstream_request() {
    for reset in [false, true] {
        let answer = Answer::events(&[&openai::delta_event("some words")]).hang();
        let (rig, upstream) = Rig::over(answer).await;
        let mut client = rig.send(&chat(STREAM)).await;
        client.head().await;
        client.event().await.unwrap();
        let left = Instant::now();
        if reset {
            client.reset()
        } else {
            client.close()
        }
        assert!(upstream.closed(0).await - left < PROMPT);
        let row = rig.settled().await;
        assert_eq!(
            (&row["state"], &row["status"]),
            (&json!("cancelled"), &json!(200)),
            "{row}"
        );
        assert_ne!(row["usage_source"], "reported");
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_the_upstream_writes_is_noticed_too() {
    // More than all buffers hold, so that the upstream's writes block.
    let event = openai::delta_event(&"x".repeat(60_000));
    let answer = Answer::events(&vec![&*event; 400]).hang();
    let (rig, upstream) = Rig::over(answer).await;
    let mut client = rig.send(&chat(STREAM)).await;
    client.head().await;
    client.event().await.unwrap();
    let left = Instant::now();
    client.close();
    assert!(upstream.closed(0).await - left < PROMPT);
    assert_eq!(rig.settled().await["state"], "cancelled");
}

#[tokio::test]
async fn usage_that_came_before_the_client_left_is_kept() {
    let gate = Gate::new();
    let answer = Answer::events(&[
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":6,\"completion_tokens\":1,\"total_tokens\":7}}\n\n",
    ]);
    let (rig, upstream) = Rig::over(answer.pause(&gate)).await;
    let mut client = rig.send(&chat(STREAM_USAGE)).await;
    client.head().await;
    client.event().await.unwrap();
    client.close();
    upstream.closed(0).await;
    let row = rig.settled().await;
    assert_eq!(
        (&row["state"], &row["prompt_tokens"]),
        (&json!("cancelled"), &json!(6)),
        "{row}"
    );
}

#[tokio::test]
async fn a_client_that_closes_right_after_the_last_event_did_not_cancel() {
    let gate = Gate::new();
    let events = openai::stream_events(&["x"], Some((3, 1)));
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let (rig, _upstream) = Rig::over(Answer::events(&events).pause(&gate)).await;
    let mut client = rig.send(&chat(STREAM_USAGE)).await;
    client.head().await;
    while client.event().await.unwrap() != openai::DONE {}
    client.close();
    let row = rig.settled().await;
    assert_eq!(
        (&row["state"], &row["total_tokens"]),
        (&json!("completed"), &json!(4)),
        "{row}"
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_is_never_dressed_up() {
    let begun = Answer::events(&[&openai::delta_event("a"), &openai::delta_event("b")]);
    let (rig, _upstream) = Rig::over(begun.cut()).await;
    let response = rig.chat(STREAM).await;
    assert_eq!(assert_interrupted(&rig, &response).await.len(), 2);
    assert_eq!(response.body.ending, Ending::Complete);
}

#[tokio::test]
async fn a_stream_that_is_reset_is_never_dressed_up() {
    let gate = Gate::new();
    let answer = Answer::events(&[&openai::delta_event("a")])
        .pause(&gate)
        .reset();
    let (rig, _upstream) = Rig::over(answer).await;
    let mut client = rig.send(&chat(STREAM)).await;
    let head = client.head().await;
    client.event().await.unwrap();
    gate.open();
    let response = RawResponse {
        head,
        body: client.body().await,
    };
    assert_eq!(assert_interrupted(&rig, &response).await.len(), 0);
}

#[tokio::test]
async fn a_stream_that_is_cut_inside_an_event_shows_no_half_of_it() {
    let half = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ha";
    for answer in [
        Answer::events(&[&openai::delta_event("a"), half]).cut(),
        Answer::events(&[&openai::delta_event("a"), half]).end(),
    ] {
        let (rig, _upstream) = Rig::over(answer).await;
        let response = rig.chat(STREAM).await;
        assert_eq!(assert_interrupted(&rig, &response).await.len(), 1);
    }
}

#[tokio::test]
async fn a_stream_that_ends_in_good_order_but_too_early_is_interrupted() {
    let (rig, _upstream) = Rig::over(Answer::events(&[&openai::delta_event("a")]).end()).await;
    let response = rig.chat(STREAM).await;
    assert_eq!(assert_interrupted(&rig, &response).await.len(), 1);
}

#[tokio::test]
async fn a_plain_answer_that_is_cut_is_an_error() {
    let head = [
        ("content-type", "application/json"),
        ("content-length", "100"),
    ];
    for cut in [Answer::cut, Answer::reset] {
        let (rig, _upstream) =
            Rig::over(cut(Answer::new().head(200, &head).bytes("{\"id\":"))).await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, 502, "{}", response.body.text());
        assert_eq!(response.body.json()["error"]["type"], "upstream_error");
        let row = rig.row(&response).await;
        assert_eq!(
            (&row["state"], &row["status"]),
            (&json!("failed"), &json!(502))
        );
    }
}

#[tokio::test]
async fn an_empty_success_is_a_failure() {
    let answers = [
        (PLAIN, Answer::json(200, "")),
        (PLAIN, Answer::json(200, " \n")),
        (STREAM, Answer::events(&[]).end()),
        (STREAM, Answer::events(&[": keep-alive\n\n"]).end()),
        (STREAM, Answer::json(200, "")),
        (STREAM, Answer::events(&[openai::DONE]).end()),
    ];
    for (body, answer) in answers {
        let (rig, _upstream) = Rig::over(answer.clone()).await;
        let response = rig.chat(body).await;
        assert_eq!(response.status, 502, "{answer:?}: {}", response.body.text());
        assert_error(
            &response.body.json(),
            "upstream_error",
            "upstream_invalid_response",
        );
        assert_eq!(rig.row(&response).await["state"], "failed");
    }
}

#[tokio::test]
async fn a_first_event_that_is_an_error_is_a_failed_attempt() {
    let cases = [
        (
            r#"{"error":{"message":"overloaded","type":"x","code":429}}"#,
            429,
        ),
        (
            r#"{"error":{"message":"overloaded","type":"overloaded_error","code":"overloaded"}}"#,
            503,
        ),
        (r#"{"error":{"message":"overloaded"}}"#, 502),
    ];
    for (error, status) in cases {
        let event = format!("data: {error}\n\n");
        let answer = Answer::events(&[": wait\n\n", &event, openai::DONE]).end();
        let (rig, _upstream) = Rig::over(answer).await;
        let response = rig.chat(STREAM).await;
        assert_eq!(response.status, status, "{error}");
        assert_eq!(response.body.json()["error"]["message"], "overloaded");
        let row = rig.row(&response).await;
        assert_eq!(
            (&row["state"], &row["status"]),
            (&json!("failed"), &json!(status))
        );
    }
}

#[tokio::test]
async fn a_later_error_passes_and_is_recorded() {
    let error = "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n";
    for rest in [&[error, openai::DONE][..], &[error]] {
        let answer = Answer::events(&[&openai::delta_event("a")]).sse(rest).end();
        let (rig, _upstream) = Rig::over(answer).await;
        let response = rig.chat(STREAM).await;
        assert!(
            response.body.text().contains(error),
            "{}",
            response.body.text()
        );
        let row = rig.row(&response).await;
        assert_eq!(
            (&row["state"], &row["status"]),
            (&json!("failed"), &json!(200))
        );
    }
}

#[tokio::test]
async fn a_later_error_in_the_same_packet_is_not_taken_for_the_first_event() {
    let error = "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n";
    let both = format!("{}{error}", openai::delta_event("a"));
    let (rig, _upstream) = Rig::over(Answer::events(&[&both]).end()).await;
    let response = rig.chat(STREAM).await;
    assert_eq!((response.status, response.body.text()), (200, &*both));
    assert_eq!(rig.row(&response).await["state"], "failed");
}
