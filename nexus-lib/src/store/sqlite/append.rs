//! Writing: beginnings and endings of requests, as rows, sums and notes in the outbox.

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{CachedStatement, Connection, Statement, ToSql, params};

use super::error::Failure;
use super::ledger_row::{source_code, state_code};
use super::outbox::Notes;
use super::usage_by_time::{ByClient, Settled, UsageByTime};
use super::{conversation, start, tries};
use crate::store::{LedgerWrite, OpenRow, Settlement};
use crate::wire::{ConversationId, RequestId, Timestamp, Usage};

/// A row that is there already stays as it is.
const OPEN: &str = "
    INSERT INTO ledger (seq, tail, conversation_id, begins, provider_id, provider, model,
        upstream_model, operation, stream, state, started_at, scope, key_id, key, project_id, owner)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT DO NOTHING";

/// Only an open row is settled.
const SETTLE: &str = "
    UPDATE ledger SET state = ?3, provider_id = ?4, provider = ?5, upstream_model = ?6,
        usage_source = ?7, prompt_tokens = ?8, completion_tokens = ?9, total_tokens = ?10,
        cached_tokens = ?11, reasoning_tokens = ?12, status = ?13, attempts = ?14,
        first_token_ms = ?15, duration_ms = ?16, error = ?17,
        thread = ?18, upstream_status = ?19, tries = ?20, answered_by = ?21
    WHERE seq = ?1 AND tail = ?2 AND state = 0
    RETURNING started_at, model, begins, key_id, project_id";

const WHOLE: &str = "
    INSERT INTO ledger (seq, tail, state, provider_id, provider, upstream_model, usage_source,
        prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens, status,
        attempts, first_token_ms, duration_ms, error, thread, upstream_status, tries, answered_by,
        conversation_id, begins, model, operation, stream, started_at, scope, key_id, key, project_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
        ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)
    ON CONFLICT DO NOTHING";

/// Whether a conversation has rows: those that name it, and the one after which it is named.
const HAS_BEGUN: &str = "
    SELECT EXISTS (SELECT 1 FROM ledger WHERE conversation_id = ?1
            AND (?4 IS NULL OR scope IS NULL OR scope = ?4))
        OR EXISTS (SELECT 1 FROM ledger WHERE seq = ?2 AND tail = ?3 AND conversation_id IS NULL
            AND (?4 IS NULL OR scope IS NULL OR scope = ?4))";

/// A request's tokens are stored up to here. More is an upstream's mistake, which must not make the
/// sums over the ledger overflow.
const MAX_TOKENS: u64 = 1 << 40;

/// Writes a batch, and notes in the outbox what it settles, if rows are kept there.
pub(super) fn write_batch(
    connection: &Connection,
    batch: &[LedgerWrite],
    is_kept: bool,
) -> Result<(), Failure> {
    start::record_skew(connection, batch)?;
    let mut statements = Statements {
        open: connection.prepare_cached(OPEN)?,
        settle: connection.prepare_cached(SETTLE)?,
        whole: connection.prepare_cached(WHOLE)?,
        has_begun: connection.prepare_cached(HAS_BEGUN)?,
        tail: connection.prepare_cached("SELECT tail FROM ledger WHERE seq = ?1")?,
        usage: UsageByTime::default(),
        outbox: Notes::of(connection, is_kept)?,
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
    outbox: Notes<'c>,
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
            row.owner.as_bytes(),
        ])?;
        if written == 0 {
            self.is_there(key, row.request_id)?;
        }
        Ok(())
    }

    fn settle(&mut self, key: Key, settlement: &Settlement) -> Result<(), Failure> {
        let usage = capped(settlement.usage);
        bind_settlement(&mut self.settle, key, settlement, usage)?;
        let mut rows = self.settle.raw_query();
        if let Some(row) = rows.next()? {
            let opened = Opened {
                started_at: Timestamp::from_micros(row.get(0)?),
                model: row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?,
                begins: row.get(2)?,
                client: ByClient::read(row, 3)?,
            };
            self.usage.add(&settled(key, settlement, usage, opened));
            self.outbox.note(key.seq)?;
        }
        Ok(())
    }

    fn whole(&mut self, key: Key, row: &OpenRow, settlement: &Settlement) -> Result<(), Failure> {
        let conversation = conversation::column(&row.conversation_id, row.request_id);
        let begins = self.begins(&conversation, &row.conversation_id)?;
        let usage = capped(settlement.usage);
        bind_settlement(&mut self.whole, key, settlement, usage)?;
        let columns = params![
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
        ];
        bind(&mut self.whole, SETTLEMENT_PARAMETERS + 1, columns)?;
        let written = self.whole.raw_execute()?;
        if written == 0 {
            if self.is_there(key, row.request_id)? {
                self.settle(key, settlement)?;
            }
            return Ok(());
        }
        let opened = Opened {
            started_at: row.started_at,
            model: &row.model,
            begins,
            client: ByClient::of(row),
        };
        self.usage.add(&settled(key, settlement, usage, opened));
        self.outbox.note(key.seq)
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

/// How many parameters [`bind_settlement`] binds.
const SETTLEMENT_PARAMETERS: usize = 21;

/// Binds the parameters that [`SETTLE`] and [`WHOLE`] begin with.
fn bind_settlement(
    statement: &mut Statement<'_>,
    key: Key,
    settlement: &Settlement,
    usage: Usage,
) -> Result<(), Failure> {
    let parameters: [&dyn ToSql; SETTLEMENT_PARAMETERS] = [
        &key.seq,
        &key.tail,
        &state_code(settlement.state),
        &settlement.provider_id.0,
        &settlement.provider,
        &settlement.upstream_model,
        &source_code(settlement.usage_source),
        &saturated(usage.prompt_tokens),
        &saturated(usage.completion_tokens),
        &saturated(usage.total_tokens),
        &saturated(usage.cached_tokens),
        &saturated(usage.reasoning_tokens),
        &settlement.status,
        &settlement.attempts,
        &settlement.first_token_ms.map(saturated),
        &saturated(settlement.duration_ms),
        &settlement.error,
        &settlement.mark.map(|mark| mark.bits().to_le_bytes()),
        &tries::upstream_status(settlement),
        &tries::column(settlement)?,
        &settlement.answered_by,
    ];
    Ok(bind(statement, 1, &parameters)?)
}

/// Binds `parameters` from number `first` on.
fn bind(
    statement: &mut Statement<'_>,
    first: usize,
    parameters: &[&dyn ToSql],
) -> rusqlite::Result<()> {
    for (number, parameter) in (first..).zip(parameters) {
        statement.raw_bind_parameter(number, parameter)?;
    }
    Ok(())
}

/// What a row that is settled was opened with.
struct Opened<'a> {
    started_at: Timestamp,
    model: &'a str,
    begins: bool,
    client: ByClient,
}

/// What of a settled row is added up.
fn settled<'a>(
    key: Key,
    settlement: &'a Settlement,
    usage: Usage,
    opened: Opened<'a>,
) -> Settled<'a> {
    Settled {
        seq: key.seq,
        started_at: opened.started_at,
        provider_id: settlement.provider_id,
        provider: &settlement.provider,
        model: opened.model,
        begins: opened.begins,
        client: opened.client,
        state: settlement.state,
        usage,
        duration_ms: Some(settlement.duration_ms),
        first_token_ms: settlement.first_token_ms,
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
