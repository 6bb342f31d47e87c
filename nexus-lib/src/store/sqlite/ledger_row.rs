use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type, ValueRef};

use super::conversation;
use crate::store::{LedgerRow, RequestState};
use crate::wire::{
    ConversationScope, KeyId, ProjectId, ProviderId, RequestId, Timestamp, Usage, UsageSource,
};

/// The columns in the order in which [`read`] takes them.
pub(super) const COLUMNS: &str = "seq, tail, conversation_id, provider_id, provider, model,
    upstream_model, operation, stream, state, usage_source, prompt_tokens, completion_tokens,
    total_tokens, cached_tokens, reasoning_tokens, status, attempts, started_at, first_token_ms,
    duration_ms, error, scope, key_id, key, project_id, answered_by";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<LedgerRow> {
    let request_id = RequestId::from_parts(row.get(0)?, row.get(1)?);
    let scope: Option<[u8; 8]> = row.get(22)?;
    let scope = scope.map(ConversationScope::from_bytes);
    let is_named = row.get_ref(2)? != ValueRef::Null;
    Ok(LedgerRow {
        request_id,
        conversation_id: conversation::read(row.get_ref(2)?, request_id)?,
        provider_id: ProviderId(row.get(3)?),
        provider: row.get(4)?,
        model: row.get(5)?,
        upstream_model: row.get(6)?,
        operation: row.get(7)?,
        stream: row.get(8)?,
        state: decode(row, 9, state_of)?,
        usage_source: decode(row, 10, source_of)?,
        usage: Usage {
            prompt_tokens: count(row, 11)?,
            completion_tokens: count(row, 12)?,
            total_tokens: count(row, 13)?,
            cached_tokens: count(row, 14)?,
            reasoning_tokens: count(row, 15)?,
        },
        status: row.get(16)?,
        attempts: row.get(17)?,
        started_at: Timestamp::from_micros(row.get(18)?),
        first_token_ms: row.get::<_, Option<i64>>(19)?.map(unsigned),
        duration_ms: row.get::<_, Option<i64>>(20)?.map(unsigned),
        error: row.get(21)?,
        key_id: row.get::<_, Option<i64>>(23)?.map(KeyId),
        key: row.get(24)?,
        project_id: row.get::<_, Option<i64>>(25)?.map(ProjectId),
        answered_by: row.get(26)?,
        conversation_scope: scope.filter(|_| is_named).map(|scope| scope.to_string()),
        scope,
    })
}

/// A count or a sum of counts; `NULL`, the sum of nothing, is zero.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, Option<i64>>(column)?.map_or(0, unsigned))
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(super) const fn state_code(state: RequestState) -> i64 {
    match state {
        RequestState::Open => 0,
        RequestState::Completed => 1,
        RequestState::Failed => 2,
        RequestState::Cancelled => 3,
        RequestState::Interrupted => 4,
    }
}

fn state_of(code: i64) -> Option<RequestState> {
    Some(match code {
        0 => RequestState::Open,
        1 => RequestState::Completed,
        2 => RequestState::Failed,
        3 => RequestState::Cancelled,
        4 => RequestState::Interrupted,
        _ => return None,
    })
}

pub(super) const fn source_code(source: UsageSource) -> i64 {
    match source {
        UsageSource::None => 0,
        UsageSource::Reported => 1,
        UsageSource::Estimated => 2,
    }
}

fn source_of(code: i64) -> Option<UsageSource> {
    Some(match code {
        0 => UsageSource::None,
        1 => UsageSource::Reported,
        2 => UsageSource::Estimated,
        _ => return None,
    })
}

fn decode<T>(row: &Row<'_>, column: usize, of: fn(i64) -> Option<T>) -> rusqlite::Result<T> {
    let code = row.get(column)?;
    of(code).ok_or_else(|| {
        let cause = Box::new(FromSqlError::OutOfRange(code));
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, cause)
    })
}
