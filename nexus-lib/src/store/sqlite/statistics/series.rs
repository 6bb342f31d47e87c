use rusqlite::{Connection, params};

use super::super::error::Failure;
use super::super::ledger_row::count;
use super::super::usage_by_time::folded_until;
use crate::store::{Bucket, SeriesBucket};
use crate::wire::{TimeRange, Timestamp};

const STORED: &str = "
    SELECT start, SUM(completed + failed + cancelled + interrupted), SUM(failed + interrupted),
        SUM(prompt_tokens), SUM(completion_tokens)
    FROM usage_by_time WHERE span = ?1 AND start >= ?2 AND start < ?3 GROUP BY start";

const OPEN: &str = "SELECT started_at FROM ledger WHERE state = 0";

pub(in super::super) fn series(
    view: &Connection,
    bucket: Bucket,
    range: TimeRange,
) -> Result<Vec<SeriesBucket>, Failure> {
    let starts = bucket.starts(range, Timestamp::now())?;
    let (first, end) = (starts.start, starts.end);
    let mut series: Vec<_> = (first..end)
        .step_by(usize::try_from(bucket.seconds()).unwrap_or(usize::MAX))
        .map(|start| SeriesBucket::none(Timestamp::from_micros(start.saturating_mul(1_000_000))))
        .collect();
    let place = |start: i64| usize::try_from((start - first).div_euclid(bucket.seconds())).ok();

    let mut stored = view.prepare_cached(STORED)?;
    let mut spans = vec![(bucket, first)];
    if bucket != Bucket::Minute {
        spans.push((Bucket::Minute, first.max(folded_until(view)?)));
    }
    for (span, first) in spans {
        let mut rows = stored.query(params![span.seconds(), first, end])?;
        while let Some(row) = rows.next()? {
            let place = place(row.get(0)?);
            if let Some(one) = place.and_then(|place| series.get_mut(place)) {
                one.requests += count(row, 1)?;
                one.errors += count(row, 2)?;
                one.prompt_tokens += count(row, 3)?;
                one.completion_tokens += count(row, 4)?;
            }
        }
    }

    let mut open = view.prepare_cached(OPEN)?;
    let mut rows = open.query([])?;
    while let Some(row) = rows.next()? {
        let started_at = Timestamp::from_micros(row.get(0)?);
        let start = bucket.start_of(started_at.as_seconds());
        if (first..end).contains(&start)
            && let Some(one) = place(start).and_then(|place| series.get_mut(place))
        {
            one.requests += 1;
        }
    }
    Ok(series)
}
