use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::super::conversation::key;
use super::super::error::Failure;
use super::conditions::Conditions;
use super::totals::Sums;
use crate::store::{ConversationTotals, LedgerRow, RowPage};
use crate::wire::{ConversationId, ConversationScope, RequestId, Timestamp};

pub(in super::super) fn conversation(
    view: &Connection,
    id: &ConversationId,
    page: RowPage,
) -> Result<Option<ConversationTotals>, Failure> {
    let mut conditions = Conditions::default();
    let began = id.request().and_then(|id| Some((id.seq(), id.tail()?)));
    match began {
        Some((seq, tail)) => {
            // Rows that name it, and its first request.
            let condition =
                "(conversation_id = ? OR seq = ? AND tail = ? AND conversation_id IS NULL)";
            conditions.and_all(condition, [key(id), Value::from(seq), Value::from(tail)]);
        }
        None => conditions.and("conversation_id = ?", key(id)),
    }
    let scopes = scopes(view, &conditions)?;
    let chosen = match id.scope() {
        Some(scope) => Some(scope),
        // By the client's name: if several clients have it, the newest one.
        None => scopes.first().copied(),
    };
    if let Some(scope) = chosen {
        let scope = scope.as_bytes().to_vec();
        conditions.and("(scope = ? OR scope IS NULL)", Value::Blob(scope));
    }
    let others = scopes.into_iter().filter(|scope| Some(*scope) != chosen);
    let mut sums = Sums::default();
    sums.add_rows(view, &conditions)?;
    let totals = sums.totals();
    if totals.requests == 0 {
        return Ok(None);
    }
    let ends = format!(
        "SELECT MIN(started_at), MAX(started_at), MAX(seq) FROM ledger {}",
        conditions.sql
    );
    let (began_at, last_at, newest): (Option<i64>, Option<i64>, Option<i64>) = view
        .prepare_cached(&ends)?
        .query_row(params_from_iter(&conditions.values), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let last = match newest {
        Some(newest) => {
            let mut statement = view.prepare_cached("SELECT tail FROM ledger WHERE seq = ?1")?;
            let tail = statement.query_row([newest], |row| row.get(0))?;
            Some(RequestId::from_parts(newest, tail))
        }
        None => None,
    };
    let (rows, next) = rows(view, conditions, page)?;
    Ok(Some(ConversationTotals {
        total_requests: totals.requests,
        began_at: began_at.map(Timestamp::from_micros),
        last_at: last_at.map(Timestamp::from_micros),
        last_request_id: last,
        conversation_id: id.to_string(),
        conversation_scope: chosen.map(|scope| scope.to_string()),
        other_scopes: others.map(|scope| scope.to_string()).collect(),
        rounds: totals.total_rounds,
        prompt_tokens: totals.prompt_tokens,
        completion_tokens: totals.completion_tokens,
        total_tokens: totals.total_tokens,
        by_provider: totals.by_provider,
        by_model: totals.by_model,
        requests: rows,
        next,
    }))
}

/// The scopes of the conversations that meet `conditions`, the newest first.
fn scopes(view: &Connection, conditions: &Conditions) -> Result<Vec<ConversationScope>, Failure> {
    let sql = format!(
        "SELECT scope FROM ledger {} AND scope IS NOT NULL GROUP BY scope ORDER BY MAX(seq) DESC LIMIT 100",
        conditions.sql
    );
    let mut statement = view.prepare_cached(&sql)?;
    let scopes = statement.query_map(params_from_iter(&conditions.values), |row| {
        row.get(0).map(ConversationScope::from_bytes)
    })?;
    Ok(scopes.collect::<rusqlite::Result<_>>()?)
}

/// The rows of the page, oldest first, and where the page of older ones ends.
fn rows(
    view: &Connection,
    mut conditions: Conditions,
    page: RowPage,
) -> Result<(Vec<LedgerRow>, Option<RequestId>), Failure> {
    if let Some(after) = page.after {
        conditions.and("seq > ?", after.seq());
    }
    if let Some(before) = page.before {
        conditions.and("seq < ?", before.seq());
    }
    let Some(limit) = page.limit else {
        return Ok((conditions.rows(view, "ORDER BY seq")?, None));
    };
    // One more row shows whether there are older ones.
    let most = limit.saturating_add(1);
    let mut rows = conditions.rows(view, &format!("ORDER BY seq DESC LIMIT {most}"))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.reverse();
    let first = rows.first().map(|row| row.request_id);
    Ok((rows, first.filter(|_| more)))
}
