//! Standard answers of an OpenAI-compatible server.

use serde_json::{Value, json};

use super::{Answer, RecordedRequest, Script, UpstreamAnswers};

/// The last event of a stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// A server that answers `words`: as a completion, or as a stream with one delta per word if the
/// request asks for one, with usage if the request asks for it. Everything else in the request is
/// ignored.
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

/// A whole stream, as by [`stream_events`].
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

/// The events of a stream: one for each delta, one with the finish reason, one with usage if
/// `usage` (prompt and completion tokens) is given, and [`DONE`].
///
/// As with OpenAI, the events before carry `"usage":null` if there is a usage event.
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

/// The event at the end of a stream with usage.
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

/// "Hello there", in chat completions, and a refusal.
pub fn answers() -> UpstreamAnswers {
    let refusal = error("slow down", "tokens", "rate_limit_exceeded");
    UpstreamAnswers::new("Hello there", completion("Hello there", 7, 2).to_string())
        .streamed(stream_events(&["Hello", " there"], Some((7, 2))))
        .refusing(429, refusal.to_string())
}

/// "Hello there", in Responses, and a refusal.
///
/// Source: <https://platform.openai.com/docs/api-reference/responses-streaming>.
pub fn response_answers() -> UpstreamAnswers {
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let item = |content: Value, status: &str| json!({"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": content});
    let response = |output: Value, status: &str, usage: Value| {
        json!({
            "id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": status,
            "model": "fake-model", "output": output, "usage": usage,
        })
    };
    let said = item(json!([part("Hello there")]), "completed");
    let usage = json!({"input_tokens": 7, "output_tokens": 2, "total_tokens": 9});
    let whole = response(json!([said]), "completed", usage);
    let begun = response(json!([]), "in_progress", Value::Null);
    let delta = |text: &str| {
        json!({
            "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0,
            "content_index": 0, "delta": text,
        })
    };
    let events = [
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item(json!([]), "in_progress")}),
        json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": part("")}),
        delta("Hello"),
        delta(" there"),
        json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": "Hello there"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": said}),
        json!({"type": "response.completed", "response": whole}),
    ];
    let events = events.iter().enumerate().map(|(number, event)| {
        let mut event = event.clone();
        event["sequence_number"] = json!(number);
        let name = event["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    });
    let refusal = error("slow down", "tokens", "rate_limit_exceeded");
    UpstreamAnswers::new("Hello there", whole.to_string())
        .streamed(events)
        .refusing(429, refusal.to_string())
}

fn usage(prompt_tokens: u64, completion_tokens: u64) -> Value {
    json!({
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    })
}
