use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{CachedStatement, Connection, params};

use super::error::Failure;
use super::ledger_row::{source_code, state_code};
use super::{SqliteStore, conversation, start, statistics};
use crate::error::Result;
use crate::store::{
    ConversationTotals, LedgerRow, LedgerStore, LedgerWrite, OpenRow, RequestFilter, RequestState,
    Settlement, Totals,
};
use crate::wire::{ConversationId, RequestId, TimeRange};

/// A row that is there already stays as it is.
const OPEN: &str = "
    INSERT INTO ledger (request_id, conversation_id, provider_id, provider, model, upstream_model,
        operation, stream, state, started_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9)
    ON CONFLICT DO NOTHING";

/// Only an open row is settled.
const SETTLE: &str = "
    UPDATE ledger SET state = ?2, provider_id = ?3, provider = ?4, upstream_model = ?5,
        usage_source = ?6, prompt_tokens = ?7, completion_tokens = ?8, total_tokens = ?9,
        cached_tokens = ?10, reasoning_tokens = ?11, status = ?12, attempts = ?13,
        first_token_ms = ?14, duration_ms = ?15, error = ?16
    WHERE request_id = ?1 AND state = 0";

const WHOLE: &str = "
    INSERT INTO ledger (request_id, state, provider_id, provider, upstream_model, usage_source,
        prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens, status,
        attempts, first_token_ms, duration_ms, error, conversation_id, model, operation, stream,
        started_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
        ?20, ?21)
    ON CONFLICT DO NOTHING";

const INTERRUPT_OPEN: &str = "
    UPDATE ledger SET state = ?1, error = 'interrupted: the gateway stopped before the answer ended'
    WHERE state = 0";

/// A request's tokens are stored up to here. More is an upstream's mistake, which must not make the
/// sums over the ledger overflow.
const MAX_TOKENS: u64 = 1 << 40;

#[async_trait]
impl LedgerStore for SqliteStore {
    async fn append(&self, batch: Arc<Vec<LedgerWrite>>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.write(move |transaction| write_batch(transaction, &batch))
            .await
    }

    async fn interrupt_open(&self) -> Result<u64> {
        self.write(|transaction| {
            let interrupted = state_code(RequestState::Interrupted);
            let rows = transaction.execute(INTERRUPT_OPEN, [interrupted])?;
            Ok(u64::try_from(rows).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn totals(&self, range: TimeRange) -> Result<Totals> {
        self.read(move |view| statistics::totals(view, range)).await
    }

    async fn conversation(&self, id: &ConversationId) -> Result<Option<ConversationTotals>> {
        let id = id.clone();
        self.read(move |view| statistics::conversation(view, &id))
            .await
    }

    async fn requests(
        &self,
        filter: RequestFilter,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>> {
        self.read(move |view| statistics::requests(view, &filter, before, limit))
            .await
    }
}

fn write_batch(connection: &Connection, batch: &[LedgerWrite]) -> Result<(), Failure> {
    start::record_skew(connection, batch)?;
    let mut open = connection.prepare_cached(OPEN)?;
    let mut settle = connection.prepare_cached(SETTLE)?;
    let mut whole = connection.prepare_cached(WHOLE)?;
    for entry in batch {
        match entry {
            LedgerWrite::Open(row) => write_open(&mut open, row)?,
            LedgerWrite::Settle(id, settlement) => write_settle(&mut settle, *id, settlement)?,
            LedgerWrite::Whole(row, settlement) => {
                if !write_whole(&mut whole, row, settlement)? {
                    write_settle(&mut settle, row.request_id, settlement)?;
                }
            }
        }
    }
    Ok(())
}

fn write_open(statement: &mut CachedStatement<'_>, row: &OpenRow) -> Result<(), Failure> {
    statement.execute(params![
        row.request_id.as_bytes(),
        conversation::column(&row.conversation_id, row.request_id),
        row.provider_id.0,
        row.provider,
        row.model,
        row.upstream_model,
        row.operation,
        row.stream,
        row.started_at.as_micros(),
    ])?;
    Ok(())
}

fn write_settle(
    statement: &mut CachedStatement<'_>,
    id: RequestId,
    settlement: &Settlement,
) -> Result<(), Failure> {
    let usage = &settlement.usage;
    statement.execute(params![
        id.as_bytes(),
        state_code(settlement.state),
        settlement.provider_id.0,
        settlement.provider,
        settlement.upstream_model,
        source_code(settlement.usage_source),
        tokens(usage.prompt_tokens),
        tokens(usage.completion_tokens),
        tokens(usage.total_tokens),
        tokens(usage.cached_tokens),
        tokens(usage.reasoning_tokens),
        settlement.status,
        settlement.attempts,
        settlement.first_token_ms.map(saturated),
        saturated(settlement.duration_ms),
        settlement.error,
    ])?;
    Ok(())
}

/// Returns whether the row is new; one that is there is left to [`write_settle`].
fn write_whole(
    statement: &mut CachedStatement<'_>,
    row: &OpenRow,
    settlement: &Settlement,
) -> Result<bool, Failure> {
    let usage = &settlement.usage;
    let written = statement.execute(params![
        row.request_id.as_bytes(),
        state_code(settlement.state),
        settlement.provider_id.0,
        settlement.provider,
        settlement.upstream_model,
        source_code(settlement.usage_source),
        tokens(usage.prompt_tokens),
        tokens(usage.completion_tokens),
        tokens(usage.total_tokens),
        tokens(usage.cached_tokens),
        tokens(usage.reasoning_tokens),
        settlement.status,
        settlement.attempts,
        settlement.first_token_ms.map(saturated),
        saturated(settlement.duration_ms),
        settlement.error,
        conversation::column(&row.conversation_id, row.request_id),
        row.model,
        row.operation,
        row.stream,
        row.started_at.as_micros(),
    ])?;
    Ok(written > 0)
}

fn tokens(count: u64) -> i64 {
    saturated(count.min(MAX_TOKENS))
}

fn saturated(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
