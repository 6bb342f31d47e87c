//! Splits a time range into stored sums, and rows at its ends.

use crate::store::Bucket;
use crate::wire::{TimeRange, Timestamp};

/// A part of a time range.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// Whole spans: the start of the first, and of the first one after, in seconds.
    Stored(Bucket, i64, i64),
    /// Less than a minute.
    Rows(TimeRange),
}

/// Splits a range into stored `spans`, the longest first, and the rest at its ends.
pub(super) fn pieces(range: TimeRange, spans: &[Bucket]) -> Vec<Piece> {
    let micros = |time: Option<Timestamp>| time.map(Timestamp::as_micros);
    let from = micros(range.from).unwrap_or(i64::MIN);
    let to = micros(range.to).unwrap_or(i64::MAX);
    let mut pieces = Vec::new();
    split(from, to, spans, &mut pieces);
    pieces
}

/// Splits a range, in microseconds, into the longest possible spans. The smallest and the largest
/// number mean open ends.
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
