//! What upstreams really send, according to public reports: what each client gets, and what is on
//! the ledger.

mod answers;
mod codings;
mod lost;
mod shapes;
mod statuses;

use nexus_lib::testing::{Answer, FakeUpstream, RawRequest, RawResponse, Script, openai};
use serde_json::{Value, json};

use crate::support::{KEY, Rig};

/// A protocol that clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    Chat,
    Messages,
    Responses,
}

use Face::{Chat, Messages, Responses};

const FACES: [Face; 3] = [Chat, Messages, Responses];

impl Face {
    /// The smallest chat.
    fn request(self, is_stream: bool) -> RawRequest {
        let (path, mut body) = match self {
            Chat => ("/v1/chat/completions", json!({"messages": [user()]})),
            Messages => (
                "/v1/messages",
                json!({"max_tokens": 9, "messages": [user()]}),
            ),
            Responses => ("/v1/responses", json!({"input": "hi"})),
        };
        body["model"] = json!("m");
        body["stream"] = json!(is_stream);
        RawRequest::post(path)
            .header("x-api-key", KEY)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    /// The text of a stream or a whole answer.
    fn words(self, response: &RawResponse) -> String {
        let text = |json: &Value| json.as_str().unwrap_or_default().to_owned();
        let body = response.body.text();
        if let Ok(body) = serde_json::from_str::<Value>(body) {
            return match self {
                Chat => text(&body["choices"][0]["message"]["content"]),
                Messages => text(&body["content"][0]["text"]),
                Responses => text(&body["output"][0]["content"][0]["text"]),
            };
        }
        let words = datas(body).into_iter().map(|data| match self {
            Chat => text(&data["choices"][0]["delta"]["content"]),
            Messages => text(&data["delta"]["text"]),
            Responses if data["type"] == "response.output_text.delta" => text(&data["delta"]),
            Responses => String::new(),
        });
        words.collect()
    }

    /// Part of the final event of a complete stream.
    fn last(self) -> &'static str {
        match self {
            Chat => "data: [DONE]",
            Messages => "event: message_stop",
            Responses => "event: response.completed",
        }
    }

    /// Part of an error event of a stream.
    fn failure(self) -> &'static str {
        match self {
            Chat => "data: {\"error\":",
            Messages => "event: error",
            Responses => "event: response.failed",
        }
    }
}

fn user() -> Value {
    json!({"role": "user", "content": "hi"})
}

/// The data of the events in `stream`, as JSON.
fn datas(stream: &str) -> Vec<Value> {
    let datas = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    datas
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

/// A provider that speaks `protocol`, or is of that kind, with a gateway of its own.
async fn over(protocol: &str, script: impl Into<Script>) -> (Rig, FakeUpstream) {
    let rig = Rig::start().await;
    let upstream = add(&rig, "Fake", 0, protocol, script).await;
    (rig, upstream)
}

async fn add(
    rig: &Rig,
    name: &str,
    priority: i32,
    protocol: &str,
    script: impl Into<Script>,
) -> FakeUpstream {
    let fields = match protocol {
        "chat" | "messages" | "responses" => {
            json!({"kind": "openai", "protocols": [protocol], "priority": priority})
        }
        kind => json!({"kind": kind, "priority": priority}),
    };
    rig.add_upstream_with(name, fields, script).await
}

/// Chat events, including the final one.
fn chunks(chunks: &[Value]) -> Answer {
    let events: Vec<String> = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    Answer::events(&events).sse(&[openai::DONE]).end()
}

/// A chunk with one choice.
fn chunk(delta: Value, finish_reason: Value) -> Value {
    json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})
}

/// Asks a gateway whose first provider speaks `protocol` and answers with `first`: the client must
/// get the second one's answer, and only the first one must have failed.
async fn hands_over(protocol: &str, face: Face, is_stream: bool, first: &Answer) {
    let at = format!("{protocol} to {face:?}, stream {is_stream}");
    let rig = Rig::start().await;
    let _first = add(&rig, "First", 0, protocol, first.clone()).await;
    let _second = add(&rig, "Second", 1, "chat", openai::server(&["ok"], 4, 2)).await;
    let response = rig.ask(&face.request(is_stream)).await;
    assert_eq!(response.status, 200, "{at}: {}", response.body.text());
    assert_eq!(response.header("x-nexus-provider"), Some("Second"), "{at}");
    assert_eq!(face.words(&response), "ok", "{at}");

    let (rig, _upstream) = over(protocol, first.clone()).await;
    let response = rig.ask(&face.request(is_stream)).await;
    assert!(response.status >= 400, "{at}: {}", response.body.text());
    assert_eq!(rig.rows().await.remove(0)["state"], "failed", "{at}");
}
