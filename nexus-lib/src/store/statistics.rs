use schemars::JsonSchema;
use serde::Serialize;

use crate::store::{LedgerRow, Percentiles, RequestState};
use crate::wire::{KeyId, ProviderId, RequestId, TimeRange, Timestamp};

/// Sums over the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Totals {
    /// How many conversations began: requests that name no conversation before them, and the first
    /// one of each name to be written. So the numbers of two ranges add up to that of both.
    pub total_conversations: u64,
    /// How many requests were completed.
    pub total_rounds: u64,
    /// How many requests were made, failed ones included.
    pub requests: u64,
    /// How many of them failed or were interrupted.
    pub errors: u64,
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
    /// How long the completed ones took; `None` where there are none.
    pub latency_ms: Option<Percentiles>,
    /// How long the first bytes of the completed ones took; `None` where there are none.
    pub first_token_ms: Option<Percentiles>,
    /// The same for each provider, by id.
    pub by_provider: Vec<ProviderTotals>,
    /// The same for each model, by name.
    pub by_model: Vec<ModelTotals>,
    /// The same for each key, by id. Requests that came with none are not among them.
    pub by_key: Vec<KeyTotals>,
}

/// One key's part of [`Totals`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct KeyTotals {
    /// The key.
    pub key_id: KeyId,
    /// Its name, as its newest row has it.
    pub key: Option<String>,
    /// How many requests.
    pub requests: u64,
    /// Their prompt tokens.
    pub prompt_tokens: u64,
    /// Their completion tokens.
    pub completion_tokens: u64,
    /// Their total tokens.
    pub total_tokens: u64,
}

impl KeyTotals {
    /// None yet of the key `key_id`, with its name.
    pub fn none(key_id: KeyId, key: Option<String>) -> Self {
        Self {
            key_id,
            key,
            requests: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            total_tokens: 0,
        }
    }
}

/// One provider's part of [`Totals`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
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

impl ProviderTotals {
    /// None yet of the provider `provider_id`, with its name.
    pub fn none(provider_id: ProviderId, provider: impl Into<String>) -> Self {
        Self {
            provider_id,
            provider: provider.into(),
            requests: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            total_tokens: 0,
        }
    }
}

/// One model's part of [`Totals`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
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

impl ModelTotals {
    /// None yet of the model named `model`.
    pub fn none(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            requests: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            total_tokens: 0,
        }
    }
}

/// One conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ConversationTotals {
    /// Its id, as its client says it.
    pub conversation_id: String,
    /// Whose name that is, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_scope: Option<String>,
    /// Others that have conversations of this name, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_scopes: Vec<String>,
    /// How many requests it has.
    pub total_requests: u64,
    /// When its first request began.
    pub began_at: Option<Timestamp>,
    /// When its newest request began.
    pub last_at: Option<Timestamp>,
    /// The newest of its requests.
    pub last_request_id: Option<RequestId>,
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
    /// Its rows, oldest first: those of the [`RowPage`].
    pub requests: Vec<LedgerRow>,
    /// The `before` of the page with older rows; `None` where there are none.
    pub next: Option<RequestId>,
}

/// Which rows of a conversation are wanted. All of them by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RowPage {
    /// Only rows behind this one.
    pub after: Option<RequestId>,
    /// Only rows before this one.
    pub before: Option<RequestId>,
    /// Of those the newest, at most so many.
    pub limit: Option<u32>,
}

impl RowPage {
    /// Sets [`after`](Self::after).
    #[must_use]
    pub const fn after(mut self, after: RequestId) -> Self {
        self.after = Some(after);
        self
    }

    /// Sets [`before`](Self::before).
    #[must_use]
    pub const fn before(mut self, before: RequestId) -> Self {
        self.before = Some(before);
        self
    }

    /// Sets [`limit`](Self::limit).
    #[must_use]
    pub const fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// Which rows are wanted; what is `None` does not narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
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

impl RequestFilter {
    /// Sets [`model`](Self::model).
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets [`provider_id`](Self::provider_id).
    #[must_use]
    pub fn provider_id(mut self, provider_id: ProviderId) -> Self {
        self.provider_id = Some(provider_id);
        self
    }

    /// Sets [`state`](Self::state).
    #[must_use]
    pub fn state(mut self, state: RequestState) -> Self {
        self.state = Some(state);
        self
    }

    /// Sets [`range`](Self::range).
    #[must_use]
    pub fn range(mut self, range: TimeRange) -> Self {
        self.range = range;
        self
    }
}
