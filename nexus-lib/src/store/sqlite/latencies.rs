//! Histograms in SQL: `latency_add(a, b)` and the aggregate `latency_sum(a)`, for the writing
//! connection.

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, params};

use crate::store::{Bucket, Histogram};

/// How many sums a migration collects before it writes them.
const MAX_SUMS: usize = 4096;

/// Registers the functions on a connection.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function(c"latency_add", 2, flags, |context| {
        let mut sum = Histogram::default();
        add(&mut sum, context.get_raw(0))?;
        add(&mut sum, context.get_raw(1))?;
        Ok(blob(&sum))
    })?;
    connection.create_aggregate_function(c"latency_sum", 1, flags, Sum)
}

/// Adds the histogram in a column; null is empty.
pub(super) fn add(sum: &mut Histogram, column: ValueRef<'_>) -> rusqlite::Result<()> {
    let added = match column {
        ValueRef::Null => Some(()),
        ValueRef::Blob(bytes) => sum.merge_bytes(bytes),
        _ => None,
    };
    added.ok_or_else(|| Error::UserFunctionError("a sum of latencies cannot be read".into()))
}

fn blob(sum: &Histogram) -> Option<Vec<u8>> {
    (!sum.is_empty()).then(|| sum.to_bytes())
}

struct Sum;

impl Aggregate<Histogram, Option<Vec<u8>>> for Sum {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Histogram> {
        Ok(Histogram::default())
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Histogram) -> rusqlite::Result<()> {
        add(sum, context.get_raw(0))
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        sum: Option<Histogram>,
    ) -> rusqlite::Result<Option<Vec<u8>>> {
        Ok(sum.as_ref().and_then(blob))
    }
}

/// A minute, a provider and a model, with the histograms of their requests' durations and first
/// bytes.
type MinuteSum = ((i64, i64, String), [Histogram; 2]);

/// Fills the sums of a database of an earlier version from its rows, so that old ranges have
/// figures too.
pub(super) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let mut rows = connection.prepare(
        "SELECT started_at, provider_id, model, duration_ms, first_token_ms
         FROM ledger WHERE state = 1 ORDER BY seq",
    )?;
    let mut rows = rows.query([])?;
    let mut sums: Vec<MinuteSum> = Vec::new();
    while let Some(row) = rows.next()? {
        let started: i64 = row.get(0)?;
        let minute = Bucket::Minute.start_of(started.div_euclid(1_000_000));
        let (provider, model): (i64, String) = (row.get(1)?, row.get(2)?);
        let key = (minute, provider, model);
        // From the end: rows are almost in order of time.
        let at = sums.iter().rev().take(64).position(|sum| sum.0 == key);
        let at = match at {
            Some(back) => sums.len() - 1 - back,
            None => {
                if sums.len() == MAX_SUMS {
                    write(connection, &mut sums)?;
                }
                sums.push((key, Default::default()));
                sums.len() - 1
            }
        };
        for (column, histogram) in (3..).zip(&mut sums[at].1) {
            let ms: Option<i64> = row.get(column)?;
            if let Some(ms) = ms.and_then(|ms| u64::try_from(ms).ok()) {
                histogram.add(ms);
            }
        }
    }
    write(connection, &mut sums)?;
    // Longer spans are computed from minutes.
    connection.execute_batch(
        "UPDATE usage_by_time AS longer SET (latency, first_token) = (
             SELECT latency_sum(latency), latency_sum(first_token) FROM usage_by_time AS minute
             WHERE minute.span = 60 AND minute.start >= longer.start
                 AND minute.start < longer.start + longer.span
                 AND minute.start < (SELECT folded_until FROM meta)
                 AND minute.provider_id = longer.provider_id AND minute.model = longer.model)
         WHERE span > 60",
    )
}

fn write(connection: &Connection, sums: &mut Vec<MinuteSum>) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached(
        "UPDATE usage_by_time SET latency = latency_add(latency, ?4),
             first_token = latency_add(first_token, ?5)
         WHERE span = 60 AND start = ?1 AND provider_id = ?2 AND model = ?3",
    )?;
    for ((start, provider, model), [latency, first_token]) in sums.drain(..) {
        update.execute(params![
            start,
            provider,
            model,
            blob(&latency),
            blob(&first_token)
        ])?;
    }
    Ok(())
}
