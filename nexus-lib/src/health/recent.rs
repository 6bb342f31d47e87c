use std::time::Instant;

const MINUTES: usize = 5;

/// Counts the failures of the last five minutes.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// When the first minute began.
    origin: Option<Instant>,
    /// Each count with its minute.
    counts: [(u64, u32); MINUTES],
}

impl Recent {
    pub(super) fn add(&mut self, now: Instant) {
        let origin = *self.origin.get_or_insert(now);
        let minute = minute(origin, now);
        let place = usize::try_from(minute).unwrap_or(0) % MINUTES;
        let slot = &mut self.counts[place];
        if slot.0 != minute {
            *slot = (minute, 0);
        }
        slot.1 = slot.1.saturating_add(1);
    }

    pub(super) fn count(&self, now: Instant) -> u32 {
        let Some(origin) = self.origin else { return 0 };
        let first = minute(origin, now).saturating_sub(MINUTES as u64 - 1);
        let counts = self.counts.iter();
        counts
            .filter(|slot| slot.0 >= first)
            .map(|slot| slot.1)
            .sum()
    }
}

fn minute(origin: Instant, now: Instant) -> u64 {
    now.saturating_duration_since(origin).as_secs() / 60
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn failures_are_counted_for_some_minutes() {
        let mut recent = Recent::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(recent.count(at(0)), 0);
        for second in [0, 10, 70, 290] {
            recent.add(at(second));
        }
        assert_eq!(recent.count(at(290)), 4);
        assert_eq!(recent.count(at(301)), 2);
        assert_eq!(recent.count(at(360)), 1);
        recent.add(at(1000));
        assert_eq!(recent.count(at(1000)), 1);
    }
}
