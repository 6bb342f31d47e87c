use serde_json::Value;

use super::{AssistantMessage, ToolCall};

/// The replies in the body of a completion, by index.
pub(super) fn messages(body: &[u8]) -> Vec<AssistantMessage> {
    let completion: Value = serde_json::from_slice(body).unwrap_or_default();
    let choices = completion["choices"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let mut choices: Vec<&Value> = choices.iter().collect();
    choices.sort_by_key(|choice| choice["index"].as_u64());
    choices
        .into_iter()
        .map(|choice| message(&choice["message"]))
        .collect()
}

fn message(message: &Value) -> AssistantMessage {
    let mut tool_calls: Vec<ToolCall> = Vec::new();
    if let Some(calls) = message["tool_calls"].as_array() {
        tool_calls.extend(
            calls
                .iter()
                .map(|call| tool_call(&call["id"], &call["function"])),
        );
    }
    // The format that preceded tool calls.
    if message["function_call"].is_object() {
        tool_calls.push(tool_call(&Value::Null, &message["function_call"]));
    }
    AssistantMessage {
        content: text(&message["content"]),
        reasoning_content: text(&message["reasoning_content"])
            .or_else(|| text(&message["reasoning"])),
        refusal: text(&message["refusal"]),
        tool_calls,
    }
}

fn tool_call(id: &Value, function: &Value) -> ToolCall {
    ToolCall {
        id: text(id).unwrap_or_default(),
        name: text(&function["name"]).unwrap_or_default(),
        arguments: text(&function["arguments"]).unwrap_or_default(),
    }
}

/// A text, or the text parts of a list; `None` if it is empty.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
