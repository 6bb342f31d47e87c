use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::super::error::Failure;
use super::super::usage_by_time::folded_until;
use super::conditions::Conditions;
use crate::store::{Bucket, RequestFilter, RequestState};

/// Finds the minutes in which settled rows match a filter, backwards in time.
///
/// From days to hours to minutes, so that a filter that matches little, or nothing, reads a few
/// sums instead of all rows.
pub(super) struct Matches<'c> {
    view: &'c Connection,
    sql: String,
    values: Vec<Value>,
}

impl<'c> Matches<'c> {
    pub(super) fn new(view: &'c Connection, filter: &RequestFilter) -> Self {
        let mut conditions = Conditions::default();
        conditions.and_all("span = ?1 AND start >= ?2 AND start < ?3", []);
        conditions.named_by(filter);
        match filter.state {
            Some(RequestState::Completed) => conditions.and_all("completed > 0", []),
            Some(RequestState::Failed) => conditions.and_all("failed > 0", []),
            Some(RequestState::Cancelled) => conditions.and_all("cancelled > 0", []),
            Some(RequestState::Interrupted) => conditions.and_all("interrupted > 0", []),
            Some(RequestState::Open) | None => {}
        }
        Self {
            view,
            sql: format!(
                "SELECT start FROM usage_by_time {} ORDER BY start DESC LIMIT 1",
                conditions.sql
            ),
            values: conditions.values,
        }
    }

    /// The last minute with a match that starts at `first` or later, and before `end`; in seconds.
    pub(super) fn last_minute(&self, first: i64, mut end: i64) -> Result<Option<i64>, Failure> {
        // The newest minutes are not part of an hour or a day yet.
        let folded = folded_until(self.view)?;
        if let Some(minute) = self.last(Bucket::Minute, first.max(folded), end)? {
            return Ok(Some(minute));
        }
        end = end.min(folded);
        while let Some(day) = self.last(Bucket::Day, first, end)? {
            // In the last day of the range, all matches may be after its end.
            let next_day = end.min(day.saturating_add(Bucket::Day.seconds()));
            let Some(hour) = self.last(Bucket::Hour, first.max(day), next_day)? else {
                end = day;
                continue;
            };
            let next_hour = end.min(hour.saturating_add(Bucket::Hour.seconds()));
            if let Some(minute) = self.last(Bucket::Minute, first.max(hour), next_hour)? {
                return Ok(Some(minute));
            }
            end = hour;
        }
        Ok(None)
    }

    /// The last span with a match that overlaps `first` to `end`.
    fn last(&self, span: Bucket, first: i64, end: i64) -> Result<Option<i64>, Failure> {
        if first >= end {
            return Ok(None);
        }
        let mut statement = self.view.prepare_cached(&self.sql)?;
        let bounds = [span.seconds(), span.start_of(first), end].map(Value::from);
        let values = bounds.iter().chain(&self.values);
        let found = statement.query_row(params_from_iter(values), |row| row.get(0));
        Ok(found.optional()?)
    }
}
