use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Value, json};

/// Converts `json`, an answer or a chunk of one, to the format of chat completions; `None` if it
/// already has that format, or no conversion is known.
///
/// Grok's older answers have `choices[].text` or `choices[].content`, `message` or `delta` as a
/// plain string, or all of the text in a top-level `response`.
pub(crate) fn normalise(json: &[u8]) -> Option<Bytes> {
    if !may_be_odd(json) {
        return None;
    }
    let mut answer: Map<String, Value> = serde_json::from_slice(json).ok()?;
    let is_chunk = answer.get("object").and_then(Value::as_str) == Some("chat.completion.chunk");
    let mut is_changed = false;
    match answer.get_mut("choices") {
        Some(Value::Array(choices)) => {
            for choice in choices.iter_mut().filter_map(Value::as_object_mut) {
                is_changed |= normalise_choice(choice, is_chunk);
            }
        }
        None | Some(Value::Null) => {
            let response = answer.get("response").filter(|value| value.is_string())?;
            let text = response.clone();
            answer.remove("response");
            let output = output(text, is_chunk);
            let mut choice = json!({"index": 0, "finish_reason": "stop"});
            choice[place(is_chunk)] = output;
            answer.insert("choices".to_owned(), Value::Array(vec![choice]));
            is_changed = true;
        }
        Some(_) => {}
    }
    // Writing a map into a growing buffer cannot fail.
    is_changed.then(|| serde_json::to_vec(&answer).unwrap_or_default().into())
}

/// Whether to examine it: it has a member that chat completions do not have, or a plain string in
/// place of an object.
fn may_be_odd(json: &[u8]) -> bool {
    let has = |name: &str| memmem::find(json, name.as_bytes()).is_some();
    let is_plain = has("\"choices\"") && (has("\"delta\"") || has("\"message\""));
    !is_plain && (has("\"choices\"") || has("\"response\""))
        || is_string(json, b"\"delta\"")
        || is_string(json, b"\"message\"") && !has("\"error\"")
}

/// Whether a string follows the name anywhere.
fn is_string(json: &[u8], name: &[u8]) -> bool {
    memmem::find_iter(json, name).any(|at| {
        let value = json[at + name.len()..]
            .trim_ascii_start()
            .strip_prefix(b":");
        value.is_some_and(|value| value.trim_ascii_start().starts_with(b"\""))
    })
}

fn normalise_choice(choice: &mut Map<String, Value>, is_chunk: bool) -> bool {
    let place = place(is_chunk);
    let bare = [place, "message", "delta"]
        .into_iter()
        .find(|name| choice.get(*name).is_some_and(Value::is_string));
    let beside = ["text", "content"]
        .into_iter()
        .find(|name| choice.get(*name).is_some_and(Value::is_string));
    let has_content = choice.get(place).is_some_and(Value::is_object);
    let name = match (bare, beside) {
        (Some(name), _) => name,
        (None, Some(name)) if !has_content => name,
        _ => return false,
    };
    let Some(text) = choice.remove(name) else {
        return false;
    };
    choice.insert(place.to_owned(), output(text, is_chunk));
    true
}

fn place(is_chunk: bool) -> &'static str {
    match is_chunk {
        true => "delta",
        false => "message",
    }
}

fn output(text: Value, is_chunk: bool) -> Value {
    match is_chunk {
        true => json!({"content": text}),
        false => json!({"role": "assistant", "content": text}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Option<String> {
        normalise(json.as_bytes()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn odd_shapes_become_chat_completions() {
        let table = [
            (
                r#"{"object":"chat.completion","choices":[{"index":0,"text":"hi","finish_reason":"stop"}]}"#,
                r#"{"object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hi"}}]}"#,
            ),
            (
                r#"{"object":"chat.completion","choices":[{"index":0,"content":"hi"}]}"#,
                r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}"#,
            ),
            (
                r#"{"object":"chat.completion","choices":[{"message":"hi"}]}"#,
                r#"{"object":"chat.completion","choices":[{"message":{"role":"assistant","content":"hi"}}]}"#,
            ),
            (
                r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":"h"}]}"#,
                r#"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"h"}}]}"#,
            ),
            (
                r#"{"id":"1","response":"hi","usage":{"prompt_tokens":1}}"#,
                r#"{"id":"1","usage":{"prompt_tokens":1},"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":"hi"}}]}"#,
            ),
        ];
        for (odd, usual) in table {
            let found: Value = serde_json::from_str(&text(odd).unwrap()).unwrap();
            let usual: Value = serde_json::from_str(usual).unwrap();
            assert_eq!(found, usual, "{odd}");
        }
    }

    #[test]
    fn usual_shapes_and_others_are_left_alone() {
        for usual in [
            r#"{"choices":[{"index":0,"delta":{"content":"\"text\":\"x\""}}]}"#,
            r#"{"choices":[{"index":0,"message":{"content":"x"},"text":"y"}]}"#,
            r#"{"choices":[]}"#,
            r#"{"error":{"message":"no"}}"#,
            r#"{"error":"no","message":"no"}"#,
            "not json",
            "[1]",
        ] {
            assert_eq!(text(usual), None, "{usual}");
        }
    }
}
