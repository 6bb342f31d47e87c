use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{CachedStatement, Connection, params};

use super::error::Failure;
use super::ledger_row::{source_code, state_code};
use super::usage_by_time::{ByClient, Settled, UsageByTime};
use super::{SqliteStore, conversation, start, statistics, threads, tries};
use crate::error::{ErrorKind, Result};
use crate::store::{
    Bucket, ConversationTotals, LedgerRow, LedgerStore, LedgerWrite, OpenRow, RequestFilter,
    RequestRecord, RequestState, RowPage, SeriesBucket, Settlement, Totals,
};
use crate::wire::{
    ConversationId, ProviderId, RequestId, ThreadMark, TimeRange, TimeZone, Timestamp, Usage,
};

/// A row that is there already stays as it is.
const OPEN: &str = "
    INSERT INTO ledger (seq, tail, conversation_id, begins, provider_id, provider, model,
        upstream_model, operation, stream, state, started_at, scope, key_id, key, project_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?12, ?13, ?14, ?15)
    ON CONFLICT DO NOTHING";

/// Only an open row is settled.
const SETTLE: &str = "
    UPDATE ledger SET state = ?3, provider_id = ?4, provider = ?5, upstream_model = ?6,
        usage_source = ?7, prompt_tokens = ?8, completion_tokens = ?9, total_tokens = ?10,
        cached_tokens = ?11, reasoning_tokens = ?12, status = ?13, attempts = ?14,
        first_token_ms = ?15, duration_ms = ?16, error = ?17,
        thread = ?18, upstream_status = ?19, tries = ?20
    WHERE seq = ?1 AND tail = ?2 AND state = 0
    RETURNING started_at, model, begins, key_id, project_id";

const WHOLE: &str = "
    INSERT INTO ledger (seq, tail, state, provider_id, provider, upstream_model, usage_source,
        prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens, status,
        attempts, first_token_ms, duration_ms, error, thread, upstream_status, tries, conversation_id,
        begins, model, operation, stream, started_at, scope, key_id, key, project_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
        ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)
    ON CONFLICT DO NOTHING";

/// Whether a conversation has rows: those that name it, and the one after which it is named.
const HAS_BEGUN: &str = "
    SELECT EXISTS (SELECT 1 FROM ledger WHERE conversation_id = ?1
            AND (?4 IS NULL OR scope IS NULL OR scope = ?4))
        OR EXISTS (SELECT 1 FROM ledger WHERE seq = ?2 AND tail = ?3 AND conversation_id IS NULL
            AND (?4 IS NULL OR scope IS NULL OR scope = ?4))";

const INTERRUPT_OPEN: &str = "
    UPDATE ledger SET state = ?1, error = 'interrupted: the gateway stopped before the answer ended'
    WHERE state = 0
    RETURNING seq, started_at, provider_id, provider, model, begins, key_id, project_id";

/// A request's tokens are stored up to here. More is an upstream's mistake, which must not make the
/// sums over the ledger overflow.
const MAX_TOKENS: u64 = 1 << 40;

#[async_trait]
impl LedgerStore for SqliteStore {
    async fn append(&self, batch: Arc<Vec<LedgerWrite>>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if let Some(disk) = &self.inner.disk {
            // Nobody knows whether the files come back: those who wait for the row are told at once.
            disk.files.check(ErrorKind::StoreInvalid)?;
        }
        self.write(move |transaction| write_batch(transaction, &batch))
            .await
    }

    async fn interrupt_open(&self) -> Result<u64> {
        self.write(interrupt_open).await
    }

    async fn totals(&self, range: TimeRange) -> Result<Totals> {
        self.read(move |view| statistics::totals(view, range)).await
    }

    async fn series(
        &self,
        bucket: Bucket,
        range: TimeRange,
        zone: &TimeZone,
    ) -> Result<Vec<SeriesBucket>> {
        let zone = zone.clone();
        self.read(move |view| statistics::series(view, bucket, range, &zone))
            .await
    }

    async fn threads(
        &self,
        now: Timestamp,
        memory: Duration,
        most: usize,
    ) -> Result<Vec<(ThreadMark, ConversationId, Timestamp)>> {
        self.read(move |view| threads::read(view, now, memory, most))
            .await
    }

    async fn conversation(
        &self,
        id: &ConversationId,
        page: RowPage,
    ) -> Result<Option<ConversationTotals>> {
        let id = id.clone();
        self.read(move |view| statistics::conversation(view, &id, page))
            .await
    }

    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>> {
        self.read(move |view| statistics::request(view, id)).await
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

/// Makes ids sort behind those that are stored, so that no key is used twice where the clock was set
/// back.
pub(super) fn raise_ids(connection: &Connection) -> Result<(), Failure> {
    let newest: Option<i64> =
        connection.query_row("SELECT MAX(seq) FROM ledger", [], |row| row.get(0))?;
    if let Some(newest) = newest {
        RequestId::from_parts(newest, 0).rise_above();
    }
    Ok(())
}

fn interrupt_open(connection: &Connection) -> Result<u64, Failure> {
    let state = RequestState::Interrupted;
    let mut usage = UsageByTime::default();
    let mut interrupt = connection.prepare_cached(INTERRUPT_OPEN)?;
    let mut rows = interrupt.query([state_code(state)])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let provider: String = row.get(3)?;
        let model: String = row.get(4)?;
        let settled = Settled {
            seq: row.get(0)?,
            started_at: Timestamp::from_micros(row.get(1)?),
            provider_id: ProviderId(row.get(2)?),
            provider: &provider,
            model: &model,
            begins: row.get(5)?,
            client: ByClient::read(row, 6)?,
            state,
            usage: Usage::default(),
            duration_ms: None,
            first_token_ms: None,
        };
        usage.add(&settled);
        count += 1;
    }
    usage.write(connection)?;
    Ok(count)
}

fn write_batch(connection: &Connection, batch: &[LedgerWrite]) -> Result<(), Failure> {
    start::record_skew(connection, batch)?;
    let mut statements = Statements {
        open: connection.prepare_cached(OPEN)?,
        settle: connection.prepare_cached(SETTLE)?,
        whole: connection.prepare_cached(WHOLE)?,
        has_begun: connection.prepare_cached(HAS_BEGUN)?,
        tail: connection.prepare_cached("SELECT tail FROM ledger WHERE seq = ?1")?,
        usage: UsageByTime::default(),
    };
    for entry in batch {
        let id = match entry {
            LedgerWrite::Open(row) | LedgerWrite::Whole(row, _) => row.request_id,
            LedgerWrite::Settle(id, _) => *id,
        };
        let Some(tail) = id.tail() else {
            tracing::error!(request_id = %id, "not on the ledger: the id is no UUIDv7");
            continue;
        };
        let key = Key {
            seq: id.seq(),
            tail,
        };
        match entry {
            LedgerWrite::Open(row) => statements.open(key, row)?,
            LedgerWrite::Settle(_, settlement) => statements.settle(key, settlement)?,
            LedgerWrite::Whole(row, settlement) => statements.whole(key, row, settlement)?,
        }
    }
    statements.usage.write(connection)
}

/// A request's id as two columns.
#[derive(Clone, Copy)]
struct Key {
    seq: i64,
    tail: i64,
}

/// What a batch is written with.
struct Statements<'c> {
    open: CachedStatement<'c>,
    settle: CachedStatement<'c>,
    whole: CachedStatement<'c>,
    has_begun: CachedStatement<'c>,
    tail: CachedStatement<'c>,
    usage: UsageByTime,
}

impl Statements<'_> {
    fn open(&mut self, key: Key, row: &OpenRow) -> Result<(), Failure> {
        let conversation = conversation::column(&row.conversation_id, row.request_id);
        let begins = self.begins(&conversation, &row.conversation_id)?;
        let written = self.open.execute(params![
            key.seq,
            key.tail,
            conversation,
            begins,
            row.provider_id.0,
            row.provider,
            row.model,
            row.upstream_model,
            row.operation,
            row.stream,
            row.started_at.as_micros(),
            conversation::scope(&row.conversation_id),
            row.key_id.map(|id| id.0),
            row.key,
            row.project_id.map(|id| id.0),
        ])?;
        if written == 0 {
            self.is_there(key, row.request_id)?;
        }
        Ok(())
    }

    fn settle(&mut self, key: Key, settlement: &Settlement) -> Result<(), Failure> {
        let usage = capped(settlement.usage);
        let mut rows = self.settle.query(params![
            key.seq,
            key.tail,
            state_code(settlement.state),
            settlement.provider_id.0,
            settlement.provider,
            settlement.upstream_model,
            source_code(settlement.usage_source),
            saturated(usage.prompt_tokens),
            saturated(usage.completion_tokens),
            saturated(usage.total_tokens),
            saturated(usage.cached_tokens),
            saturated(usage.reasoning_tokens),
            settlement.status,
            settlement.attempts,
            settlement.first_token_ms.map(saturated),
            saturated(settlement.duration_ms),
            settlement.error,
            settlement.thread.map(|mark| mark.bits().to_le_bytes()),
            tries::upstream_status(settlement),
            tries::column(settlement)?,
        ])?;
        if let Some(row) = rows.next()? {
            let model = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            let settled = Settled {
                seq: key.seq,
                started_at: Timestamp::from_micros(row.get(0)?),
                provider_id: settlement.provider_id,
                provider: &settlement.provider,
                model,
                begins: row.get(2)?,
                client: ByClient::read(row, 3)?,
                state: settlement.state,
                usage,
                duration_ms: Some(settlement.duration_ms),
                first_token_ms: settlement.first_token_ms,
            };
            self.usage.add(&settled);
        }
        Ok(())
    }

    fn whole(&mut self, key: Key, row: &OpenRow, settlement: &Settlement) -> Result<(), Failure> {
        let conversation = conversation::column(&row.conversation_id, row.request_id);
        let begins = self.begins(&conversation, &row.conversation_id)?;
        let usage = capped(settlement.usage);
        let written = self.whole.execute(params![
            key.seq,
            key.tail,
            state_code(settlement.state),
            settlement.provider_id.0,
            settlement.provider,
            settlement.upstream_model,
            source_code(settlement.usage_source),
            saturated(usage.prompt_tokens),
            saturated(usage.completion_tokens),
            saturated(usage.total_tokens),
            saturated(usage.cached_tokens),
            saturated(usage.reasoning_tokens),
            settlement.status,
            settlement.attempts,
            settlement.first_token_ms.map(saturated),
            saturated(settlement.duration_ms),
            settlement.error,
            settlement.thread.map(|mark| mark.bits().to_le_bytes()),
            tries::upstream_status(settlement),
            tries::column(settlement)?,
            conversation,
            begins,
            row.model,
            row.operation,
            row.stream,
            row.started_at.as_micros(),
            conversation::scope(&row.conversation_id),
            row.key_id.map(|id| id.0),
            row.key,
            row.project_id.map(|id| id.0),
        ])?;
        if written == 0 {
            if self.is_there(key, row.request_id)? {
                self.settle(key, settlement)?;
            }
            return Ok(());
        }
        self.usage.add(&Settled {
            seq: key.seq,
            started_at: row.started_at,
            provider_id: settlement.provider_id,
            provider: &settlement.provider,
            model: &row.model,
            begins,
            client: ByClient::of(row),
            state: settlement.state,
            usage,
            duration_ms: Some(settlement.duration_ms),
            first_token_ms: settlement.first_token_ms,
        });
        Ok(())
    }

    /// Whether a row with this conversation is its first one, should it be written now.
    fn begins(
        &mut self,
        column: &ToSqlOutput<'_>,
        conversation: &ConversationId,
    ) -> Result<bool, Failure> {
        if *column == ToSqlOutput::Owned(Value::Null) {
            return Ok(true);
        }
        let first = conversation.request();
        let key = first.and_then(|first| Some((first.seq(), first.tail()?)));
        let (seq, tail) = key.unzip();
        let has_begun: bool = self.has_begun.query_row(
            params![column, seq, tail, conversation::scope(conversation)],
            |row| row.get(0),
        )?;
        Ok(!has_begun)
    }

    /// Whether the row that has this key is that of request `id`, and not of another one.
    fn is_there(&mut self, key: Key, id: RequestId) -> Result<bool, Failure> {
        let tail: i64 = self.tail.query_row([key.seq], |row| row.get(0))?;
        if tail != key.tail {
            tracing::error!(
                request_id = %id,
                "not on the ledger: the id was not made here, and another has its first 60 bits"
            );
        }
        Ok(tail == key.tail)
    }
}

fn capped(usage: Usage) -> Usage {
    Usage {
        prompt_tokens: usage.prompt_tokens.min(MAX_TOKENS),
        completion_tokens: usage.completion_tokens.min(MAX_TOKENS),
        total_tokens: usage.total_tokens.min(MAX_TOKENS),
        cached_tokens: usage.cached_tokens.min(MAX_TOKENS),
        reasoning_tokens: usage.reasoning_tokens.min(MAX_TOKENS),
    }
}

fn saturated(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
