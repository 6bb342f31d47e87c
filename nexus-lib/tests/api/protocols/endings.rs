//! Failed answers, in the client's protocol.

use nexus_lib::testing::{Answer, openai};
use serde_json::json;

use super::{MESSAGE, MESSAGE_EVENTS, add, datas, over, post, stream_of};
use crate::support::{KEY, Rig, chat};

const MESSAGES: &str =
    r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
const MESSAGES_STREAM: &str =
    r#"{"model":"m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
const CHAT_STREAM: &str =
    r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const OVERLOADED: &str =
    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;

#[tokio::test]
async fn errors_keep_their_words_in_the_other_protocol() {
    let refused = r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too many"}}"#;
    let (rig, _upstream) = over("anthropic", json!({}), Answer::json(400, refused)).await;
    let response = rig.chat(CHAT_STREAM).await;
    assert_eq!(response.status, 400);
    let error = &response.body.json()["error"];
    assert_eq!(error["message"], "max_tokens: too many");
    assert_eq!(error["type"], "invalid_request_error");
    let row = rig.row(&response).await;
    assert_eq!(
        (&row["state"], &row["error"]),
        (&json!("failed"), &json!("max_tokens: too many"))
    );

    let limited = openai::error("slow down", "tokens", "rate_limit_exceeded").to_string();
    let answer = Answer::fixed(
        429,
        &[("content-type", "application/json"), ("retry-after", "7")],
        limited,
    );
    let (rig, _upstream) = over("openai", json!({}), answer).await;
    let response = rig.ask(&post("/v1/messages", MESSAGES)).await;
    assert_eq!(
        (response.status, response.header("retry-after")),
        (429, Some("7"))
    );
    let error = response.body.json();
    assert_eq!(error["type"], "error");
    assert_eq!(error["error"]["type"], "rate_limit_error");
    assert_eq!(error["error"]["message"], "slow down");
}

#[tokio::test]
async fn an_overloaded_provider_hands_over_to_one_of_another_kind() {
    for overloaded in [
        Answer::json(529, OVERLOADED),
        stream_of(&[&format!("event: error\ndata: {OVERLOADED}\n\n")]),
    ] {
        let (rig, first) = over("anthropic", json!({"priority": -1}), overloaded).await;
        let second = rig
            .add_upstream("Second", 0, openai::server(&["fine"], 1, 1))
            .await;
        let response = rig.chat(CHAT_STREAM).await;
        assert!(
            response.body.text().contains("fine"),
            "{}",
            response.body.text()
        );
        assert_eq!(response.header("x-nexus-provider"), Some("Second"));
        assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
        assert_eq!(rig.row(&response).await["attempts"], 2);
    }
}

#[tokio::test]
async fn a_first_event_that_is_an_error_is_an_answer_with_its_status() {
    let event = format!("event: error\ndata: {OVERLOADED}\n\n");
    let (rig, _upstream) = over("anthropic", json!({}), stream_of(&[&event])).await;
    let response = rig.chat(CHAT_STREAM).await;
    assert_eq!(response.status, 503);
    assert_eq!(response.body.json()["error"]["message"], "Overloaded");
    let response = rig.ask(&post("/v1/messages", MESSAGES_STREAM)).await;
    assert_eq!(response.status, 529);
    assert_eq!(response.body.text(), OVERLOADED);
}

#[tokio::test]
async fn a_later_error_is_sent_as_one_and_the_row_has_failed() {
    let event = format!("event: error\ndata: {OVERLOADED}\n\n");
    let mut events = MESSAGE_EVENTS[..4].to_vec();
    events.push(&event);
    let (rig, _upstream) = over("anthropic", json!({}), stream_of(&events)).await;
    let response = rig.chat(CHAT_STREAM).await;
    let last = datas(response.body.text()).pop().unwrap();
    assert_eq!(last["error"]["message"], "Overloaded", "{last}");
    assert!(!response.body.text().contains("[DONE]"));
    let row = rig.row(&response).await;
    assert_eq!(
        (&row["state"], &row["error"]),
        (&json!("failed"), &json!("Overloaded"))
    );
}

#[tokio::test]
async fn a_cut_stream_is_never_dressed_up_in_any_protocol() {
    let cut = Answer::events(&MESSAGE_EVENTS[..4]).cut();
    for kind in ["anthropic", "openai"] {
        // Passed through to one client, translated for the others.
        let answer = match kind {
            "openai" => Answer::events(&[&openai::delta_event("Hel")]).cut(),
            _ => cut.clone(),
        };
        let (rig, _upstream) = over(kind, json!({}), answer).await;
        let chunks = rig.chat(CHAT_STREAM).await;
        let last = datas(chunks.body.text()).pop().unwrap();
        assert_eq!(
            last["error"]["code"], "stream_interrupted",
            "{kind}: {last}"
        );

        let events = rig.ask(&post("/v1/messages", MESSAGES_STREAM)).await;
        let text = events.body.text();
        assert!(!text.contains("message_stop"), "{kind}: {text}");
        let last = datas(text).pop().unwrap();
        assert_eq!(last["type"], "error", "{kind}: {last}");
        assert!(text.contains("event: error\n"), "{kind}: {text}");

        let body = r#"{"model":"m","stream":true,"input":"hi"}"#;
        let events = rig.ask(&post("/v1/responses", body)).await;
        let text = events.body.text();
        assert!(!text.contains("response.completed"), "{kind}: {text}");
        let told = datas(text);
        let last = told.last().unwrap();
        assert_eq!(last["type"], "error", "{kind}: {last}");
        assert_eq!(last["sequence_number"], told.len() - 1, "{kind}: {text}");
        for row in rig.rows().await {
            assert_eq!(row["state"], "failed", "{row}");
            assert_eq!(row["usage_source"], "estimated", "{row}");
            assert!(row["completion_tokens"].as_u64().unwrap() > 0, "{row}");
            if kind == "anthropic" {
                // Sent before there was an answer.
                assert_eq!(
                    (&row["prompt_tokens"], &row["cached_tokens"]),
                    (&json!(15), &json!(2))
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_is_the_providers_failure() {
    for answer in [
        Answer::json(200, "[]"),
        Answer::json(200, " "),
        Answer::json(200, r#"{"content":"no list"}"#),
        stream_of(&[": nothing\n\n"]),
    ] {
        let rig = Rig::start().await;
        add(&rig, "anthropic", json!({}), answer).await;
        let body = CHAT_STREAM.replace("true", "false");
        let response = rig.ask(&chat(body)).await;
        assert_eq!(response.status, 502, "{}", response.body.text());
    }
}

#[tokio::test]
async fn a_refused_key_is_the_gateways_and_is_repeated_nowhere() {
    let refused = r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#;
    for (kind, status, body) in [
        ("gemini", 400, refused),
        ("anthropic", 401, "{}"),
        ("ollama", 403, "{}"),
    ] {
        let (rig, _upstream) = over(kind, json!({}), Answer::json(status, body)).await;
        let response = rig.chat(CHAT_STREAM.replace("true", "false")).await;
        assert_eq!(response.status, 502, "{kind}");
        assert_eq!(
            response.body.json()["error"]["code"],
            "upstream_auth_failed"
        );
    }
    let repeats = format!(
        r#"{{"type":"error","error":{{"type":"api_error","message":"bad {}"}}}}"#,
        crate::support::SERVER_KEY
    );
    let (rig, _upstream) = over("anthropic", json!({}), Answer::json(400, repeats)).await;
    let response = rig.chat(CHAT_STREAM).await;
    assert!(!response.body.text().contains(crate::support::SERVER_KEY));
    assert!(
        !rig.row(&response)
            .await
            .to_string()
            .contains(crate::support::SERVER_KEY)
    );
    assert!(!response.body.text().contains(KEY));
}

#[tokio::test]
async fn an_answer_that_is_whole_is_whole_without_usage_too() {
    let bare = MESSAGE.replace(r#","usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":5}"#, "");
    let (rig, _upstream) = over("anthropic", json!({}), Answer::json(200, bare)).await;
    let response = rig.ask(&post("/v1/messages", MESSAGES)).await;
    assert_eq!(response.status, 200);
    let row = rig.row(&response).await;
    assert_eq!(
        (&row["state"], &row["usage_source"]),
        (&json!("completed"), &json!("estimated"))
    );
    assert!(row["prompt_tokens"].as_u64().unwrap() > 0, "{row}");
    assert!(row["completion_tokens"].as_u64().unwrap() > 0, "{row}");
}
