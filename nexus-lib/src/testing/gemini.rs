//! Standard answers of Gemini's `generateContent`.
//!
//! Source: <https://ai.google.dev/api/generate-content>.

use serde_json::{Value, json};

use super::UpstreamAnswers;

/// "Hello there", and a refusal.
pub fn answers() -> UpstreamAnswers {
    let answer = |text: &str, finish: Value| {
        json!({
            "candidates": [{
                "content": {"role": "model", "parts": [{"text": text}]},
                "finishReason": finish,
                "index": 0,
            }],
            "usageMetadata": {
                "promptTokenCount": 7, "candidatesTokenCount": 2, "totalTokenCount": 9,
            },
            "modelVersion": "fake-model",
            "responseId": "r1",
        })
    };
    let mut first = answer("Hello", Value::Null);
    if let Some(candidate) = first["candidates"][0].as_object_mut() {
        candidate.remove("finishReason");
    }
    let events = [first, answer(" there", json!("STOP"))];
    let refusal = json!({
        "error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"},
    });
    UpstreamAnswers::new(
        "Hello there",
        answer("Hello there", json!("STOP")).to_string(),
    )
    .streamed(events.map(|event| format!("data: {event}\r\n\r\n")))
    .refusing(429, refusal.to_string())
}
