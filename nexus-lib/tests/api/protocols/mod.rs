//! Clients and providers with different protocols and with the same one: what each of them gets,
//! and what is on the ledger.

mod agents;
mod conversations;
mod endings;
mod passing;
mod read_once;
mod requests;
mod translated;
mod wanting;

use nexus_lib::testing::{Answer, FakeUpstream, RawRequest, Script};
use serde_json::{Value, json};

use crate::support::{KEY, Rig};

/// A message from Anthropic's reference.
const MESSAGE: &str = r#"{"id":"msg_01","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"Hello!"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":5}}"#;

/// The same as a stream.
const MESSAGE_EVENTS: [&str; 7] = [
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":3,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello!\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":5}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
];

/// A gateway over one provider of `kind`, registered with further `fields`.
async fn over(kind: &str, fields: Value, script: impl Into<Script>) -> (Rig, FakeUpstream) {
    let rig = Rig::start().await;
    let upstream = add(&rig, kind, fields, script).await;
    (rig, upstream)
}

async fn add(rig: &Rig, kind: &str, fields: Value, script: impl Into<Script>) -> FakeUpstream {
    let mut all = json!({"kind": kind});
    let fields = fields.as_object().expect("an object").clone();
    all.as_object_mut().expect("an object").extend(fields);
    rig.add_upstream_with("Fake", all, script).await
}

fn post(path: &str, body: impl Into<bytes::Bytes>) -> RawRequest {
    RawRequest::post(path)
        .header("x-api-key", KEY)
        .header("content-type", "application/json")
        .body(body)
}

/// The data of the events in `stream`, as JSON.
fn datas(stream: &str) -> Vec<Value> {
    let datas = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    datas
        .map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data)))
        .collect()
}

/// Checks a call's settled row.
async fn assert_row(rig: &Rig, operation: &str, tokens: [u64; 3]) -> Value {
    let row = rig.rows().await.remove(0);
    assert_eq!(row["operation"], operation, "{row}");
    assert_eq!(row["state"], "completed", "{row}");
    assert_eq!(row["usage_source"], "reported", "{row}");
    let figures = ["prompt_tokens", "completion_tokens", "total_tokens"].map(|name| &row[name]);
    assert_eq!(figures, tokens, "{row}");
    row
}

fn stream_of(events: &[&str]) -> Answer {
    Answer::events(events).end()
}
