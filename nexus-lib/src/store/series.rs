use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::store::Percentiles;
use crate::wire::{TimeRange, Timestamp, ZoneRules};

/// The length of each step of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bucket {
    /// 60 seconds.
    Minute,
    /// 3600 seconds.
    Hour,
    /// 86,400 seconds, plus or minus an hour when a time zone changes its offset.
    Day,
}

impl Bucket {
    /// The maximum number of buckets in a series.
    pub const MAX: u32 = 10_000;

    /// Its usual length in seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }

    /// The default number of buckets of a series without a start.
    const fn usual(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 48,
            Self::Day => 30,
        }
    }

    /// The start of the UTC bucket that contains this moment; both in seconds since 1970.
    pub const fn start_of(self, seconds: i64) -> i64 {
        seconds.saturating_sub(seconds.rem_euclid(self.seconds()))
    }

    /// The same in a time zone, and the start of the next one.
    fn around(self, seconds: i64, zone: &ZoneRules) -> (i64, i64) {
        let start = match self {
            Self::Minute => self.start_of(seconds),
            Self::Hour => zone.hour_of(seconds),
            Self::Day => return zone.day_of(seconds),
        };
        (start, start.saturating_add(self.seconds()))
    }
}

impl FromStr for Bucket {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "minute" => Ok(Self::Minute),
            "hour" => Ok(Self::Hour),
            "day" => Ok(Self::Day),
            _ => Err(Error::new(
                ErrorKind::Unprocessable,
                "a bucket must be minute, hour or day",
            )),
        }
    }
}

/// The buckets of a series, and the requested range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Steps {
    bucket: Bucket,
    /// The start of each bucket, and the end of the last one, in seconds since 1970. Empty without
    /// buckets.
    bounds: Vec<i64>,
    /// Only this counts: the first and the last bucket may be partial.
    pub(crate) range: TimeRange,
}

impl Steps {
    /// The buckets that overlap `range`. Without an end it ends `now`; without a start it covers
    /// the last 60 minutes, 48 hours or 30 days before its end.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] for more than [`Bucket::MAX`] buckets.
    pub(crate) fn of(
        bucket: Bucket,
        range: TimeRange,
        now: Timestamp,
        zone: &ZoneRules,
    ) -> Result<Self> {
        let to = range.to.unwrap_or(now);
        let mut steps = Self {
            bucket,
            bounds: Vec::new(),
            range,
        };
        if range.from.is_some_and(|from| from >= to) {
            return Ok(steps);
        }
        // The last second that overlaps the range.
        let last = to.as_micros().saturating_sub(1).div_euclid(1_000_000);
        let (mut start, end) = bucket.around(last, zone);
        match range.from {
            Some(from) => start = bucket.around(from.as_seconds(), zone).0,
            None => {
                for _ in 1..bucket.usual() {
                    start = bucket.around(start - 1, zone).0;
                }
            }
        }
        // Days may be an hour short.
        let shortest = bucket.seconds() - bucket.seconds() / 24;
        if (end - start) / shortest > i64::from(Bucket::MAX) * 24 / 23 {
            return Err(too_many());
        }
        while start < end {
            steps.bounds.push(start);
            start = match bucket {
                Bucket::Day => bucket.around(start, zone).1,
                _ => start + bucket.seconds(),
            };
        }
        if steps.bounds.len() > usize::try_from(Bucket::MAX).unwrap_or(usize::MAX) {
            return Err(too_many());
        }
        if range.from.is_none() {
            let first = steps.bounds.first().copied().unwrap_or(end);
            steps.range.from = Some(Timestamp::from_micros(first.saturating_mul(1_000_000)));
        }
        if range.to.is_none() {
            steps.range.to = Some(Timestamp::from_micros(end.saturating_mul(1_000_000)));
        }
        steps.bounds.push(end);
        Ok(steps)
    }

    /// The starts of the buckets.
    pub(crate) fn starts(&self) -> &[i64] {
        self.bounds.split_last().map_or(&[], |(_, starts)| starts)
    }

    /// The bucket that contains this moment.
    pub(crate) fn place(&self, seconds: i64) -> Option<usize> {
        let behind = self.bounds.partition_point(|bound| *bound <= seconds);
        let place = behind.checked_sub(1)?;
        (place < self.starts().len()).then_some(place)
    }

    /// The UTC spans that never overlap two buckets, the longest first.
    pub(crate) fn spans(&self) -> &'static [Bucket] {
        const SPANS: &[Bucket] = &[Bucket::Day, Bucket::Hour, Bucket::Minute];
        let whole = |span: Bucket| {
            span.seconds() <= self.bucket.seconds()
                && self
                    .bounds
                    .iter()
                    .all(|bound| bound.rem_euclid(span.seconds()) == 0)
        };
        match (whole(Bucket::Day), whole(Bucket::Hour)) {
            (true, _) => SPANS,
            (false, true) => &SPANS[1..],
            (false, false) => &SPANS[2..],
        }
    }
}

fn too_many() -> Error {
    Error::new(
        ErrorKind::Unprocessable,
        "a series may have at most 10,000 buckets; use longer buckets or a shorter range",
    )
    .with_param("bucket")
}

/// One step of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SeriesBucket {
    /// When it starts.
    pub start: Timestamp,
    /// Requests of the range that started in it, including open ones.
    pub requests: u64,
    /// How many of them failed or were interrupted.
    pub errors: u64,
    /// Their prompt tokens.
    pub prompt_tokens: u64,
    /// Their completion tokens.
    pub completion_tokens: u64,
    /// The latency of completed ones; `None` if there are none.
    pub latency_ms: Option<Percentiles>,
    /// The time to the first byte of completed ones; `None` if there are none.
    pub first_token_ms: Option<Percentiles>,
}

impl SeriesBucket {
    /// A bucket without requests.
    pub const fn none(start: Timestamp) -> Self {
        Self {
            start,
            requests: 0,
            errors: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            latency_ms: None,
            first_token_ms: None,
        }
    }
}
