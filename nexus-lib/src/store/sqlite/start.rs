//! Ranges of time without an index on time.
//!
//! Rows are kept in the order of their ids, whose first bits are the row's key, and an id bears the time at which it was made: all but
//! the same as the request's start. So a range of starts is a range of ids, somewhat widened, and the
//! ledger, whose every row is written while a client waits, is spared an index. By how much to widen
//! is recorded when a row lies further off than usual, as after a step of the clock.

use rusqlite::Connection;

use super::error::Failure;
use crate::store::{LedgerWrite, OpenRow};
use crate::wire::TimeRange;

/// Ranges are always widened by this much, so that ordinary rows have nothing to record.
const USUAL_SKEW_MS: u64 = 1000;

/// Ids have 48 bits for their time.
const END_OF_IDS_MS: i64 = 1 << 48;

/// How many bits of a key are finer than milliseconds.
const FINER_BITS: u32 = 12;

/// Records how far ids and starts of this batch lie apart, when that is unusual.
pub(super) fn record_skew(connection: &Connection, batch: &[LedgerWrite]) -> Result<(), Failure> {
    let rows = batch.iter().filter_map(|entry| match entry {
        LedgerWrite::Open(row) | LedgerWrite::Whole(row, _) => Some(row),
        LedgerWrite::Settle(..) => None,
    });
    let skew = rows.map(skew_ms).max().unwrap_or(0);
    if skew <= USUAL_SKEW_MS {
        return Ok(());
    }
    let skew = i64::try_from(skew).unwrap_or(i64::MAX);
    connection.execute(
        "UPDATE meta SET start_skew_ms = ?1 WHERE start_skew_ms < ?1",
        [skew],
    )?;
    Ok(())
}

/// How far the time in an id may lie from its request's start, in milliseconds.
pub(super) fn skew(view: &Connection) -> Result<i64, Failure> {
    let recorded: i64 = view.query_row("SELECT start_skew_ms FROM meta", [], |row| row.get(0))?;
    Ok(recorded.max(USUAL_SKEW_MS.cast_signed()))
}

/// The keys that requests started in `range` can have: the first one, and the first one behind.
pub(super) fn keys(range: TimeRange, skew: i64) -> (Option<i64>, Option<i64>) {
    let from = range.from.map(|from| from.as_millis().saturating_sub(skew));
    let to = range
        .to
        .map(|to| to.as_millis().saturating_add(skew).saturating_add(1));
    (
        from.map(first_key),
        to.filter(|to| *to < END_OF_IDS_MS).map(first_key),
    )
}

/// The smallest key of an id that bears this time, or the nearest that ids can bear.
pub(super) fn first_key(millis: i64) -> i64 {
    millis.clamp(0, END_OF_IDS_MS - 1) << FINER_BITS
}

/// The time that an id with this key bears, in milliseconds.
pub(super) const fn millis(key: i64) -> i64 {
    key >> FINER_BITS
}

fn skew_ms(row: &OpenRow) -> u64 {
    millis(row.request_id.seq()).abs_diff(row.started_at.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_keys_stay_in_order_up_to_the_end_of_ids() {
        let keys = [i64::MIN, -1, 0, 1, 1 << 40, END_OF_IDS_MS - 1, i64::MAX].map(first_key);
        assert!(keys.is_sorted());
    }
}
