//! The cost of one key, one upstream or one mistake of an operator is bounded, and no secret leaks.

mod echoes;
mod loops;
mod quotations;
mod silence;
mod work;

use nexus_lib::testing::RawRequest;
use serde_json::{Value, json};

use crate::support::KEY;

/// A client's protocol: a path, and the format of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    Chat,
    Messages,
    Responses,
}

impl Face {
    const ALL: [Self; 3] = [Self::Chat, Self::Messages, Self::Responses];

    fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
        }
    }

    /// A chat with the text `words`.
    fn body(self, words: &str, stream: bool) -> Value {
        match self {
            Self::Responses => json!({"model": "m", "input": words, "stream": stream}),
            Self::Chat | Self::Messages => json!({
                "model": "m", "max_tokens": 9, "stream": stream,
                "messages": [{"role": "user", "content": words}],
            }),
        }
    }

    fn request(self, body: &Value) -> RawRequest {
        RawRequest::post(self.path())
            .bearer(KEY)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    fn asks(self, words: &str, stream: bool) -> RawRequest {
        self.request(&self.body(words, stream))
    }
}

/// Kinds of providers, and the protocol that they accept without translation.
const PROVIDERS: [(&str, Option<&str>); 5] = [
    ("openai", None),
    ("openai", Some("responses")),
    ("anthropic", None),
    ("gemini", None),
    ("ollama", None),
];

/// The fields for registering a provider of that kind.
fn fields(kind: &str, protocol: Option<&str>) -> Value {
    match protocol {
        None => json!({"kind": kind}),
        Some(protocol) => json!({"kind": kind, "protocols": [protocol]}),
    }
}
