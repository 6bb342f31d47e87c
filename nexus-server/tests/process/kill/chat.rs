use nexus_lib::testing::RawRequest;
use serde_json::json;

use crate::server;

pub(super) const KEY: &str = "kill-key";
pub(super) const MODEL: &str = "kill-model";

/// One chat of the load. Its number determines everything about it, so that client, upstream and
/// ledger can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Chat(pub(super) u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Streamed,
    /// The client disconnects in the middle of the stream.
    Cancelled,
    /// The upstream ends the stream in the middle.
    Cut,
}

impl Chat {
    pub(super) fn kind(self) -> Kind {
        match (self.is_streamed(), (self.0 / 2) % 4) {
            (false, _) => Kind::Plain,
            (true, 2) => Kind::Cancelled,
            (true, 3) => Kind::Cut,
            (true, _) => Kind::Streamed,
        }
    }

    pub(super) fn is_streamed(self) -> bool {
        self.0 % 2 == 1
    }

    /// Whether the upstream is slow: then the row is written before the answer arrives.
    pub(super) fn is_slow(self) -> bool {
        (self.0 / 2).is_multiple_of(5)
    }

    /// After how many events the client of a cancelled chat disconnects.
    pub(super) fn patience(self) -> u64 {
        (self.0 / 8) % 3
    }

    /// Whether the upstream reports usage with each event: otherwise the gateway counts the tokens
    /// of an interrupted stream.
    pub(super) fn reports_at_once(self) -> bool {
        (self.0 / 64).is_multiple_of(2)
    }

    pub(super) fn prompt_tokens(self) -> u64 {
        1_000 + self.0
    }

    pub(super) fn completion_tokens(self) -> u64 {
        1 + self.0 % 97
    }

    /// The upstream's answer, unique to this chat.
    pub(super) fn answer(self) -> String {
        format!("answer {};", self.0)
    }

    /// The conversation named by the client, which is on the ledger's row.
    pub(super) fn conversation(self) -> String {
        format!("chat-{}", self.0)
    }

    pub(super) fn of_conversation(name: &str) -> Option<Self> {
        name.strip_prefix("chat-")?.parse().ok().map(Self)
    }

    pub(super) fn request(self) -> RawRequest {
        server::chat(KEY, MODEL, &self.0.to_string(), self.is_streamed())
            .header("x-conversation-id", &self.conversation())
    }

    /// The chat of a request's body.
    pub(super) fn of_body(body: &serde_json::Value) -> Self {
        let text = body["messages"][0]["content"].as_str();
        Self(text.and_then(|text| text.parse().ok()).unwrap())
    }

    /// The body of the answer to a plain chat.
    pub(super) fn completion(self) -> serde_json::Value {
        let (prompt, completion) = (self.prompt_tokens(), self.completion_tokens());
        let mut body = nexus_lib::testing::openai::completion(&self.answer(), prompt, completion);
        body["id"] = json!(format!("chatcmpl-{}", self.0));
        body
    }
}
