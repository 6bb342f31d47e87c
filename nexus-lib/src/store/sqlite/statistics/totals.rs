use std::collections::BTreeMap;

use rusqlite::{Connection, Params, Row, params, params_from_iter};

use super::super::error::Failure;
use super::super::latencies;
use super::super::ledger_row::{count, state_code};
use super::super::start::Skews;
use super::super::usage_by_time::folded_until;
use super::conditions::Conditions;
use super::pieces::{Piece, pieces};
use crate::store::{Bucket, Histogram, ModelTotals, ProviderTotals, RequestState, Totals};
use crate::wire::{ProviderId, TimeRange};

/// Not grouped: SQLite would sort for that, which takes longer than adding up.
const STORED: &str = "
    SELECT provider_id, model, newest, provider, completed + failed + cancelled + interrupted,
        completed, prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens,
        conversations, failed + interrupted, latency, first_token
    FROM usage_by_time WHERE span = ?1 AND start >= ?2 AND start < ?3";

pub(in super::super) fn totals(view: &Connection, range: TimeRange) -> Result<Totals, Failure> {
    let mut sums = Sums::default();
    let skews = Skews::read(view)?;
    let folded = folded_until(view)?;
    let spans = [Bucket::Day, Bucket::Hour, Bucket::Minute];
    for piece in pieces(range, &spans) {
        match piece {
            Piece::Stored(span, first, end) => {
                sums.add(view, STORED, params![span.seconds(), first, end])?;
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
                 NULL
             FROM ledger {} GROUP BY provider_id, model",
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

    /// Adds what `sql` has added up by provider and model, or more finely. `provider` is the one of the
    /// row with the greatest key: SQLite defines bare columns beside `MAX` so.
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

    pub(super) fn totals(self) -> Totals {
        Totals {
            latency_ms: self.latency.percentiles(),
            first_token_ms: self.first_token.percentiles(),
            by_provider: self.providers.into_values().map(|(_, part)| part).collect(),
            by_model: self.models.into_values().collect(),
            ..self.totals
        }
    }
}

/// Counts a length in milliseconds, where the column has one.
pub(super) fn add_ms(sum: &mut Histogram, row: &Row<'_>, column: usize) -> Result<(), Failure> {
    let ms: Option<i64> = row.get(column)?;
    if let Some(ms) = ms.and_then(|ms| u64::try_from(ms).ok()) {
        sum.add(ms);
    }
    Ok(())
}
