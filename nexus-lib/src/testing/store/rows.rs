//! Rows for checks.

use crate::store::{LedgerQueries, LedgerRow, OpenRow, RequestFilter, RequestState, Settlement};
use crate::wire::{
    ConversationId, GatewayId, ProviderId, RequestId, Timestamp, Usage, UsageSource,
};

/// The gateway that opens rows, unless a check has several.
pub(super) const OWNER: GatewayId = GatewayId::from_bytes([7; 16]);

/// 2026-01-31T23:58:00Z: minutes, hours and days end nearby.
const BASE: i64 = 1_769_903_880;

/// So many seconds after a moment near the end of a day.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((BASE + seconds) * 1_000_000)
}

/// A row of a request that starts now, and begins a conversation.
pub(super) fn open() -> OpenRow {
    let request_id = RequestId::new();
    OpenRow {
        request_id,
        owner: OWNER,
        key_id: None,
        key: None,
        project_id: None,
        conversation_id: ConversationId::begun_by(request_id),
        provider_id: ProviderId(1),
        provider: "one".into(),
        model: "model".into(),
        upstream_model: None,
        operation: "chat.completion",
        stream: false,
        started_at: Timestamp::now(),
    }
}

/// The row of request `number` of those that start so many seconds after [`at`] 0.
pub(super) fn open_at(seconds: i64, number: i64) -> OpenRow {
    let started_at = at(seconds);
    let request_id = RequestId::from_parts(started_at.as_millis() << 12 | number, number);
    OpenRow {
        request_id,
        conversation_id: ConversationId::begun_by(request_id),
        started_at,
        ..open()
    }
}

/// A completed request of `open`'s provider.
pub(super) fn end(open: &OpenRow, prompt_tokens: u64, completion_tokens: u64) -> Settlement {
    Settlement {
        state: RequestState::Completed,
        provider_id: open.provider_id,
        provider: open.provider.clone(),
        upstream_model: None,
        usage_source: UsageSource::Reported,
        usage: Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
            cached_tokens: prompt_tokens / 2,
            reasoning_tokens: completion_tokens / 2,
        },
        status: Some(200),
        answered_by: None,
        upstream_status: None,
        attempts: 1,
        tries: None,
        first_token_ms: Some(12),
        duration_ms: 34,
        mark: None,
        error: None,
    }
}

/// All rows, newest first.
pub(super) async fn all(store: &impl LedgerQueries) -> Vec<LedgerRow> {
    let rows = store.requests(RequestFilter::default(), None, u32::MAX);
    rows.await.expect("rows can be read")
}

/// The only row.
pub(super) async fn only(store: &impl LedgerQueries) -> LedgerRow {
    let mut rows = all(store).await;
    assert_eq!(rows.len(), 1, "one request has one row: {rows:?}");
    rows.remove(0)
}
