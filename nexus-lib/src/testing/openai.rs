//! The usual answers of an OpenAI-compatible server.

use serde_json::{Value, json};

use super::{Answer, RecordedRequest, Script};

/// The last event of a stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// A server that says `words`: as a completion, or as a stream of one delta a word when the request
/// asks for one, with usage if the request asks for it. Nothing else of the request matters.
pub fn server(words: &[&str], prompt_tokens: u64, completion_tokens: u64) -> Script {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    Script::by(move |request| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if request.wants_stream() {
            stream(request, &words, prompt_tokens, completion_tokens)
        } else {
            let body = completion(&words.concat(), prompt_tokens, completion_tokens);
            Answer::json(200, body.to_string())
        }
    })
}

/// The body of a completion.
pub fn completion(text: &str, prompt_tokens: u64, completion_tokens: u64) -> Value {
    json!({
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "fake-model",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }],
        "usage": usage(prompt_tokens, completion_tokens),
    })
}

/// A whole stream, as [`stream_events`] has it.
pub fn stream(
    request: &RecordedRequest,
    deltas: &[&str],
    prompt_tokens: u64,
    completion_tokens: u64,
) -> Answer {
    let asked = request.wants_stream_usage();
    let usage = asked.then_some((prompt_tokens, completion_tokens));
    let events = stream_events(deltas, usage);
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    Answer::events(&events).end()
}

/// The events of a stream: one for each delta, one with the finish reason, one with usage if `usage`
/// (prompt and completion tokens) is given, and [`DONE`].
///
/// As OpenAI does, the events before carry `"usage":null` when there is a usage event.
pub fn stream_events(deltas: &[&str], usage: Option<(u64, u64)>) -> Vec<String> {
    let chunk = |delta: Value, finish: Option<&str>| {
        let mut chunk = json!({
            "id": "chatcmpl-fake",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": "fake-model",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        });
        if usage.is_some() {
            chunk["usage"] = Value::Null;
        }
        format!("data: {chunk}\n\n")
    };
    let mut events: Vec<String> = deltas
        .iter()
        .map(|text| chunk(json!({"content": text}), None))
        .collect();
    events.push(chunk(json!({}), Some("stop")));
    if let Some((prompt, completion)) = usage {
        events.push(usage_event(prompt, completion));
    }
    events.push(DONE.to_owned());
    events
}

/// The event that ends a stream whose usage was asked for.
pub fn usage_event(prompt_tokens: u64, completion_tokens: u64) -> String {
    let chunk = json!({
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "fake-model",
        "choices": [],
        "usage": usage(prompt_tokens, completion_tokens),
    });
    format!("data: {chunk}\n\n")
}

/// One event with a delta of text.
pub fn delta_event(text: &str) -> String {
    stream_events(&[text], None).swap_remove(0)
}

/// The body of an error.
pub fn error(message: &str, kind: &str, code: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

fn usage(prompt_tokens: u64, completion_tokens: u64) -> Value {
    json!({
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    })
}
