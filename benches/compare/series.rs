//! Figures of several rounds.

use std::fmt;

/// One figure per round, in the order of the rounds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(pub(crate) Vec<f64>);

/// A median, and the range it was taken from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Series {
    /// Combines round by round, so that what slowed down a whole round does not matter.
    pub(crate) fn pair(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        let both = self.0.iter().zip(&other.0);
        Self(both.map(|(a, b)| combine(*a, *b)).collect())
    }

    /// `None` when there was no round.
    pub(crate) fn spread(&self) -> Option<Spread> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let lower = sorted[(sorted.len() - 1) / 2];
        Some(Spread {
            median: f64::midpoint(lower, upper),
            min: *sorted.first()?,
            max: *sorted.last()?,
        })
    }
}

/// `1.20 (1.18–1.25)`; a large number without decimals.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = *self;
        let decimals = f.precision().unwrap_or(2);
        write!(f, "{median:.decimals$} ({min:.decimals$}–{max:.decimals$})")
    }
}
