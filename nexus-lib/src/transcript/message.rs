use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

/// One reply of an assistant, decoded.
///
/// As JSON it is an assistant's message in OpenAI's form: fields that say nothing are left out, and
/// `content` is null where there is only something else.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct AssistantMessage {
    /// The text.
    pub content: Option<String>,
    /// What the model thought, where it tells (`reasoning_content` or `reasoning`).
    pub reasoning_content: Option<String>,
    /// Why it will not answer.
    pub refusal: Option<String>,
    /// The functions that it wants called.
    pub tool_calls: Vec<ToolCall>,
}

/// A function that a model wants called.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ToolCall {
    /// Names the call.
    pub id: String,
    /// Names the function.
    pub name: String,
    /// Its arguments, as the model wrote them: JSON, if it did well.
    pub arguments: String,
}

impl AssistantMessage {
    /// Whether nothing was said.
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
    /// Shows no content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssistantMessage")
            .field("content_bytes", &self.content.as_deref().map(str::len))
            .field("tool_calls", &self.tool_calls.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ToolCall {
    /// Shows no content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
