//! A request is scanned once, and parsed at most once, whatever is done with it.

use nexus_lib::archive::Archive;
use nexus_lib::testing::{Answer, BodyReads, Script};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::layer::layer_fn;
use tower::{ServiceExt, service_fn};

use super::{datas, post};
use crate::support::Rig;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";

/// A gateway where everybody reads what is asked: conversations, a layer, the archive and, since
/// its upstreams report no tokens, the estimate.
async fn curious() -> (Rig, TempDir) {
    let folder = TempDir::new().unwrap();
    let archive = Archive::open(folder.path(), None).unwrap();
    let rig = Rig::with(|builder| {
        builder.archive(Some(archive)).layer_replies(layer_fn(
            |inner: nexus_lib::gateway::ReplyService| {
                service_fn(move |routed: nexus_lib::call::Routed| {
                    let inner = inner.clone();
                    async move {
                        assert_eq!(routed.as_chat()?.messages.len(), 3);
                        inner.oneshot(routed).await
                    }
                })
            },
        ))
    })
    .await;
    (rig, folder)
}

/// The opening of a conversation, a reply, and `text`, which no other test says.
fn body(path: &str, text: &str, stream: bool) -> String {
    let said = |kind: &str, text: &str| json!([{"type": kind, "text": text}]);
    let (name, kinds) = match path {
        RESPONSES => ("input", ["input_text", "output_text"]),
        _ => ("messages", ["text", "text"]),
    };
    let turns = json!([
        {"role": "user", "content": said(kinds[0], "hi")},
        {"role": "assistant", "content": said(kinds[1], "ok")},
        {"role": "user", "content": said(kinds[0], text)},
    ]);
    let mut body = json!({"model": "m", "stream": stream, name: turns});
    if path == MESSAGES {
        body["max_tokens"] = json!(99);
        // Reasoning that is Anthropic's own.
        let thought = json!({"type": "thinking", "thinking": "hm", "signature": "EqQB"});
        body["messages"][1]["content"] = json!([thought, {"type": "text", "text": "ok"}]);
    }
    body.to_string()
}

/// "ok" without figures, in the protocol of the request's path, whole or streamed.
fn wordy() -> Script {
    Script::by(|request| {
        let stream = request.wants_stream() || request.target.contains("streamGenerate");
        let target = &request.target;
        let (whole, events) = if target.contains("/messages") {
            let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null});
            let mut whole = message.clone();
            whole["content"] = json!([{"type": "text", "text": "ok"}]);
            whole["stop_reason"] = json!("end_turn");
            let events = vec![
                json!({"type": "message_start", "message": message}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}}),
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
                json!({"type": "message_stop"}),
            ];
            (whole, events)
        } else if target.contains("/responses") {
            let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "ok", "annotations": []}]});
            let whole = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [item]});
            let events = vec![
                json!({"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}),
                json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "msg_1", "role": "assistant", "content": []}}),
                json!({"type": "response.output_text.delta", "output_index": 0, "item_id": "msg_1", "content_index": 0, "delta": "ok"}),
                json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
                json!({"type": "response.completed", "response": whole}),
            ];
            (whole, events)
        } else if target.contains("enerateContent") {
            let whole = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP", "index": 0}]});
            (whole.clone(), vec![whole])
        } else {
            let choice = |name: &str, finish: Value| json!({"id": "c", "object": "x", "created": 1, "model": "m", "choices": [{"index": 0, name: {"role": "assistant", "content": "ok"}, "finish_reason": finish}]});
            (
                choice("message", json!("stop")),
                vec![choice("delta", json!("stop")), json!("[DONE]")],
            )
        };
        if !stream {
            return Answer::json(200, whole.to_string());
        }
        let events: Vec<String> = events
            .iter()
            .map(|event| match (event.as_str(), event["type"].as_str()) {
                (Some(text), _) => format!("data: {text}\n\n"),
                (_, Some(name)) => format!("event: {name}\ndata: {event}\n\n"),
                _ => format!("data: {event}\n\n"),
            })
            .collect();
        Answer::events(&events.iter().map(String::as_str).collect::<Vec<_>>()).end()
    })
}

/// Asks, and checks that everybody has read it.
async fn ask(rig: &Rig, path: &str, text: &str, stream: bool) {
    let response = rig.ask(&post(path, body(path, text, stream))).await;
    let answer = response.body.text().to_owned();
    assert_eq!(response.status, 200, "{path}: {answer}");
    assert!(answer.contains("ok"), "{path}: {answer}");
    assert!(!stream || !datas(&answer).is_empty());
    let row = rig.row(&response.head).await;
    assert_eq!(row["usage_source"], "estimated", "{path}: {row}");
    assert!(row["prompt_tokens"].as_u64().unwrap() > 10, "{path}: {row}");
    let id = response.header("x-conversation-id").unwrap();
    let kept = rig.read(&format!("/stats/conversation/{id}")).await;
    let said = &kept["messages"][0]["messages"][2]["content"];
    assert!(said.to_string().contains(text), "{path}: {kept}");
}

#[tokio::test]
async fn whoever_asks_a_request_is_scanned_once_and_parsed_once() {
    for (kind, fields, path, parses) in [
        ("anthropic", json!({}), CHAT, 1),
        ("gemini", json!({}), CHAT, 1),
        ("openai", json!({"protocols": ["messages"]}), CHAT, 1),
        ("openai", json!({"protocols": ["responses"]}), CHAT, 1),
        ("openai", json!({"protocols": ["chat"]}), MESSAGES, 1),
        ("gemini", json!({}), MESSAGES, 1),
        ("openai", json!({"protocols": ["responses"]}), MESSAGES, 1),
        ("openai", json!({"protocols": ["chat"]}), RESPONSES, 1),
        ("anthropic", json!({}), RESPONSES, 1),
        ("gemini", json!({}), RESPONSES, 1),
        // What passes through is parsed for its conversation, if the scan does not tell it.
        ("openai", json!({}), CHAT, 0),
        ("anthropic", json!({}), MESSAGES, 1),
        ("openai", json!({"protocols": ["responses"]}), RESPONSES, 1),
    ] {
        let (rig, _folder) = curious().await;
        let mut all = json!({"kind": kind});
        let fields = fields.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(fields.clone());
        let _upstream = rig.add_upstream_with("Fake", all, wordy()).await;
        for stream in [false, true] {
            let text = format!("said once {kind} {fields:?} {path} {stream}").replace('"', "");
            let reads = BodyReads::of(&text);
            ask(&rig, path, &text, stream).await;
            assert_eq!((reads.scans(), reads.parses()), (1, parses), "{text}");
        }
    }
}

#[tokio::test]
async fn every_candidate_is_asked_from_one_reading() {
    for path in [CHAT, MESSAGES, RESPONSES] {
        let (rig, _folder) = curious().await;
        let failing = Answer::json(500, "{}");
        let mut failed = Vec::new();
        for (name, kind, priority) in [("A", "anthropic", 0), ("B", "openai", 1)] {
            let fields = json!({"kind": kind, "priority": priority, "protocols": ["chat"]});
            let fields = match kind {
                "anthropic" => json!({"kind": kind, "priority": priority}),
                _ => fields,
            };
            failed.push(rig.add_upstream_with(name, fields, failing.clone()).await);
        }
        let fields = json!({"kind": "gemini", "priority": 2});
        let last = rig.add_upstream_with("C", fields, wordy()).await;
        let text = format!("said to three {path}");
        let reads = BodyReads::of(&text);
        ask(&rig, path, &text, false).await;
        assert!(
            failed
                .iter()
                .all(|upstream| !upstream.requests().is_empty())
        );
        assert_eq!(last.requests().len(), 1);
        assert!(last.requests()[0].json().to_string().contains(&text));
        // A request that passes through is not parsed, and nobody else parses it again.
        assert_eq!((reads.scans(), reads.parses()), (1, 1), "{path}");
    }
}

#[tokio::test]
async fn an_unreadable_request_gets_its_error_whoever_reads_it_first() {
    for (path, body) in [
        (
            CHAT,
            r#"{"model":"m","messages":[{"role":"nobody at all"}]}"#,
        ),
        (
            MESSAGES,
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"nobody at all","content":"x"}]}"#,
        ),
        (
            RESPONSES,
            r#"{"model":"m","input":[{"role":"nobody at all","content":"x"}]}"#,
        ),
    ] {
        let rig = Rig::start().await;
        let _upstreams = [
            rig.add_upstream_with("A", json!({"kind": "gemini"}), wordy())
                .await,
            rig.add_upstream_with("B", json!({"kind": "gemini", "priority": 1}), wordy())
                .await,
        ];
        let reads = BodyReads::of("nobody at all");
        let response = rig.ask(&post(path, body)).await;
        let answer = response.body.text();
        assert_eq!(response.status, 400, "{answer}");
        assert!(answer.contains("[0].role"), "{answer}");
        assert_eq!((reads.scans(), reads.parses()), (1, 1), "{path}");
    }
}
