use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::call::Piece;
use crate::sse;
use crate::translate::implied_status;

/// An error in place of the first event of an answer, with the status that it names, or 502. Pings
/// and empty events may precede it.
///
/// OpenRouter, vLLM, llama.cpp, Azure and Anthropic send these inside a 200.
pub(super) fn read(piece: &Piece) -> Option<(StatusCode, Bytes)> {
    piece.observed.error.as_ref()?;
    // What was observed may come from a later event of the same piece.
    for event in sse::events(&piece.bytes) {
        let data = event.data();
        let Ok(value) = serde_json::from_slice::<Value>(&data) else {
            continue;
        };
        if let Some(error) = error_in(&value) {
            let status = status_of(error).unwrap_or(StatusCode::BAD_GATEWAY);
            let body = match value.get("error").or(value.get("type")).or(value.get(0)) {
                Some(_) if value.pointer("/response/error").is_none() => {
                    Bytes::copy_from_slice(&data)
                }
                _ => json!({"error": error}).to_string().into(),
            };
            return Some((status, body));
        }
        if !is_nothing(&value) {
            return None;
        }
    }
    None
}

/// The status of the error in a whole body.
pub(super) fn status_in(body: &[u8]) -> Option<StatusCode> {
    let value: Value = serde_json::from_slice(body).ok()?;
    status_of(error_in(&value).unwrap_or(&value))
}

/// Whether an event contains nothing of an answer.
fn is_nothing(event: &Value) -> bool {
    let has_no_choice = |choices: &Vec<Value>| choices.is_empty();
    !event.is_object()
        || event["type"] == "ping"
        || event["choices"].as_array().is_some_and(has_no_choice)
}

fn error_in(value: &Value) -> Option<&Value> {
    // Gemini's errors come in an array, OpenRouter's in a choice, and those of Responses in the
    // response.
    let places = [
        value.get("error"),
        value.get(0).and_then(|first| first.get("error")),
        value.pointer("/choices/0/error"),
        value.pointer("/response/error"),
    ];
    let mut errors = places
        .into_iter()
        .flatten()
        .filter(|error| !error.is_null());
    let bare = || (value["type"] == "error").then_some(value);
    let choice = || {
        let choice = value.pointer("/choices/0")?;
        (choice["finish_reason"] == "error").then_some(choice)
    };
    errors.next().or_else(bare).or_else(choice)
}

fn status_of(error: &Value) -> Option<StatusCode> {
    let code = error["code"].as_u64().or_else(|| error["status"].as_u64());
    let named = code
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok());
    let word = |name: &str| error[name].as_str();
    named.or_else(|| implied_status(word("type"), word("code").or(word("status"))))
}
