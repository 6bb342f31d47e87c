use std::time::Duration;

use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::UsageReport;

/// A chat request, for callers in Rust. Fields that have no member here go into
/// [`extra`](Self::extra) and are sent unchanged.
///
/// ```
/// use nexus_lib::ChatRequest;
///
/// let request = ChatRequest::new("gpt-4o").system("Be brief.").user("hi").key("your-key");
/// assert_eq!(request.messages.len(), 2);
/// ```
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The model's name.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Whether to stream the answer. Set by the method that is called.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) stream: bool,
    /// Every other parameter, such as `temperature`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
    /// The client's key.
    #[serde(skip)]
    pub(crate) key: String,
    /// The conversation's id, if the caller names one.
    #[serde(skip)]
    pub(crate) conversation: Option<String>,
    /// How long the caller waits.
    #[serde(skip)]
    pub(crate) timeout: Option<Duration>,
    /// As over HTTP.
    #[serde(skip)]
    pub(crate) headers: HeaderMap,
    #[serde(skip)]
    pub(crate) extensions: Extensions,
}

impl std::fmt::Debug for ChatRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatRequest")
            .field("model", &self.model)
            .field("messages", &self.messages.len())
            .finish_non_exhaustive()
    }
}

impl ChatRequest {
    /// A request to `model`, without messages.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            ..Self::default()
        }
    }

    /// Adds a system message.
    #[must_use]
    pub fn system(self, text: impl Into<String>) -> Self {
        self.message(Message::new(Role::System, text))
    }

    /// Adds a user message.
    #[must_use]
    pub fn user(self, text: impl Into<String>) -> Self {
        self.message(Message::new(Role::User, text))
    }

    /// Adds a message.
    #[must_use]
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Sets a parameter, such as `temperature`.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// The key to call with.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// Names the conversation that the request belongs to.
    #[must_use]
    pub fn conversation(mut self, id: impl Into<String>) -> Self {
        self.conversation = Some(id.into());
        self
    }

    /// How long the caller waits: a call that takes longer fails.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Adds a header, as over HTTP: those that may go upstream do, and an application's layers see
    /// them.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Adds a value for an application's layers and providers, which they find in the call's
    /// extensions.
    #[must_use]
    pub fn extension(mut self, value: impl Clone + Send + Sync + 'static) -> Self {
        self.extensions.insert(value);
        self
    }
}

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Instructions.
    System,
    /// Instructions, by the newer name.
    Developer,
    /// The user.
    #[default]
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The content: text, or a list of parts.
    #[serde(default)]
    pub content: Value,
    /// Every other field, such as `tool_calls`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Message {
    /// A message of plain text.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            content: Value::String(text.into()),
            extra: Map::new(),
        }
    }

    /// The text of the message: of all its text parts, if it has parts.
    pub fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect(),
            _ => String::new(),
        }
    }
}

/// A whole (not streamed) answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ChatCompletion {
    /// The upstream's id; not necessarily unique.
    #[serde(default)]
    pub id: String,
    /// Always `chat.completion`.
    #[serde(default)]
    pub object: String,
    /// When it was created, in seconds since the epoch.
    #[serde(default)]
    pub created: i64,
    /// The model that answered, as the upstream calls it.
    #[serde(default)]
    pub model: String,
    /// The answers.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// The tokens, if the upstream reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageReport>,
    /// Every other field.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ChatCompletion {
    /// The text of the first answer; empty when there is none.
    pub fn text(&self) -> String {
        self.choices
            .first()
            .map(|choice| choice.message.text())
            .unwrap_or_default()
    }
}

/// One answer of a [`ChatCompletion`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Choice {
    /// The position of this choice.
    #[serde(default)]
    pub index: u32,
    /// The model's message.
    pub message: Message,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// Every other field.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One event of a streamed answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatChunk {
    /// The upstream's id; not necessarily unique.
    #[serde(default)]
    pub id: String,
    /// Always `chat.completion.chunk`.
    #[serde(default)]
    pub object: String,
    /// When the answer was created, in seconds since the epoch.
    #[serde(default)]
    pub created: i64,
    /// The model that answers, as the upstream calls it.
    #[serde(default)]
    pub model: String,
    /// The new content of each choice.
    #[serde(default)]
    pub choices: Vec<ChunkChoice>,
    /// The tokens, on the last chunk only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageReport>,
    /// Every other field.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ChatChunk {
    /// The new text of the first choice, if any.
    pub fn text(&self) -> Option<&str> {
        self.choices.first()?.delta.content.as_deref()
    }
}

/// The new content of one choice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChunkChoice {
    /// The position of this choice.
    #[serde(default)]
    pub index: u32,
    /// The new content.
    #[serde(default)]
    pub delta: Delta,
    /// Why the model stopped, on the last chunk of the choice.
    #[serde(default)]
    pub finish_reason: Option<String>,
    /// Every other field.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// New content of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delta {
    /// The author, on the first chunk only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// New text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Every other field, such as `tool_calls`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
