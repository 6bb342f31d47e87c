use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Params, Row, params, params_from_iter};

use super::super::error::Failure;
use super::super::latencies;
use super::super::ledger_row::{count, state_code};
use super::super::start::Skews;
use super::super::usage_by_time::folded_until;
use super::conditions::Conditions;
use super::pieces::{Piece, pieces};
use crate::store::{
    Bucket, Histogram, KeyTotals, ModelTotals, ProviderTotals, RequestState, Totals,
};
use crate::wire::{KeyId, ProviderId, TimeRange};

/// Not grouped: SQLite would sort for that, which takes longer than adding up.
const STORED: &str = "
    SELECT provider_id, model, newest, provider, completed + failed + cancelled + interrupted,
        completed, prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens,
        conversations, failed + interrupted, latency, first_token, key_id
    FROM usage_by_time WHERE span = ?1 AND start >= ?2 AND start < ?3";

/// By key, which hours and days do not tell apart.
const STORED_BY_KEY: &str = "
    SELECT key_id, newest, completed + failed + cancelled + interrupted, prompt_tokens,
        completion_tokens, total_tokens
    FROM usage_by_key WHERE span = ?1 AND start >= ?2 AND start < ?3";

pub(in super::super) fn totals(view: &Connection, range: TimeRange) -> Result<Totals, Failure> {
    let mut sums = Sums::default();
    let skews = Skews::read(view)?;
    let folded = folded_until(view)?;
    let spans = [Bucket::Day, Bucket::Hour, Bucket::Minute];
    for piece in pieces(range, &spans) {
        match piece {
            Piece::Stored(span, first, end) => {
                sums.add(view, STORED, params![span.seconds(), first, end])?;
                sums.add_keys(view, (span, first, end))?;
                if span != Bucket::Minute && folded < end {
                    let minute = Bucket::Minute.seconds();
                    sums.add(view, STORED, params![minute, first.max(folded), end])?;
                }
            }
            Piece::Rows(range) => {
                let mut conditions = Conditions::default();
                conditions.keys_within(range, &skews);
                conditions.within(range);
                conditions.settled(None);
                sums.add_rows(view, &conditions)?;
                sums.add_latencies(view, &conditions)?;
            }
        }
    }
    let mut open = Conditions::default();
    open.open();
    open.within(range);
    sums.add_rows(view, &open)?;
    sums.name_keys(view)?;
    Ok(sums.totals())
}

/// [`Totals`] in the making.
#[derive(Default)]
pub(super) struct Sums {
    totals: Totals,
    latency: Histogram,
    first_token: Histogram,
    /// Each with the newest row that it has, whose name it bears.
    providers: BTreeMap<i64, (i64, ProviderTotals)>,
    models: BTreeMap<String, ModelTotals>,
    /// Each with the newest row that it has.
    keys: BTreeMap<i64, (i64, KeyTotals)>,
}

impl Sums {
    /// Adds the rows of the ledger that meet `conditions`.
    pub(super) fn add_rows(
        &mut self,
        view: &Connection,
        conditions: &Conditions,
    ) -> Result<(), Failure> {
        let completed = state_code(RequestState::Completed);
        let failed = state_code(RequestState::Failed);
        let interrupted = state_code(RequestState::Interrupted);
        let sql = format!(
            "SELECT provider_id, model, MAX(seq), provider, COUNT(*), SUM(state = {completed}),
                 SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens),
                 SUM(reasoning_tokens), SUM(begins), SUM(state IN ({failed}, {interrupted})), NULL,
                 NULL, key_id
             FROM ledger {} GROUP BY provider_id, model, key_id",
            conditions.sql
        );
        self.add(view, &sql, params_from_iter(&conditions.values))
    }

    /// Adds how long those rows took that meet `conditions` and were completed.
    fn add_latencies(&mut self, view: &Connection, conditions: &Conditions) -> Result<(), Failure> {
        let mut conditions = conditions.clone();
        conditions.settled(Some(RequestState::Completed));
        let sql = format!(
            "SELECT duration_ms, first_token_ms FROM ledger {}",
            conditions.sql
        );
        let mut statement = view.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&conditions.values))?;
        while let Some(row) = rows.next()? {
            add_ms(&mut self.latency, row, 0)?;
            add_ms(&mut self.first_token, row, 1)?;
        }
        Ok(())
    }

    /// Adds what `sql` has added up by provider and model, or more finely. `provider` is the one of
    /// the row with the greatest key: SQLite defines bare columns beside `MAX` so.
    fn add(&mut self, view: &Connection, sql: &str, values: impl Params) -> Result<(), Failure> {
        let mut statement = view.prepare_cached(sql)?;
        let mut groups = statement.query(values)?;
        let totals = &mut self.totals;
        while let Some(row) = groups.next()? {
            let provider_id: i64 = row.get(0)?;
            let model = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            let newest: i64 = row.get(2)?;
            let requests = count(row, 4)?;
            let (prompt, completion, total) = (count(row, 6)?, count(row, 7)?, count(row, 8)?);

            totals.requests += requests;
            totals.total_rounds += count(row, 5)?;
            totals.prompt_tokens += prompt;
            totals.completion_tokens += completion;
            totals.total_tokens += total;
            totals.cached_tokens += count(row, 9)?;
            totals.reasoning_tokens += count(row, 10)?;
            totals.total_conversations += count(row, 11)?;
            totals.errors += count(row, 12)?;
            latencies::add(&mut self.latency, row.get_ref(13)?)?;
            latencies::add(&mut self.first_token, row.get_ref(14)?)?;

            let (named_by, part) = self.providers.entry(provider_id).or_insert_with(|| {
                let none = ProviderTotals {
                    provider_id: ProviderId(provider_id),
                    provider: String::new(),
                    requests: 0,
                    prompt_tokens: 0,
                    completion_tokens: 0,
                    total_tokens: 0,
                };
                (i64::MIN, none)
            });
            if newest > *named_by {
                (*named_by, part.provider) = (newest, row.get(3)?);
            }
            part.requests += requests;
            part.prompt_tokens += prompt;
            part.completion_tokens += completion;
            part.total_tokens += total;

            if let Some(key) = row.get::<_, Option<i64>>(15)? {
                add_key(
                    &mut self.keys,
                    (key, newest),
                    [requests, prompt, completion, total],
                );
            }

            let part = match self.models.get_mut(model) {
                Some(part) => part,
                None => self.models.entry(model.to_owned()).or_insert(ModelTotals {
                    model: model.to_owned(),
                    requests: 0,
                    prompt_tokens: 0,
                    completion_tokens: 0,
                    total_tokens: 0,
                }),
            };
            part.requests += requests;
            part.prompt_tokens += prompt;
            part.completion_tokens += completion;
            part.total_tokens += total;
        }
        Ok(())
    }

    /// Adds what hours and days have by key.
    fn add_keys(
        &mut self,
        view: &Connection,
        (span, first, end): (Bucket, i64, i64),
    ) -> Result<(), Failure> {
        let mut statement = view.prepare_cached(STORED_BY_KEY)?;
        let mut rows = statement.query(params![span.seconds(), first, end])?;
        while let Some(row) = rows.next()? {
            let figures = [
                count(row, 2)?,
                count(row, 3)?,
                count(row, 4)?,
                count(row, 5)?,
            ];
            add_key(&mut self.keys, (row.get(0)?, row.get(1)?), figures);
        }
        Ok(())
    }

    /// Gives each key the name that its newest row has.
    fn name_keys(&mut self, view: &Connection) -> Result<(), Failure> {
        let mut name = view.prepare_cached("SELECT key FROM ledger WHERE seq = ?1")?;
        for (newest, part) in self.keys.values_mut() {
            let named = name.query_row([*newest], |row| row.get(0)).optional()?;
            part.key = named.flatten();
        }
        Ok(())
    }

    pub(super) fn totals(self) -> Totals {
        Totals {
            latency_ms: self.latency.percentiles(),
            first_token_ms: self.first_token.percentiles(),
            by_provider: self.providers.into_values().map(|(_, part)| part).collect(),
            by_model: self.models.into_values().collect(),
            by_key: self.keys.into_values().map(|(_, part)| part).collect(),
            ..self.totals
        }
    }
}

/// Adds requests and tokens to the sum of a key; 0 stands for none.
fn add_key(
    keys: &mut BTreeMap<i64, (i64, KeyTotals)>,
    (key, newest): (i64, i64),
    [requests, prompt, completion, total]: [u64; 4],
) {
    if key == 0 {
        return;
    }
    let (named_by, part) = keys.entry(key).or_insert_with(|| {
        let none = KeyTotals {
            key_id: KeyId(key),
            key: None,
            requests: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            total_tokens: 0,
        };
        (newest, none)
    });
    *named_by = newest.max(*named_by);
    part.requests += requests;
    part.prompt_tokens += prompt;
    part.completion_tokens += completion;
    part.total_tokens += total;
}

/// Counts a length in milliseconds, where the column has one.
pub(super) fn add_ms(sum: &mut Histogram, row: &Row<'_>, column: usize) -> Result<(), Failure> {
    let ms: Option<i64> = row.get(column)?;
    if let Some(ms) = ms.and_then(|ms| u64::try_from(ms).ok()) {
        sum.add(ms);
    }
    Ok(())
}
