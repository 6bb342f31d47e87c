use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, ErrorKind, Result};

/// A moment, in microseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The current time.
    pub fn now() -> Self {
        let (since, sign) = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => (since, 1),
            Err(before) => (before.duration(), -1),
        };
        Self(i64::try_from(since.as_micros()).map_or(i64::MAX, |micros| sign * micros))
    }

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The time since `earlier`; zero if `earlier` is later.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// The moment `duration` later.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// The moment `duration` earlier.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }

    /// Seconds since the epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

/// A range of time, from `from` (inclusive) to `to` (exclusive); unbounded where `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// The first moment in the range.
    pub from: Option<Timestamp>,
    /// The first moment after the range.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    /// Unbounded on both sides.
    pub const ALL: Self = Self {
        from: None,
        to: None,
    };

    /// The range between two moments.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] when `to` is before `from`.
    pub fn new(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self> {
        match (from, to) {
            (Some(from), Some(to)) if to < from => Err(Error::new(
                ErrorKind::Unprocessable,
                "`to` is before `from`; swap them",
            )
            .with_param("to")),
            _ => Ok(Self { from, to }),
        }
    }
}
