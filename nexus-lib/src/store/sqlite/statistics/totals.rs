use std::collections::BTreeMap;

use rusqlite::{Connection, Params, params, params_from_iter};

use super::super::error::Failure;
use super::super::ledger_row::{count, state_code};
use super::super::start;
use super::super::usage_by_time::folded_until;
use super::conditions::Conditions;
use crate::store::{Bucket, ModelTotals, ProviderTotals, RequestState, Totals};
use crate::wire::{ProviderId, TimeRange, Timestamp};

/// Not grouped: SQLite would sort for that, which takes longer than adding up.
const STORED: &str = "
    SELECT provider_id, model, newest, provider, completed + failed + cancelled + interrupted,
        completed, prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens,
        conversations
    FROM usage_by_time WHERE span = ?1 AND start >= ?2 AND start < ?3";

pub(in super::super) fn totals(view: &Connection, range: TimeRange) -> Result<Totals, Failure> {
    let mut sums = Sums::default();
    let skew = start::skew(view)?;
    let folded = folded_until(view)?;
    let micros = |time: Option<Timestamp>| time.map(Timestamp::as_micros);
    let from = micros(range.from).unwrap_or(i64::MIN);
    let to = micros(range.to).unwrap_or(i64::MAX);
    let mut pieces = Vec::new();
    split(
        from,
        to,
        &[Bucket::Day, Bucket::Hour, Bucket::Minute],
        &mut pieces,
    );
    for piece in pieces {
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
                conditions.keys_within(range, skew);
                conditions.within(range);
                conditions.settled(None);
                sums.add_rows(view, &conditions)?;
            }
        }
    }
    let mut open = Conditions::default();
    open.open();
    open.within(range);
    sums.add_rows(view, &open)?;
    Ok(sums.totals())
}

/// A part of a range of time.
#[derive(Debug, PartialEq)]
enum Piece {
    /// Whole spans: where the first begins, and the first one behind, in seconds.
    Stored(Bucket, i64, i64),
    /// Less than a minute.
    Rows(TimeRange),
}

/// Cuts a range, in microseconds, into as long spans as there are. The least and the greatest number
/// stand for open ends.
fn split(from: i64, to: i64, spans: &[Bucket], pieces: &mut Vec<Piece>) {
    if from >= to {
        return;
    }
    let Some((span, shorter)) = spans.split_first() else {
        let at = |micros| Some(Timestamp::from_micros(micros));
        let range = TimeRange {
            from: at(from),
            to: at(to),
        };
        pieces.push(Piece::Rows(range));
        return;
    };
    let length = span.seconds().saturating_mul(1_000_000);
    let first = match from {
        i64::MIN => i64::MIN,
        from => from.saturating_add((-from.rem_euclid(length)).rem_euclid(length)),
    };
    let end = match to {
        i64::MAX => i64::MAX,
        to => to.saturating_sub(to.rem_euclid(length)),
    };
    if first >= end {
        return split(from, to, shorter, pieces);
    }
    split(from, first, shorter, pieces);
    let seconds = |micros: i64| match micros {
        i64::MIN | i64::MAX => micros,
        micros => micros.div_euclid(1_000_000),
    };
    pieces.push(Piece::Stored(*span, seconds(first), seconds(end)));
    split(end, to, shorter, pieces);
}

/// [`Totals`] in the making.
#[derive(Default)]
pub(super) struct Sums {
    totals: Totals,
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
        let sql = format!(
            "SELECT provider_id, model, MAX(seq), provider, COUNT(*), SUM(state = {completed}),
                 SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens),
                 SUM(reasoning_tokens), SUM(begins)
             FROM ledger {} GROUP BY provider_id, model",
            conditions.sql
        );
        self.add(view, &sql, params_from_iter(&conditions.values))
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
            by_provider: self.providers.into_values().map(|(_, part)| part).collect(),
            by_model: self.models.into_values().collect(),
            ..self.totals
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_at_days_hours_and_minutes() {
        const SECOND: i64 = 1_000_000;
        let spans = [Bucket::Day, Bucket::Hour, Bucket::Minute];
        let rows = |from, to| {
            let at = |micros| Some(Timestamp::from_micros(micros));
            let (from, to) = (at(from), at(to));
            Piece::Rows(TimeRange { from, to })
        };
        let mut pieces = Vec::new();
        split(86_340 * SECOND - 1, 180_065 * SECOND, &spans, &mut pieces);
        let expected = [
            rows(86_340 * SECOND - 1, 86_340 * SECOND),
            Piece::Stored(Bucket::Minute, 86_340, 86_400),
            Piece::Stored(Bucket::Day, 86_400, 172_800),
            Piece::Stored(Bucket::Hour, 172_800, 180_000),
            Piece::Stored(Bucket::Minute, 180_000, 180_060),
            rows(180_060 * SECOND, 180_065 * SECOND),
        ];
        assert_eq!(pieces, expected);

        let mut all = Vec::new();
        split(i64::MIN, i64::MAX, &spans, &mut all);
        assert_eq!(all, [Piece::Stored(Bucket::Day, i64::MIN, i64::MAX)]);
    }
}
