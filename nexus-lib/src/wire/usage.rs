use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tokens of one request, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Usage {
    /// Tokens of the request, cached ones included.
    pub prompt_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub completion_tokens: u64,
    /// Both, as the upstream added them up.
    pub total_tokens: u64,
    /// Those of `prompt_tokens` that came from the provider's cache.
    pub cached_tokens: u64,
    /// Those of `completion_tokens` that were spent on reasoning.
    pub reasoning_tokens: u64,
}

/// Where the figures of a [`Usage`] come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UsageSource {
    /// The upstream's own figures.
    Reported,
    /// Counted here from the text that was really sent and received.
    Estimated,
    /// Nothing is known.
    #[default]
    None,
}
