use serde::{Deserialize, Serialize};

/// The tokens of one request, where known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the request, cached ones included.
    pub prompt_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub completion_tokens: u64,
    /// The sum of both, as the upstream reported it.
    pub total_tokens: u64,
    /// The part of `prompt_tokens` that came from the provider's cache.
    pub cached_tokens: u64,
    /// The part of `completion_tokens` that was spent on reasoning.
    pub reasoning_tokens: u64,
}

/// The source of the figures of a [`Usage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum UsageSource {
    /// Reported by the upstream.
    Reported,
    /// Estimated here from the text that was sent and received.
    Estimated,
    /// Unknown.
    #[default]
    None,
}
