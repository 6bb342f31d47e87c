use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::error::Failure;
use super::ledger_row::{self, COLUMNS, count, state_code};
use super::{conversation, start};
use crate::store::{
    ConversationTotals, LedgerRow, ModelTotals, ProviderTotals, RequestFilter, RequestState, Totals,
};
use crate::wire::{ConversationId, ProviderId, RequestId, TimeRange};

/// Conditions on rows, with their values bound, never pasted.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition whose one `?` is `value`.
    fn and(&mut self, condition: &'static str, value: impl Into<Value>) {
        self.and_all(condition, [value.into()]);
    }

    /// Adds a condition with a `?` for each of `values`.
    fn and_all<const N: usize>(&mut self, condition: &'static str, values: [Value; N]) {
        let glue = if self.sql.is_empty() { "WHERE" } else { "AND" };
        self.sql.push_str(&format!("{glue} {condition} "));
        self.values.extend(values);
    }

    fn within(&mut self, view: &Connection, range: TimeRange) -> Result<(), Failure> {
        if range == TimeRange::ALL {
            return Ok(());
        }
        let (first, end) = start::ids(view, range)?;
        if let Some(first) = first {
            self.and("request_id >= ?", first.as_bytes().to_vec());
        }
        if let Some(end) = end {
            self.and("request_id < ?", end.as_bytes().to_vec());
        }
        if let Some(from) = range.from {
            self.and("started_at >= ?", from.as_micros());
        }
        if let Some(to) = range.to {
            self.and("started_at < ?", to.as_micros());
        }
        Ok(())
    }
}

pub(super) fn totals(view: &Connection, range: TimeRange) -> Result<Totals, Failure> {
    let mut conditions = Conditions::default();
    conditions.within(view, range)?;
    sums(view, &conditions)
}

pub(super) fn conversation(
    view: &Connection,
    id: &ConversationId,
) -> Result<Option<ConversationTotals>, Failure> {
    let mut conditions = Conditions::default();
    let key = conversation::key(id);
    match key {
        Value::Blob(_) => {
            // Rows that name it, and the one that began it.
            let condition = "(conversation_id = ? OR request_id = ? AND conversation_id IS NULL)";
            conditions.and_all(condition, [key.clone(), key]);
        }
        _ => conditions.and("conversation_id = ?", key),
    }
    let totals = sums(view, &conditions)?;
    if totals.requests == 0 {
        return Ok(None);
    }
    Ok(Some(ConversationTotals {
        conversation_id: id.to_string(),
        rounds: totals.total_rounds,
        prompt_tokens: totals.prompt_tokens,
        completion_tokens: totals.completion_tokens,
        total_tokens: totals.total_tokens,
        by_provider: totals.by_provider,
        by_model: totals.by_model,
        requests: rows(view, &conditions, "ORDER BY request_id")?,
    }))
}

pub(super) fn requests(
    view: &Connection,
    filter: &RequestFilter,
    before: Option<RequestId>,
    limit: u32,
) -> Result<Vec<LedgerRow>, Failure> {
    let mut conditions = Conditions::default();
    if let Some(before) = before {
        conditions.and("request_id < ?", before.as_bytes().to_vec());
    }
    if let Some(model) = &filter.model {
        conditions.and("model = ?", model.clone());
    }
    if let Some(provider) = filter.provider_id {
        conditions.and("provider_id = ?", provider.0);
    }
    if let Some(state) = filter.state {
        conditions.and("state = ?", state_code(state));
    }
    conditions.within(view, filter.range)?;
    let order = format!("ORDER BY request_id DESC LIMIT {limit}");
    rows(view, &conditions, &order)
}

fn rows(
    view: &Connection,
    conditions: &Conditions,
    order: &str,
) -> Result<Vec<LedgerRow>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM ledger {} {order}", conditions.sql);
    let mut statement = view.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(&conditions.values), ledger_row::read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// One pass over the rows, grouped as finely as both breakdowns need, then added up here.
fn sums(view: &Connection, conditions: &Conditions) -> Result<Totals, Failure> {
    let completed = state_code(RequestState::Completed);
    // `provider` is the one of the row with the greatest id: SQLite defines bare columns beside MAX so.
    let sql = format!(
        "SELECT provider_id, model, MAX(request_id), provider, COUNT(*), SUM(state = {completed}),
             SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens),
             SUM(reasoning_tokens)
         FROM ledger {} GROUP BY provider_id, model",
        conditions.sql
    );
    let mut statement = view.prepare_cached(&sql)?;
    let mut groups = statement.query(params_from_iter(&conditions.values))?;
    let mut totals = Totals::default();
    let mut providers: BTreeMap<i64, (RequestId, ProviderTotals)> = BTreeMap::new();
    let mut models: BTreeMap<String, ModelTotals> = BTreeMap::new();
    while let Some(row) = groups.next()? {
        let (provider_id, model): (i64, String) = (row.get(0)?, row.get(1)?);
        let newest = RequestId::from_bytes(row.get(2)?);
        let name: String = row.get(3)?;
        let requests = count(row, 4)?;
        let (prompt, completion, total) = (count(row, 6)?, count(row, 7)?, count(row, 8)?);

        totals.requests += requests;
        totals.total_rounds += count(row, 5)?;
        totals.prompt_tokens += prompt;
        totals.completion_tokens += completion;
        totals.total_tokens += total;
        totals.cached_tokens += count(row, 9)?;
        totals.reasoning_tokens += count(row, 10)?;

        let (named_by, provider) = providers.entry(provider_id).or_insert_with(|| {
            let none = ProviderTotals {
                provider_id: ProviderId(provider_id),
                provider: String::new(),
                requests: 0,
                prompt_tokens: 0,
                completion_tokens: 0,
                total_tokens: 0,
            };
            (RequestId::from_bytes([0; 16]), none)
        });
        if newest >= *named_by {
            (*named_by, provider.provider) = (newest, name);
        }
        provider.requests += requests;
        provider.prompt_tokens += prompt;
        provider.completion_tokens += completion;
        provider.total_tokens += total;

        let part = models.entry(model.clone()).or_insert_with(|| ModelTotals {
            model,
            requests: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            total_tokens: 0,
        });
        part.requests += requests;
        part.prompt_tokens += prompt;
        part.completion_tokens += completion;
        part.total_tokens += total;
    }
    totals.total_conversations = conversations(view, conditions)?;
    totals.by_provider = providers.into_values().map(|(_, part)| part).collect();
    totals.by_model = models.into_values().collect();
    Ok(totals)
}

fn conversations(view: &Connection, conditions: &Conditions) -> Result<u64, Failure> {
    let sql = format!(
        "SELECT COUNT(DISTINCT COALESCE(conversation_id, request_id)) FROM ledger {}",
        conditions.sql
    );
    let mut statement = view.prepare_cached(&sql)?;
    let values = params_from_iter(&conditions.values);
    Ok(statement.query_row(values, |row| count(row, 0))?)
}
