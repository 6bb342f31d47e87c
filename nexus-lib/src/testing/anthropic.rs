//! Standard answers of Anthropic's Messages.
//!
//! Source: <https://docs.anthropic.com/en/api/messages-streaming>.

use serde_json::json;

use super::UpstreamAnswers;

/// "Hello there", and a refusal.
pub fn answers() -> UpstreamAnswers {
    let usage = json!({"input_tokens": 7, "output_tokens": 1});
    let message = json!({
        "id": "msg_01", "type": "message", "role": "assistant", "model": "fake-model",
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    let mut whole = message.clone();
    whole["content"] = json!([{"type": "text", "text": "Hello there"}]);
    whole["stop_reason"] = json!("end_turn");
    whole["usage"]["output_tokens"] = json!(2);
    let delta = |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let events = [
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
        delta("Hello"),
        delta(" there"),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop"}),
    ];
    let events = events.iter().map(|event| {
        let name = event["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    });
    let refusal = json!({
        "type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"},
    });
    UpstreamAnswers::new("Hello there", whole.to_string())
        .streamed(events)
        .refusing(529, refusal.to_string())
}
