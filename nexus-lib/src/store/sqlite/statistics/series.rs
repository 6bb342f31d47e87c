use rusqlite::{Connection, params, params_from_iter};

use super::super::error::Failure;
use super::super::latencies;
use super::super::ledger_row::{count, state_code};
use super::super::start::Skews;
use super::super::usage_by_time::folded_until;
use super::conditions::Conditions;
use super::pieces::{Piece, pieces};
use super::totals::add_ms;
use crate::store::{Bucket, Histogram, RequestState, SeriesBucket, Steps};
use crate::wire::{TimeRange, TimeZone, Timestamp};

/// Not grouped: histograms are merged here.
const STORED: &str = "
    SELECT start, completed + failed + cancelled + interrupted, failed + interrupted, prompt_tokens,
        completion_tokens, latency, first_token
    FROM usage_by_time WHERE span = ?1 AND start >= ?2 AND start < ?3";

pub(in super::super) fn series(
    view: &Connection,
    bucket: Bucket,
    range: TimeRange,
    zone: &TimeZone,
) -> Result<Vec<SeriesBucket>, Failure> {
    let steps = Steps::of(bucket, range, Timestamp::now(), &zone.rules()?)?;
    if steps.starts().is_empty() {
        return Ok(Vec::new());
    }
    let starts = steps.starts().iter();
    let mut series = Series {
        sums: starts.map(|start| Sum::from(*start)).collect(),
        steps: &steps,
    };
    let (skews, folded) = (Skews::read(view)?, folded_until(view)?);
    for piece in pieces(steps.range, steps.spans()) {
        match piece {
            Piece::Stored(span, first, end) => {
                series.add_stored(view, span, first, end)?;
                if span != Bucket::Minute && folded < end {
                    series.add_stored(view, Bucket::Minute, first.max(folded), end)?;
                }
            }
            Piece::Rows(range) => {
                let mut conditions = Conditions::default();
                conditions.keys_within(range, &skews);
                conditions.within(range);
                conditions.settled(None);
                series.add_rows(view, &conditions)?;
            }
        }
    }
    let mut open = Conditions::default();
    open.open();
    open.within(steps.range);
    series.add_rows(view, &open)?;
    Ok(series.sums.into_iter().map(Sum::bucket).collect())
}

/// The buckets under construction.
struct Series<'a> {
    sums: Vec<Sum>,
    steps: &'a Steps,
}

struct Sum {
    bucket: SeriesBucket,
    latency: Histogram,
    first_token: Histogram,
}

impl From<i64> for Sum {
    fn from(start: i64) -> Self {
        let start = Timestamp::from_micros(start.saturating_mul(1_000_000));
        Self {
            bucket: SeriesBucket::none(start),
            latency: Histogram::default(),
            first_token: Histogram::default(),
        }
    }
}

impl Sum {
    fn bucket(self) -> SeriesBucket {
        SeriesBucket {
            latency_ms: self.latency.percentiles(),
            first_token_ms: self.first_token.percentiles(),
            ..self.bucket
        }
    }
}

impl Series<'_> {
    fn at(&mut self, seconds: i64) -> Option<&mut Sum> {
        self.sums.get_mut(self.steps.place(seconds)?)
    }

    fn add_stored(
        &mut self,
        view: &Connection,
        span: Bucket,
        first: i64,
        end: i64,
    ) -> Result<(), Failure> {
        let mut stored = view.prepare_cached(STORED)?;
        let mut rows = stored.query(params![span.seconds(), first, end])?;
        while let Some(row) = rows.next()? {
            let Some(sum) = self.at(row.get(0)?) else {
                continue;
            };
            sum.bucket.requests += count(row, 1)?;
            sum.bucket.errors += count(row, 2)?;
            sum.bucket.prompt_tokens += count(row, 3)?;
            sum.bucket.completion_tokens += count(row, 4)?;
            latencies::add(&mut sum.latency, row.get_ref(5)?)?;
            latencies::add(&mut sum.first_token, row.get_ref(6)?)?;
        }
        Ok(())
    }

    fn add_rows(&mut self, view: &Connection, conditions: &Conditions) -> Result<(), Failure> {
        let sql = format!(
            "SELECT started_at, state, prompt_tokens, completion_tokens, duration_ms, first_token_ms
             FROM ledger {}",
            conditions.sql
        );
        let mut statement = view.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&conditions.values))?;
        let failures = [RequestState::Failed, RequestState::Interrupted].map(state_code);
        while let Some(row) = rows.next()? {
            let started_at = Timestamp::from_micros(row.get(0)?);
            let state: i64 = row.get(1)?;
            let Some(sum) = self.at(started_at.as_seconds()) else {
                continue;
            };
            sum.bucket.requests += 1;
            sum.bucket.errors += u64::from(failures.contains(&state));
            sum.bucket.prompt_tokens += count(row, 2)?;
            sum.bucket.completion_tokens += count(row, 3)?;
            if state == state_code(RequestState::Completed) {
                add_ms(&mut sum.latency, row, 4)?;
                add_ms(&mut sum.first_token, row, 5)?;
            }
        }
        Ok(())
    }
}
