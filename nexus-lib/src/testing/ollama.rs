//! Standard answers of Ollama's own chat: its streams are lines.
//!
//! Source: <https://github.com/ollama/ollama/blob/main/docs/api.md>.

use serde_json::{Value, json};

use super::UpstreamAnswers;

/// "Hello there", and a refusal.
pub fn answers() -> UpstreamAnswers {
    let part = |text: &str| {
        json!({
            "model": "fake-model", "created_at": "2024-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": text}, "done": false,
        })
    };
    let last = |text: &str| -> Value {
        let mut part = part(text);
        part["done"] = json!(true);
        part["done_reason"] = json!("stop");
        part["prompt_eval_count"] = json!(7);
        part["eval_count"] = json!(2);
        part
    };
    let lines = [part("Hello"), part(" there"), last("")];
    UpstreamAnswers::new("Hello there", last("Hello there").to_string())
        .streamed(lines.map(|line| format!("{line}\n")))
        .media("application/x-ndjson")
        .refusing(
            404,
            json!({"error": "model 'fake-model' not found"}).to_string(),
        )
}
