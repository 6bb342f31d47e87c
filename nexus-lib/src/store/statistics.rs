use serde::Serialize;

use crate::store::{LedgerRow, RequestState};
use crate::wire::{ProviderId, TimeRange};

/// Sums over the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// How many conversations took part.
    pub total_conversations: u64,
    /// How many requests were completed.
    pub total_rounds: u64,
    /// How many requests were made, failed ones included.
    pub requests: u64,
    /// Their prompt tokens.
    pub prompt_tokens: u64,
    /// Their completion tokens.
    pub completion_tokens: u64,
    /// Their total tokens.
    pub total_tokens: u64,
    /// Their cached prompt tokens.
    pub cached_tokens: u64,
    /// Their reasoning tokens.
    pub reasoning_tokens: u64,
    /// The same for each provider, by id.
    pub by_provider: Vec<ProviderTotals>,
    /// The same for each model, by name.
    pub by_model: Vec<ModelTotals>,
}

/// One provider's part of [`Totals`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderTotals {
    /// The provider.
    pub provider_id: ProviderId,
    /// Its name, as its newest row has it.
    pub provider: String,
    /// How many requests.
    pub requests: u64,
    /// Their prompt tokens.
    pub prompt_tokens: u64,
    /// Their completion tokens.
    pub completion_tokens: u64,
    /// Their total tokens.
    pub total_tokens: u64,
}

/// One model's part of [`Totals`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelTotals {
    /// The name that clients use.
    pub model: String,
    /// How many requests.
    pub requests: u64,
    /// Their prompt tokens.
    pub prompt_tokens: u64,
    /// Their completion tokens.
    pub completion_tokens: u64,
    /// Their total tokens.
    pub total_tokens: u64,
}

/// One conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConversationTotals {
    /// Its id.
    pub conversation_id: String,
    /// How many of its requests were completed.
    pub rounds: u64,
    /// Prompt tokens of all of its requests.
    pub prompt_tokens: u64,
    /// Completion tokens of all of its requests.
    pub completion_tokens: u64,
    /// Total tokens of all of its requests.
    pub total_tokens: u64,
    /// The same for each provider, by id.
    pub by_provider: Vec<ProviderTotals>,
    /// The same for each model, by name.
    pub by_model: Vec<ModelTotals>,
    /// Its rows, oldest first.
    pub requests: Vec<LedgerRow>,
}

/// Which rows are wanted; what is `None` does not narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestFilter {
    /// The model's name, as clients say it.
    pub model: Option<String>,
    /// The provider.
    pub provider_id: Option<ProviderId>,
    /// How far they have come.
    pub state: Option<RequestState>,
    /// When they began.
    pub range: TimeRange,
}
