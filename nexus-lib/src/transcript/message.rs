use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

/// One assistant message, decoded.
///
/// In JSON it is an assistant message in OpenAI's format: empty fields are left out, and `content`
/// is null if there is only something else.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AssistantMessage {
    /// The text.
    pub content: Option<String>,
    /// The model's reasoning, if it is sent (`reasoning_content` or `reasoning`).
    pub reasoning_content: Option<String>,
    /// Its refusal.
    pub refusal: Option<String>,
    /// The function calls.
    pub tool_calls: Vec<ToolCall>,
}

/// A function call.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ToolCall {
    /// The call's id.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// Its arguments, as the model wrote them: normally JSON.
    pub arguments: String,
}

impl AssistantMessage {
    /// Whether it has no content.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Serialize for AssistantMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", "assistant")?;
        map.serialize_entry("content", &self.content)?;
        if let Some(reasoning) = &self.reasoning_content {
            map.serialize_entry("reasoning_content", reasoning)?;
        }
        if let Some(refusal) = &self.refusal {
            map.serialize_entry("refusal", refusal)?;
        }
        if !self.tool_calls.is_empty() {
            map.serialize_entry("tool_calls", &self.tool_calls)?;
        }
        map.end()
    }
}

impl Serialize for ToolCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let function = json!({"name": self.name, "arguments": self.arguments});
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("type", "function")?;
        map.serialize_entry("function", &function)?;
        map.end()
    }
}

impl fmt::Debug for AssistantMessage {
    /// Omits the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssistantMessage")
            .field("content_bytes", &self.content.as_deref().map(str::len))
            .field("tool_calls", &self.tool_calls.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ToolCall {
    /// Omits the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
