use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::call::{ClosedCall, Try};
use crate::error::ErrorKind;
use crate::wire::{
    ConversationId, ConversationMark, ConversationScope, GatewayId, KeyId, Operation, ProjectId,
    ProviderId, RequestId, RequestState, Timestamp, Usage, UsageSource,
};

/// What is known of a request when it is sent upstream.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenRow {
    /// The row's key.
    pub request_id: RequestId,
    /// The gateway that has it open.
    pub owner: GatewayId,
    /// What it belongs to.
    pub conversation_id: ConversationId,
    /// The provider that is asked first.
    pub provider_id: ProviderId,
    /// That provider's name, kept here so that history outlives the provider.
    pub provider: Arc<str>,
    /// The model's name, as the client said it.
    pub model: Arc<str>,
    /// The model's name as sent upstream, when that differs.
    pub upstream_model: Option<Arc<str>>,
    /// What was asked, such as `chat.completion`.
    pub operation: &'static str,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// The key that its client showed; `None` where it has none, as an operator.
    pub key_id: Option<KeyId>,
    /// The client's name, kept here so that history outlives the key.
    pub key: Option<Arc<str>>,
    /// The key's project at the time.
    pub project_id: Option<ProjectId>,
}

impl OpenRow {
    /// A chat completion that begins now, of the gateway `owner`, for the model `model` of a
    /// provider. It has a new id, a conversation of its own, and no key.
    pub fn new(
        owner: GatewayId,
        (provider_id, provider): (ProviderId, impl Into<Arc<str>>),
        model: impl Into<Arc<str>>,
    ) -> Self {
        let request_id = RequestId::new();
        Self {
            request_id,
            owner,
            conversation_id: ConversationId::begun_by(request_id),
            provider_id,
            provider: provider.into(),
            model: model.into(),
            upstream_model: None,
            operation: Operation::ChatCompletion.as_str(),
            stream: false,
            started_at: Timestamp::now(),
            key_id: None,
            key: None,
            project_id: None,
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settlement {
    /// The ending; never `Open`.
    pub state: RequestState,
    /// The provider that answered, or was asked last.
    pub provider_id: ProviderId,
    /// That provider's name.
    pub provider: Arc<str>,
    /// The model's name as that provider was sent it, when it differs.
    pub upstream_model: Option<Arc<str>>,
    /// Where the figures come from.
    pub usage_source: UsageSource,
    /// The tokens.
    pub usage: Usage,
    /// The HTTP status that the client got; `None` when it left before one.
    pub status: Option<u16>,
    /// The HTTP status that the provider gave whose answer the client got.
    pub upstream_status: Option<u16>,
    /// The layer that answered or refused, where no provider did.
    pub answered_by: Option<Arc<str>>,
    /// How many upstream requests were made.
    pub attempts: u32,
    /// What came of each of them; `None` where the other fields tell, as of a single one that was
    /// answered with `status`.
    pub tries: Option<Vec<Try>>,
    /// From the start to the first byte of the answer, in milliseconds.
    pub first_token_ms: Option<u64>,
    /// From the start to the end, in milliseconds.
    pub duration_ms: u64,
    /// What tells its conversation when it goes on; see [`Conversations`](crate::conversation::Conversations).
    pub mark: Option<ConversationMark>,
    /// What went wrong: a code and a message without keys or addresses.
    pub error: Option<Cow<'static, str>>,
}

impl Settlement {
    /// That of `row` in `state`, now: with its provider, and without figures, status or attempts.
    pub fn of(row: &OpenRow, state: RequestState) -> Self {
        Self {
            state,
            provider_id: row.provider_id,
            provider: Arc::clone(&row.provider),
            upstream_model: row.upstream_model.clone(),
            usage_source: UsageSource::None,
            usage: Usage::default(),
            status: None,
            upstream_status: None,
            answered_by: None,
            attempts: 0,
            tries: None,
            first_token_ms: None,
            duration_ms: millis(Timestamp::now().saturating_since(row.started_at)),
            mark: None,
            error: None,
        }
    }

    /// Of a request whose row was begun, and dropped.
    pub(crate) fn dropped(row: &OpenRow) -> Self {
        Self {
            tries: Some(Vec::new()),
            ..Self::of(row, RequestState::Cancelled)
        }
    }
}

impl From<ClosedCall> for Settlement {
    /// What a row keeps of a call that is over.
    fn from(call: ClosedCall) -> Self {
        let first_token_ms = call.first_byte.map(millis);
        let target = call.target;
        Self {
            state: call.state,
            provider_id: target.provider.id,
            provider: Arc::clone(&target.provider.name),
            upstream_model: target.upstream_model,
            usage_source: call.usage_source,
            usage: call.usage,
            status: call.status.map(|status| status.as_u16()),
            upstream_status: call.upstream_status.map(|status| status.as_u16()),
            answered_by: call.answered_by,
            attempts: call.attempts,
            tries: call.tries,
            first_token_ms,
            duration_ms: millis(call.duration),
            mark: call.marks.first(),
            error: call.error,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One entry of a batch.
#[derive(Debug, Clone)]
pub enum LedgerWrite {
    /// A request begins.
    Open(OpenRow),
    /// A request ends whose beginning was written before.
    Settle(RequestId, Settlement),
    /// A request whose beginning and end met in one batch: one row is written.
    Whole(OpenRow, Settlement),
}

/// A row of the ledger, as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LedgerRow {
    /// The row's key; sorts by time.
    pub request_id: RequestId,
    /// What it belongs to, as its client says it.
    pub conversation_id: String,
    /// Whose name that is, where it is one: each client key has names of its own. Absent where the
    /// conversation has the request's own id, and where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_scope: Option<String>,
    /// The scope, of every row where it is known.
    #[serde(skip)]
    #[schemars(skip)]
    pub scope: Option<ConversationScope>,
    /// The provider that answered, or was asked last.
    pub provider_id: ProviderId,
    /// That provider's name at the time.
    pub provider: String,
    /// The model's name, as the client said it.
    pub model: String,
    /// The model's name as sent upstream, when that differs.
    pub upstream_model: Option<String>,
    /// What was asked.
    pub operation: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// How far it has come.
    pub state: RequestState,
    /// Where the figures come from.
    pub usage_source: UsageSource,
    /// The tokens.
    #[serde(flatten)]
    pub usage: Usage,
    /// The HTTP status that the client got.
    pub status: Option<u16>,
    /// How many upstream requests were made.
    pub attempts: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// From the start to the first byte of the answer, in milliseconds.
    pub first_token_ms: Option<u64>,
    /// From the start to the end, in milliseconds.
    pub duration_ms: Option<u64>,
    /// What went wrong.
    pub error: Option<String>,
    /// The key that its client showed; null for the operator, and in rows of earlier versions.
    pub key_id: Option<KeyId>,
    /// That key's name at the time.
    pub key: Option<String>,
    /// The project that the key belonged to.
    pub project_id: Option<ProjectId>,
    /// The layer of the application's that answered or refused in a provider's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
}

impl LedgerRow {
    /// The row of a request that was begun as `open` and, if it has ended, ended as `end`: what a
    /// store of your own answers with.
    pub fn of(open: &OpenRow, end: Option<&Settlement>) -> Self {
        let scope = open.conversation_id.scope();
        let is_named = open.conversation_id.request() != Some(open.request_id);
        Self {
            request_id: open.request_id,
            conversation_id: open.conversation_id.to_string(),
            conversation_scope: scope.filter(|_| is_named).map(|scope| scope.to_string()),
            scope,
            provider_id: end.map_or(open.provider_id, |end| end.provider_id),
            provider: end.map_or(&open.provider, |end| &end.provider).to_string(),
            model: open.model.to_string(),
            upstream_model: end
                .map_or(&open.upstream_model, |end| &end.upstream_model)
                .as_deref()
                .map(str::to_owned),
            operation: open.operation.to_owned(),
            stream: open.stream,
            state: end.map_or(RequestState::Open, |end| end.state),
            usage_source: end.map_or(UsageSource::None, |end| end.usage_source),
            usage: end.map_or_else(Usage::default, |end| end.usage),
            status: end.and_then(|end| end.status),
            attempts: end.map_or(0, |end| end.attempts),
            started_at: open.started_at,
            first_token_ms: end.and_then(|end| end.first_token_ms),
            duration_ms: end.map(|end| end.duration_ms),
            error: end.and_then(|end| end.error.as_deref().map(str::to_owned)),
            key_id: open.key_id,
            key: open.key.as_deref().map(str::to_owned),
            project_id: open.project_id,
            answered_by: end.and_then(|end| end.answered_by.as_deref().map(str::to_owned)),
        }
    }
}

/// A row with what came of each request to a provider: what is read of a single row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The row.
    #[serde(flatten)]
    pub row: LedgerRow,
    /// The HTTP status that the provider gave whose answer the client got; `None` where none
    /// answered.
    pub upstream_status: Option<u16>,
    /// The requests to providers in order, one for each attempt; at most 64.
    pub tries: Vec<Try>,
}

impl RequestRecord {
    /// The record of `row`, where that tells all: one request, or none yet.
    pub fn of(row: LedgerRow) -> Self {
        let is_known = row.attempts == 1 && !is_of_gateway(&row);
        let tries = is_known.then(|| Try {
            provider_id: row.provider_id,
            provider: row.provider.clone(),
            status: row.status,
            error: row.error.clone(),
            started_at: row.started_at,
            duration_ms: row.duration_ms.unwrap_or(0),
        });
        Self {
            upstream_status: row.status.filter(|_| is_known),
            tries: tries.into_iter().collect(),
            row,
        }
    }
}

/// Whether the status is the gateway's own: rows of earlier versions do not say what the provider's
/// was.
fn is_of_gateway(row: &LedgerRow) -> bool {
    use ErrorKind as K;
    let error = row.error.as_deref().unwrap_or_default();
    let code = error.split_once(": ").map(|(code, _)| code);
    let kinds = [
        K::UpstreamUnreachable,
        K::UpstreamTimeout,
        K::UpstreamAuth,
        K::UpstreamInvalid,
        K::DeadlineExceeded,
    ];
    code.is_some_and(|code| kinds.iter().any(|kind| kind.code() == code))
}
