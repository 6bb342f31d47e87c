use std::time::Instant;

use crate::call::{Attempt, Routed};
use crate::health::{Standing, Trial};

/// The maximum number of candidates that one call asks, once each.
const MAX_CANDIDATES: usize = 64;

/// The candidates that a call has asked, and the next one.
pub(super) struct Picks<'a> {
    routed: &'a Routed,
    /// A bit for each candidate that was asked or is unavailable.
    over: u64,
    /// Some candidate was at its concurrency limit.
    pub(super) is_any_full: bool,
}

/// The next candidate.
pub(super) struct Pick {
    pub(super) index: usize,
    pub(super) attempt: Attempt,
    /// Held until the attempt's outcome is known.
    pub(super) probe: Option<Trial>,
}

impl<'a> Picks<'a> {
    pub(super) fn new(routed: &'a Routed) -> Self {
        Self {
            routed,
            over: 0,
            is_any_full: false,
        }
    }

    /// The next candidate, in order; those in cooldown come after all others, the soonest to
    /// recover first. `None` when all were asked.
    pub(super) fn next(&mut self) -> Option<Pick> {
        let mut soonest = None;
        for (index, target) in self
            .routed
            .candidates()
            .iter()
            .enumerate()
            .take(MAX_CANDIDATES)
        {
            if self.over & 1 << index != 0 {
                continue;
            }
            let vitals = &target.provider.vitals;
            let probe = match vitals.health.standing() {
                Standing::Ok => None,
                Standing::InCooldown(until) => {
                    soonest = earlier(soonest, (until, index));
                    continue;
                }
                Standing::Due => match Trial::claim(vitals) {
                    Some(probe) => Some(probe),
                    // Another call was faster.
                    None => {
                        soonest = earlier(soonest, (Instant::now(), index));
                        continue;
                    }
                },
            };
            if let Some(pick) = self.take(index, probe) {
                return Some(pick);
            }
        }
        let (_, index) = soonest?;
        match self.take(index, None) {
            Some(pick) => Some(pick),
            // At its limit: another candidate in cooldown may have room.
            None => self.next(),
        }
    }

    /// The same candidate again.
    pub(super) fn again(&mut self, index: usize) -> Option<Pick> {
        self.take(index, None)
    }

    fn take(&mut self, index: usize, probe: Option<Trial>) -> Option<Pick> {
        self.over |= 1 << index;
        let attempt = self.routed.attempt(index);
        self.is_any_full |= attempt.is_none();
        Some(Pick {
            index,
            attempt: attempt?,
            probe,
        })
    }
}

fn earlier<T: Ord>(one: Option<T>, other: T) -> Option<T> {
    match one {
        Some(one) if one <= other => Some(one),
        _ => Some(other),
    }
}
