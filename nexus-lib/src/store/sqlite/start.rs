//! Time ranges without an index on time.
//!
//! Rows are stored in the order of their ids, whose first bits are the row's key. An id contains
//! its creation time, which is almost the request's start. So a range of starts is a slightly wider
//! range of ids, and the ledger, whose every row is written while a client waits, needs no index.
//!
//! If a row deviates more than usual, as after a step of the clock, its hour is recorded with the
//! deviation. Only ranges that may contain rows of this hour are widened for it.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::error::Failure;
use crate::store::{LedgerWrite, OpenRow};
use crate::wire::TimeRange;

/// Ranges are always widened by this much, so that ordinary rows need no record.
const USUAL_SKEW_MS: i64 = 1000;

const HOUR_MS: i64 = 3_600_000;

/// Ids have 48 bits for their time.
const END_OF_IDS_MS: i64 = 1 << 48;

/// How many bits of a key are finer than milliseconds.
const FINER_BITS: u32 = 12;

const RECORD: &str = "
    INSERT INTO start_skews (hour, earlier_ms, later_ms) VALUES (?1, ?2, ?3)
    ON CONFLICT (hour) DO UPDATE SET
        earlier_ms = MAX(earlier_ms, excluded.earlier_ms),
        later_ms = MAX(later_ms, excluded.later_ms)
    WHERE earlier_ms < excluded.earlier_ms OR later_ms < excluded.later_ms";

/// Records how far ids and starts of this batch differ, if that is unusual.
pub(super) fn record_skew(connection: &Connection, batch: &[LedgerWrite]) -> Result<(), Failure> {
    let mut hours: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for entry in batch {
        let (LedgerWrite::Open(row) | LedgerWrite::Whole(row, _)) = entry else {
            continue;
        };
        let skew = skew_ms(row);
        if skew.saturating_abs() > USUAL_SKEW_MS {
            let hour = millis(row.request_id.seq()).div_euclid(HOUR_MS);
            let (earlier, later) = hours.entry(hour).or_default();
            *earlier = skew.saturating_neg().max(*earlier);
            *later = skew.max(*later);
        }
    }
    for (hour, (earlier, later)) in hours {
        let mut record = connection.prepare_cached(RECORD)?;
        record.execute(params![hour, earlier, later])?;
    }
    Ok(())
}

/// How far the times in ids may differ from their requests' starts.
pub(super) struct Skews(Vec<Hour>);

/// An hour of ids with unusual rows.
struct Hour {
    /// Of the times in ids.
    start_ms: i64,
    earlier_ms: i64,
    later_ms: i64,
}

impl Hour {
    fn end_ms(&self) -> i64 {
        self.start_ms.saturating_add(HOUR_MS)
    }
}

impl Skews {
    pub(super) fn read(view: &Connection) -> Result<Self, Failure> {
        let mut rows = view.prepare_cached("SELECT hour, earlier_ms, later_ms FROM start_skews")?;
        let hours = rows.query_map([], |row| {
            Ok(Hour {
                start_ms: row.get::<_, i64>(0)?.saturating_mul(HOUR_MS),
                earlier_ms: row.get(1)?,
                later_ms: row.get(2)?,
            })
        })?;
        Ok(Self(hours.collect::<rusqlite::Result<_>>()?))
    }

    /// The keys of requests started in `range`: the first one, and the first one after.
    pub(super) fn keys(&self, range: TimeRange) -> (Option<i64>, Option<i64>) {
        let first = range.from.map(|from| self.first_key(from.as_millis()));
        let end = range.to.and_then(|to| self.end_key(to.as_millis()));
        (first, end)
    }

    /// The first possible key of a request that started then or later.
    pub(super) fn first_key(&self, from_ms: i64) -> i64 {
        let usual = from_ms.saturating_sub(USUAL_SKEW_MS);
        let hours = self.0.iter();
        let hours = hours.filter(|hour| hour.end_ms().saturating_add(hour.later_ms) > from_ms);
        let first = hours.map(|hour| from_ms.saturating_sub(hour.later_ms).max(hour.start_ms));
        first_key(first.fold(usual, i64::min))
    }

    /// The first key after all requests that started before; `None` if there is none.
    pub(super) fn end_key(&self, to_ms: i64) -> Option<i64> {
        let usual = to_ms.saturating_add(USUAL_SKEW_MS);
        let hours = self.0.iter();
        let hours = hours.filter(|hour| hour.start_ms.saturating_sub(hour.earlier_ms) <= to_ms);
        let end = hours.map(|hour| to_ms.saturating_add(hour.earlier_ms).min(hour.end_ms()));
        let end = end.fold(usual, i64::max).saturating_add(1);
        (end < END_OF_IDS_MS).then(|| first_key(end))
    }

    /// The latest possible start of a request with a smaller key, in milliseconds.
    pub(super) fn latest_start(&self, behind: i64) -> i64 {
        let last_ms = millis(behind.saturating_sub(1));
        let usual = last_ms.saturating_add(USUAL_SKEW_MS);
        let hours = self.0.iter().filter(|hour| hour.start_ms <= last_ms);
        let starts = hours.map(|hour| {
            let last_ms = last_ms.min(hour.end_ms().saturating_sub(1));
            last_ms.saturating_add(hour.later_ms)
        });
        starts.fold(usual, i64::max)
    }
}

/// The smallest key of an id with this time, or the nearest possible.
pub(super) fn first_key(millis: i64) -> i64 {
    millis.clamp(0, END_OF_IDS_MS - 1) << FINER_BITS
}

/// The time in an id with this key, in milliseconds.
pub(super) const fn millis(key: i64) -> i64 {
    key >> FINER_BITS
}

/// How much later than the time in its id a request started.
fn skew_ms(row: &OpenRow) -> i64 {
    let started_ms = row.started_at.as_millis();
    started_ms.saturating_sub(millis(row.request_id.seq()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Timestamp;

    #[test]
    fn first_keys_stay_in_order_up_to_the_end_of_ids() {
        let keys = [i64::MIN, -1, 0, 1, 1 << 40, END_OF_IDS_MS - 1, i64::MAX].map(first_key);
        assert!(keys.is_sorted());
    }

    #[test]
    fn jump_of_the_clock_widens_only_the_ranges_that_it_concerns() {
        const DAY: i64 = 24 * HOUR_MS;
        // The clock was ten days ahead for a moment: ids keep that time until it comes.
        let ahead = 100 * DAY;
        let skews = Skews(vec![Hour {
            start_ms: ahead,
            earlier_ms: 10 * DAY,
            later_ms: 0,
        }]);
        let keys = |from: i64, to: i64| {
            let moment = |millis: i64| Some(Timestamp::from_micros(millis * 1000));
            let (from, to) = (moment(from), moment(to));
            let (first, end) = skews.keys(TimeRange { from, to });
            (millis(first.unwrap()), millis(end.unwrap()))
        };
        let usual = |from: i64, to: i64| (from - USUAL_SKEW_MS, to + USUAL_SKEW_MS + 1);
        let hour = |day: i64| (day * DAY, day * DAY + HOUR_MS);
        for (from, to) in [hour(80), hour(89), hour(102), hour(365)] {
            assert_eq!(keys(from, to), usual(from, to));
        }
        // Requests of these days have ids of that hour.
        let (from, to) = hour(95);
        assert_eq!(keys(from, to).0, from - USUAL_SKEW_MS);
        assert_eq!(keys(from, to).1, ahead + HOUR_MS + 1);
        assert_eq!(
            skews.latest_start(first_key(ahead + 5)),
            ahead + 4 + USUAL_SKEW_MS
        );
    }
}
