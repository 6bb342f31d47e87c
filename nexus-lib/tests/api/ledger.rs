//! The content of the ledger, and when it is written.

use nexus_lib::testing::{Answer, Gate, openai};
use serde_json::json;

use crate::support::{MODEL, PLAIN, Rig, STREAM, STREAM_USAGE, chat, fields};

#[tokio::test]
async fn a_plain_request_has_a_whole_row() {
    let body = json!({
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 60},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
    });
    let (rig, _upstream) = Rig::over(Answer::json(200, body.to_string())).await;
    let response = rig.chat(PLAIN).await;
    let row = rig.row(&response).await;
    let names = [
        "attempts",
        "cached_tokens",
        "completion_tokens",
        "conversation_id",
        "duration_ms",
        "error",
        "first_token_ms",
        "key",
        "key_id",
        "model",
        "operation",
        "project_id",
        "prompt_tokens",
        "provider",
        "provider_id",
        "reasoning_tokens",
        "request_id",
        "started_at",
        "state",
        "status",
        "stream",
        "total_tokens",
        "upstream_model",
        "usage_source",
    ];
    assert_eq!(fields(&row), names);
    let expected = json!({
        "provider": "Fake", "provider_id": 1, "model": MODEL, "upstream_model": null,
        "stream": false, "state": "completed", "usage_source": "reported", "status": 200,
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "cached_tokens": 60,
        "reasoning_tokens": 20, "attempts": 1, "error": null,
        "key_id": 1, "key": "Fake", "project_id": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&row[name], value, "{name}");
    }
    assert_eq!(
        row["conversation_id"],
        response.header("x-conversation-id").unwrap()
    );
    assert!(row["started_at"].as_str().unwrap().ends_with('Z'));
    assert!(row["first_token_ms"].as_u64().unwrap() <= row["duration_ms"].as_u64().unwrap());
}

#[tokio::test]
async fn usage_is_what_was_reported_whether_the_client_asked_or_not() {
    let (rig, _upstream) = Rig::over(openai::server(&["Hel", "lo"], 21, 9)).await;
    for (body, stream) in [(PLAIN, false), (STREAM, true), (STREAM_USAGE, true)] {
        let row = rig.row(&rig.chat(body).await.head).await;
        assert_eq!(row["stream"], stream);
        assert_eq!(row["state"], "completed");
        assert_eq!(row["usage_source"], "reported");
        assert_eq!(row["prompt_tokens"], 21);
        assert_eq!(row["completion_tokens"], 9);
        assert_eq!(row["total_tokens"], 30);
    }
}

#[tokio::test]
async fn a_row_is_open_before_the_first_byte_and_settled_before_the_last_event() {
    let (first, last) = (Gate::new(), Gate::new());
    let events = openai::stream_events(&["a", "b"], Some((5, 2)));
    let rest: Vec<&str> = events[1..].iter().map(String::as_str).collect();
    let answer = Answer::events(&[&events[0]])
        .pause(&first)
        .sse(&rest)
        .pause(&last)
        .end();
    let (rig, _upstream) = Rig::over(answer).await;

    let mut client = rig.send(&chat(STREAM_USAGE)).await;
    let head = client.head().await;
    client.event().await.unwrap();
    let row = rig.row(&head).await;
    assert_eq!(row["state"], "open");
    assert_eq!(row["total_tokens"], 0);
    assert_eq!(row["duration_ms"], json!(null));

    first.open();
    while client.event().await.unwrap() != openai::DONE {}
    // The upstream has not ended its answer, and the usage is there already.
    let row = rig.row(&head).await;
    assert_eq!(
        (&row["state"], &row["total_tokens"]),
        (&json!("completed"), &json!(7))
    );

    last.open();
    assert_eq!(client.event().await, None);
    assert_eq!(rig.row(&head).await["state"], "completed");
}

#[tokio::test]
async fn a_row_is_settled_before_the_error_that_ends_a_stream() {
    let error = "data: {\"error\":{\"message\":\"in the middle\",\"code\":\"x\"}}\n\n";
    // The upstream sends nothing more, and does not end its answer either.
    let answer = Answer::events(&[&openai::delta_event("a"), error]).hang();
    let (rig, _upstream) = Rig::over(answer).await;
    let mut client = rig.send(&chat(STREAM)).await;
    let head = client.head().await;
    while client.event().await.unwrap() != error {}
    let row = rig.row(&head).await;
    assert_eq!(
        (&row["state"], &row["error"], &row["usage_source"]),
        (
            &json!("failed"),
            &json!("in the middle"),
            &json!("estimated")
        ),
        "{row}"
    );
}

#[tokio::test]
async fn a_row_is_open_when_the_head_of_a_stream_is_seen() {
    let gate = Gate::new();
    let answer = Answer::events(&[&openai::delta_event("a")]).pause(&gate);
    let (rig, _upstream) = Rig::over(answer).await;
    let mut client = rig.send(&chat(STREAM)).await;
    let head = client.head().await;
    assert_eq!(rig.row(&head).await["state"], "open");
    let open = rig.read("/stats/requests?state=open").await;
    assert_eq!(open["requests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_last_usage_wins_and_zero_is_a_figure() {
    let usage = |prompt, completion| openai::usage_event(prompt, completion);
    let events = openai::stream_events(&["a"], None);
    let many = [
        &*events[0],
        &usage(1, 1),
        &events[1],
        &usage(8, 0),
        openai::DONE,
    ];
    let (rig, _upstream) = Rig::over(Answer::events(&many).end()).await;
    let row = rig.row(&rig.chat(STREAM_USAGE).await.head).await;
    assert_eq!(
        (&row["prompt_tokens"], &row["completion_tokens"]),
        (&json!(8), &json!(0))
    );
    assert_eq!(row["usage_source"], "reported");
}

#[tokio::test]
async fn what_was_not_reported_is_not_called_reported() {
    let events = openai::stream_events(&["a"], None);
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let (rig, _upstream) = Rig::over(Answer::events(&events).end()).await;
    let row = rig.row(&rig.chat(STREAM).await.head).await;
    assert_eq!(row["state"], "completed");
    assert_ne!(row["usage_source"], "reported");
}

#[tokio::test]
async fn a_refused_request_is_a_failed_row() {
    let body = openai::error("no such parameter", "invalid_request_error", "bad").to_string();
    let (rig, _upstream) = Rig::over(Answer::json(400, body)).await;
    let row = rig.row(&rig.chat(PLAIN).await.head).await;
    assert_eq!(
        (&row["state"], &row["status"]),
        (&json!("failed"), &json!(400))
    );
    assert_eq!(row["usage_source"], "none");
    assert!(row["error"].is_string(), "{row}");
}

#[tokio::test]
async fn totals_add_up() {
    let rig = Rig::start().await;
    let refused = Answer::json(400, "{}");
    let _one = rig
        .add_upstream("One", 0, openai::server(&["x"], 10, 5))
        .await;
    let two = nexus_lib::testing::FakeUpstream::start(refused).await;
    let provider = json!({
        "name": "Two", "server_url": two.url(), "server_key": "", "personalized_key": "key-of-two",
    });
    let id = rig.create("/providers", provider).await;
    rig.create(
        "/provider_models",
        json!({"provider_id": id, "model_name": "n"}),
    )
    .await;

    for _ in 0..2 {
        rig.ask(&chat(PLAIN).header("x-conversation-id", "c1"))
            .await;
    }
    rig.ask(&chat(STREAM).header("x-conversation-id", "c2"))
        .await;
    let other = nexus_lib::testing::RawRequest::post("/v1/chat/completions").bearer("key-of-two");
    let other = other
        .header("x-conversation-id", "c3")
        .body(r#"{"model":"n","messages":[]}"#);
    assert_eq!(rig.ask(&other).await.status, 400);

    let mut totals = rig.read("/stats/total").await;
    // Durations are checked by other tests.
    for name in ["now", "latency_ms", "first_token_ms"] {
        assert!(totals.as_object_mut().unwrap().remove(name).is_some());
    }
    let expected = json!({
        "total_conversations": 3, "total_rounds": 3, "requests": 4, "errors": 1,
        "prompt_tokens": 30, "completion_tokens": 15, "total_tokens": 45,
        "cached_tokens": 0, "reasoning_tokens": 0,
        "by_provider": [
            {"provider_id": 1, "provider": "One", "requests": 3, "prompt_tokens": 30, "completion_tokens": 15, "total_tokens": 45},
            {"provider_id": 2, "provider": "Two", "requests": 1, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        ],
        "by_model": [
            {"model": "m", "requests": 3, "prompt_tokens": 30, "completion_tokens": 15, "total_tokens": 45},
            {"model": "n", "requests": 1, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        ],
        "by_key": [
            {"key_id": 1, "key": "One", "requests": 3, "prompt_tokens": 30, "completion_tokens": 15, "total_tokens": 45},
            {"key_id": 2, "key": "Two", "requests": 1, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        ],
    });
    assert_eq!(totals, expected);
}

#[tokio::test]
async fn a_conversation_has_its_rows_oldest_first() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 10, 5)).await;
    let mut ids = Vec::new();
    for body in [PLAIN, STREAM] {
        let response = rig
            .ask(&chat(body).header("x-conversation-id", "talk-1"))
            .await;
        ids.push(json!(response.header("x-request-id").unwrap()));
    }
    rig.chat(PLAIN).await;
    let talk = rig.read("/stats/conversation/talk-1").await;
    assert_eq!(
        (&talk["conversation_id"], &talk["rounds"]),
        (&json!("talk-1"), &json!(2))
    );
    assert_eq!(
        (&talk["prompt_tokens"], &talk["total_tokens"]),
        (&json!(20), &json!(30))
    );
    let rows = talk["requests"].as_array().unwrap();
    assert_eq!(
        rows.iter()
            .map(|row| row["request_id"].clone())
            .collect::<Vec<_>>(),
        ids
    );
    assert_eq!(
        rig.admin("GET", "/stats/conversation/unknown", None)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_ledger_outlives_a_provider() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 10, 5)).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(rig.admin("DELETE", "/providers/1", None).await.status, 204);
    let row = rig.row(&response).await;
    assert_eq!(
        (&row["provider"], &row["total_tokens"]),
        (&json!("Fake"), &json!(15))
    );
}
