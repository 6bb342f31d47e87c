use schemars::JsonSchema;
use serde::Serialize;

use crate::wire::Timestamp;

/// The answer of `GET /v1/models`, in OpenAI's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ModelList {
    /// Always `list`.
    pub object: &'static str,
    /// The models, by name.
    pub data: Vec<ModelEntry>,
}

/// One model of a [`ModelList`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ModelEntry {
    /// The name that requests use.
    pub id: String,
    /// Always `model`.
    pub object: &'static str,
    /// When it was registered, in seconds since the epoch.
    pub created: i64,
    /// The provider's name.
    pub owned_by: String,
}

/// The answer of `GET /v1/models` to Anthropic clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct AnthropicModelList {
    /// The models, by name.
    pub data: Vec<AnthropicModel>,
    /// Whether there are more models in the requested direction.
    pub has_more: bool,
    /// The name of the first one; null if there is none.
    pub first_id: Option<String>,
    /// The name of the last one.
    pub last_id: Option<String>,
}

/// One model of an [`AnthropicModelList`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct AnthropicModel {
    /// Always `model`.
    pub r#type: &'static str,
    /// The name that requests use.
    pub id: String,
    /// The display name: the same.
    pub display_name: String,
    /// When it was registered.
    pub created_at: Timestamp,
}
