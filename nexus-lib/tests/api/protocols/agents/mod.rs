//! Sessions of coding agents with providers of every kind.

mod codex;
mod custom_tools;
mod references;
mod sessions;

use nexus_lib::testing::{Answer, FakeUpstream, RecordedRequest, Script};
use serde_json::{Value, json};

use super::add;
use crate::support::Rig;

/// Kinds of providers without a Responses API.
pub(super) const KINDS: [&str; 5] = ["openai", "anthropic", "gemini", "ollama", "xai"];

/// An answer of a scripted model.
#[derive(Clone)]
pub(super) enum Says {
    Text(&'static str),
    /// Text, and a call of a tool with these arguments.
    Calls(&'static str, Value),
}

/// A provider of `kind` with these answers in turn; the last one repeats forever.
pub(super) async fn model(rig: &Rig, kind: &'static str, says: Vec<Says>) -> FakeUpstream {
    let script = Script::by(move |request| {
        let at = request.index.min(says.len() - 1);
        answer(kind, request, &says[at])
    });
    add(rig, kind, json!({}), script).await
}

fn answer(kind: &str, request: &RecordedRequest, says: &Says) -> Answer {
    let is_stream = match kind {
        "gemini" => request.target.contains("streamGenerateContent"),
        "ollama" => request.json()["stream"] != false,
        _ => request.json()["stream"] == true,
    };
    match kind {
        "anthropic" => anthropic(is_stream, says),
        "gemini" => gemini(is_stream, says),
        "ollama" => ollama(is_stream, says),
        _ => chat(is_stream, says),
    }
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// A text in pieces of a few characters.
fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters
        .chunks(7)
        .map(|piece| piece.iter().collect())
        .collect()
}

fn chat(is_stream: bool, says: &Says) -> Answer {
    let usage = json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8});
    let (text, call, reason) = match says {
        Says::Text(text) => (*text, None, "stop"),
        Says::Calls(name, arguments) => ("Let me see.", Some((name, arguments)), "tool_calls"),
    };
    let call = call.map(|(name, arguments)| {
        json!({"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments.to_string()}})
    });
    if !is_stream {
        let mut message = json!({"role": "assistant", "content": text});
        if let Some(call) = call {
            message["tool_calls"] = json!([call]);
        }
        let choice = json!({"index": 0, "message": message, "finish_reason": reason});
        let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage});
        return Answer::json(200, body.to_string());
    }
    let chunk = |delta: Value, reason: Option<&str>| {
        event(
            &json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}),
        )
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": text}), None)];
    if let Some(call) = call {
        let arguments = call["function"]["arguments"].as_str().unwrap().to_owned();
        let mut begun = call;
        begun["index"] = json!(0);
        begun["function"]["arguments"] = json!("");
        events.push(chunk(json!({"tool_calls": [begun]}), None));
        for piece in pieces(&arguments) {
            let more = json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]});
            events.push(chunk(more, None));
        }
    }
    events.push(chunk(json!({}), Some(reason)));
    events.push(event(&json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage})));
    events.push("data: [DONE]\n\n".to_owned());
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    Answer::events(&events).end()
}

fn anthropic(is_stream: bool, says: &Says) -> Answer {
    let (text, call, reason) = match says {
        Says::Text(text) => (*text, None, "end_turn"),
        Says::Calls(name, arguments) => ("Let me see.", Some((name, arguments)), "tool_use"),
    };
    let head = json!({"id": "msg_01", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 5, "output_tokens": 3}});
    if !is_stream {
        let mut body = head;
        body["stop_reason"] = json!(reason);
        let mut content = vec![json!({"type": "text", "text": text})];
        content.extend(call.map(|(name, arguments)| {
            json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments})
        }));
        body["content"] = json!(content);
        return Answer::json(200, body.to_string());
    }
    let mut events = vec![
        json!({"type": "message_start", "message": head}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
        json!({"type": "content_block_stop", "index": 0}),
    ];
    if let Some((name, arguments)) = call {
        events.push(json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}}));
        for piece in pieces(&arguments.to_string()) {
            events.push(json!({"type": "content_block_delta", "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": piece}}));
        }
        events.push(json!({"type": "content_block_stop", "index": 1}));
    }
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 3}}));
    events.push(json!({"type": "message_stop"}));
    let events: Vec<String> = events
        .iter()
        .map(|event| {
            format!(
                "event: {}\ndata: {event}\n\n",
                event["type"].as_str().unwrap()
            )
        })
        .collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    Answer::events(&events).end()
}

fn gemini(is_stream: bool, says: &Says) -> Answer {
    let mut parts = Vec::new();
    match says {
        Says::Text(text) => parts.push(json!({"text": text})),
        Says::Calls(name, arguments) => {
            parts.push(json!({"text": "Let me see."}));
            parts.push(json!({"functionCall": {"name": name, "args": arguments}, "thoughtSignature": "c2lnbmVk"}));
        }
    }
    let body = json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}, "modelVersion": "m"});
    match is_stream {
        true => Answer::events(&[&event(&body)]).end(),
        false => Answer::json(200, body.to_string()),
    }
}

fn ollama(is_stream: bool, says: &Says) -> Answer {
    let message = match says {
        Says::Text(text) => json!({"role": "assistant", "content": text}),
        Says::Calls(name, arguments) => json!({"role": "assistant", "content": "Let me see.",
            "tool_calls": [{"function": {"name": name, "arguments": arguments}}]}),
    };
    let line = json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": !is_stream,
        "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 3});
    if !is_stream {
        return Answer::json(200, line.to_string());
    }
    let last = json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": ""},
        "done": true, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 3});
    Answer::fixed(
        200,
        &[("content-type", "application/x-ndjson")],
        format!("{line}\n{last}\n"),
    )
}

/// The functions that the provider was sent, by name.
pub(super) fn functions(kind: &str, sent: &Value) -> Vec<(String, Value)> {
    let named = |tool: &Value, schema: &str| {
        (
            tool["name"].as_str().unwrap().to_owned(),
            tool[schema].clone(),
        )
    };
    match kind {
        "anthropic" => {
            let tools = sent["tools"].as_array().unwrap();
            tools
                .iter()
                .map(|tool| named(tool, "input_schema"))
                .collect()
        }
        "gemini" => {
            let tools = sent["tools"][0]["functionDeclarations"].as_array().unwrap();
            let tools = tools.iter().map(|tool| named(tool, "parametersJsonSchema"));
            tools.collect()
        }
        _ => {
            let tools = sent["tools"].as_array().unwrap();
            let tools = tools
                .iter()
                .map(|tool| named(&tool["function"], "parameters"));
            tools.collect()
        }
    }
}

/// The calls in the history that the provider was sent: names and arguments.
pub(super) fn calls(kind: &str, sent: &Value) -> Vec<(String, Value)> {
    let parsed = |arguments: &Value| match arguments {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => other.clone(),
    };
    let list = match kind {
        "gemini" => &sent["contents"],
        _ => &sent["messages"],
    };
    let mut found = Vec::new();
    for message in list.as_array().unwrap() {
        let calls: Vec<&Value> = match kind {
            "anthropic" => message["content"]
                .as_array()
                .into_iter()
                .flatten()
                .collect(),
            "gemini" => message["parts"].as_array().into_iter().flatten().collect(),
            _ => message["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
                .collect(),
        };
        for call in calls {
            let (place, arguments) = match kind {
                "anthropic" if call["type"] == "tool_use" => (call, &call["input"]),
                "anthropic" => continue,
                "gemini" if call["functionCall"].is_object() => {
                    (&call["functionCall"], &call["functionCall"]["args"])
                }
                "gemini" => continue,
                _ => (&call["function"], &call["function"]["arguments"]),
            };
            let name = place["name"].as_str().unwrap().to_owned();
            found.push((name, parsed(arguments)));
        }
    }
    found
}
