use std::cmp::Reverse;

use rusqlite::Connection;

use super::super::error::Failure;
use super::super::start::Skews;
use super::conditions::Conditions;
use super::matches::Matches;
use crate::store::{Bucket, LedgerRow, RequestFilter, RequestState};
use crate::wire::{RequestId, Timestamp};

pub(in super::super) fn requests(
    view: &Connection,
    filter: &RequestFilter,
    before: Option<RequestId>,
    limit: u32,
) -> Result<Vec<LedgerRow>, Failure> {
    let before = before.map(RequestId::seq);
    let skews = Skews::read(view)?;
    if filter.model.is_none() && filter.provider_id.is_none() && filter.state.is_none() {
        let mut all = page(filter, before);
        all.keys_within(filter.range, &skews);
        return all.rows(view, &format!("ORDER BY seq DESC LIMIT {limit}"));
    }
    let mut rows = match filter.state {
        Some(RequestState::Open) | None => {
            let mut open = page(filter, before);
            open.open();
            open.rows(view, &format!("ORDER BY seq DESC LIMIT {limit}"))?
        }
        Some(_) => Vec::new(),
    };
    if filter.state != Some(RequestState::Open) {
        rows.extend(settled(view, filter, before, limit, &skews)?);
        rows.sort_unstable_by_key(|row| Reverse(row.request_id));
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(rows)
}

/// The filter, and where the page starts.
fn page(filter: &RequestFilter, before: Option<i64>) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.named_by(filter);
    conditions.within(filter.range);
    if let Some(before) = before {
        conditions.and("seq < ?", before);
    }
    conditions
}

/// Only reads near the minutes with matches. Keys follow the creation time of ids, which differs
/// from the start: so each minute is widened by `skews`, and overlapping minutes are read together.
fn settled(
    view: &Connection,
    filter: &RequestFilter,
    before: Option<i64>,
    limit: u32,
    skews: &Skews,
) -> Result<Vec<LedgerRow>, Failure> {
    let matches = Matches::new(view, filter);
    let minute_ms = Bucket::Minute.seconds().saturating_mul(1000);
    let first = filter.range.from.map_or(i64::MIN, Timestamp::as_seconds);
    // A minute that contains `to` still counts.
    let end = filter.range.to.map_or(i64::MAX, |to| to.as_seconds() + 1);
    let mut conditions = page(filter, None);
    conditions.settled(filter.state);
    let (mut rows, mut behind) = (Vec::new(), before.unwrap_or(i64::MAX));
    let mut left = limit;
    while left > 0 && behind > 0 {
        // The last second in which a request with a smaller key can have started.
        let last = skews.latest_start(behind).div_euclid(1000);
        let Some(minute) = matches.last_minute(first, end.min(last.saturating_add(1)))? else {
            break;
        };
        let millis = minute.saturating_mul(1000);
        let from = skews.first_key(millis);
        let end = skews.end_key(millis.saturating_add(minute_ms));
        let mut conditions = conditions.clone();
        conditions.and("seq >= ?", from);
        conditions.and("seq < ?", behind.min(end.unwrap_or(i64::MAX)));
        rows.extend(conditions.rows(view, &format!("ORDER BY seq DESC LIMIT {left}"))?);
        left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        behind = from;
    }
    Ok(rows)
}
