use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use crate::call::Piece;
use crate::sse;
use crate::translate::implied_status;

/// An error where the first event should be, with the status that it names or 502.
///
/// OpenRouter, vLLM, llama.cpp, Azure and Anthropic send these inside a 200.
pub(super) fn read(piece: &Piece) -> Option<(StatusCode, Bytes)> {
    piece.observed.error.as_ref()?;
    let event = sse::events(&piece.bytes).next()?;
    let data = event.data();
    let value: Value = serde_json::from_slice(&data).ok()?;
    // What was observed may come from a later event of the same piece. Gemini's errors come in an array.
    let error = value.get("error").or_else(|| value.get(0)?.get("error"));
    let is_bare = value["type"] == "error";
    let error = error
        .filter(|error| !error.is_null())
        .or_else(|| is_bare.then_some(&value))?;
    let code = error["code"].as_u64().or_else(|| error["status"].as_u64());
    let named = code
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok());
    let word = |name: &str| error[name].as_str();
    let status = named.or_else(|| implied_status(word("type"), word("code")));
    let body = Bytes::copy_from_slice(&data);
    Some((status.unwrap_or(StatusCode::BAD_GATEWAY), body))
}
