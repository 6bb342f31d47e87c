use schemars::JsonSchema;
use serde::Serialize;

/// The answer of `GET /v1/models`, in OpenAI's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModelList {
    /// Always `list`.
    pub object: &'static str,
    /// The models, by name.
    pub data: Vec<ModelEntry>,
}

/// One model of a [`ModelList`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
