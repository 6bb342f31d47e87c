use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Vitals;
use super::recent::Recent;

/// Consecutive failures that start a cooldown.
const PATIENCE: u32 = 3;

/// The first cooldown. Each further one without a success in between is twice as long.
const FIRST_COOLDOWN: Duration = Duration::from_secs(1);

/// The longest cooldown that the provider did not ask for.
const MAX_COOLDOWN: Duration = Duration::from_secs(60);

/// The longest cooldown that a provider may ask for, by `retry-after`.
const MAX_REQUESTED: Duration = Duration::from_secs(300);

/// A provider's circuit breaker.
///
/// Three consecutive failures start a cooldown: one second, then two, four and so on, up to a
/// minute. Each is a fifth longer or shorter at random, so that gateways do not return at the same
/// time. A provider that sends `retry-after` is in cooldown for exactly that long, after one
/// failure. After the cooldown one request probes the provider: a success closes the breaker, a
/// failure starts the next cooldown.
#[derive(Debug, Default)]
pub struct Health {
    /// Something failed since the last success. The lock is taken only then.
    is_troubled: AtomicBool,
    /// A moving average of the time to an answer's first event, in microseconds; 0 before the
    /// first.
    latency_us: AtomicU64,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    failures_in_a_row: u32,
    cooldowns_in_a_row: u32,
    until: Option<Instant>,
    /// A probe is on its way: its outcome decides.
    is_probed: bool,
    recent: Recent,
}

/// Whether a provider may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Yes.
    Ok,
    /// The cooldown has ended: one request may probe the provider.
    Due,
    /// In cooldown until then: only if there is no other provider.
    InCooldown(Instant),
}

/// The state of a provider's cooldown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cooldown {
    /// Time left.
    Left(Duration),
    /// It ended this long ago; the next request probes the provider.
    OverFor(Duration),
    /// It ended this long ago, and a request is probing the provider.
    Probed(Duration),
}

/// The health that operators see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthReport {
    /// Whether it is in cooldown or waits for a probe; `None` if it is healthy.
    pub cooldown: Option<Cooldown>,
    /// Failures in the last five minutes.
    pub recent_errors: u32,
    /// The average time to the start of an answer; `None` before the first.
    pub latency: Option<Duration>,
}

impl Health {
    /// Whether the provider may be asked now.
    pub fn standing(&self) -> Standing {
        if !self.is_troubled.load(Ordering::Relaxed) {
            return Standing::Ok;
        }
        self.trouble().standing(Instant::now())
    }

    /// The health that operators see.
    pub fn report(&self) -> HealthReport {
        let now = Instant::now();
        let trouble = self.trouble();
        let latency = self.latency_us.load(Ordering::Relaxed);
        HealthReport {
            cooldown: trouble.until.map(|until| trouble.cooldown(until, now)),
            recent_errors: trouble.recent.count(now),
            latency: (latency > 0).then(|| Duration::from_micros(latency)),
        }
    }

    /// Notes a success, after `latency` if it was measured.
    pub(crate) fn succeeded(&self, latency: Option<Duration>) {
        if let Some(latency) = latency {
            self.average(latency);
        }
        if self.is_troubled.load(Ordering::Relaxed) {
            let mut trouble = self.trouble();
            let recent = std::mem::take(&mut trouble.recent);
            *trouble = Trouble {
                recent,
                ..Trouble::default()
            };
            self.is_troubled.store(false, Ordering::Relaxed);
        }
    }

    /// Notes a failure. `retry_after` is the provider's own wish. Returns the length of the
    /// cooldown if one starts now.
    pub(crate) fn failed(&self, retry_after: Option<Duration>) -> Option<Duration> {
        self.failed_at(Instant::now(), retry_after, jitter())
    }

    fn failed_at(
        &self,
        now: Instant,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Option<Duration> {
        let mut trouble = self.trouble();
        self.is_troubled.store(true, Ordering::Relaxed);
        trouble.recent.add(now);
        trouble.failures_in_a_row = trouble.failures_in_a_row.saturating_add(1);
        let was_probed = std::mem::take(&mut trouble.is_probed);
        // A request that was sent before the cooldown, or because no other provider was left, does
        // not extend it.
        let in_cooldown = trouble.until.is_some_and(|until| until > now);
        let asked = retry_after.map(|after| after.min(MAX_REQUESTED));
        let is_due = was_probed || trouble.failures_in_a_row >= PATIENCE;
        let cooldown = match asked {
            Some(asked) if trouble.until.is_none_or(|until| now + asked > until) => asked,
            None if is_due && !in_cooldown => {
                let doubled = FIRST_COOLDOWN * 2u32.pow(trouble.cooldowns_in_a_row.min(6));
                trouble.cooldowns_in_a_row = trouble.cooldowns_in_a_row.saturating_add(1);
                doubled.min(MAX_COOLDOWN).mul_f64(jitter)
            }
            _ => return None,
        };
        trouble.until = Some(now + cooldown);
        Some(cooldown)
    }

    fn average(&self, latency: Duration) {
        let sample = u64::try_from(latency.as_micros())
            .unwrap_or(u64::MAX)
            .max(1);
        let before = self.latency_us.load(Ordering::Relaxed);
        let average = match before {
            0 => sample,
            before => (before - before / 8).saturating_add(sample / 8).max(1),
        };
        // If two calls write at once, one value is lost; the average is still good enough.
        self.latency_us.store(average, Ordering::Relaxed);
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        // No code panics while it holds the lock, and the data is consistent between statements.
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trouble {
    fn cooldown(&self, until: Instant, now: Instant) -> Cooldown {
        match now.checked_duration_since(until) {
            None => Cooldown::Left(until.saturating_duration_since(now)),
            Some(over) if self.is_probed => Cooldown::Probed(over),
            Some(over) => Cooldown::OverFor(over),
        }
    }

    fn standing(&self, now: Instant) -> Standing {
        match self.until {
            None => Standing::Ok,
            Some(until) if until > now || self.is_probed => Standing::InCooldown(until),
            Some(_) => Standing::Due,
        }
    }
}

/// The right to probe a provider after its cooldown. Returned if it is dropped before a success or
/// a failure.
#[derive(Debug)]
pub struct Trial(Arc<Vitals>);

impl Trial {
    /// `None` if another request has it, or the provider needs no probe.
    pub(crate) fn claim(vitals: &Arc<Vitals>) -> Option<Self> {
        let mut trouble = vitals.health.trouble();
        if trouble.standing(Instant::now()) != Standing::Due {
            return None;
        }
        trouble.is_probed = true;
        Some(Self(Arc::clone(vitals)))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.0.health.trouble().is_probed = false;
    }
}

/// From 0.8 to 1.2.
fn jitter() -> f64 {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    0.8 + 0.4 * f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_failures_in_a_row_start_a_cooldown_and_two_do_not() {
        let health = Health::default();
        let now = Instant::now();
        for _ in 0..2 {
            assert_eq!(health.failed_at(now, None, 1.0), None);
        }
        health.succeeded(None);
        for _ in 0..2 {
            assert_eq!(health.failed_at(now, None, 1.0), None);
            assert_eq!(health.standing(), Standing::Ok);
        }
        assert_eq!(health.failed_at(now, None, 1.0), Some(seconds(1)));
        assert_eq!(health.standing(), Standing::InCooldown(now + seconds(1)));
        assert_eq!(health.report().recent_errors, 5);
        assert!(matches!(health.report().cooldown, Some(Cooldown::Left(_))));
        health.succeeded(None);
        assert_eq!(health.standing(), Standing::Ok);
        assert_eq!(health.report().cooldown, None);
    }

    #[test]
    fn each_probe_that_fails_doubles_the_cooldown_up_to_a_minute() {
        let vitals = Arc::new(Vitals::default());
        let health = &vitals.health;
        // Long enough ago that each cooldown has already ended.
        let mut at = Instant::now().checked_sub(seconds(1000)).unwrap();
        let mut cooldowns = Vec::new();
        for failure in 0..10 {
            if failure > 2 {
                let probe = Trial::claim(&vitals);
                assert!(probe.is_some());
                std::mem::forget(probe);
            }
            cooldowns.extend(health.failed_at(at, None, 1.0));
            at += seconds(70);
        }
        let cooldowns: Vec<_> = cooldowns.iter().map(Duration::as_secs).collect();
        assert_eq!(cooldowns, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn one_request_probes_at_a_time() {
        let vitals = Arc::new(Vitals::default());
        let past = Instant::now().checked_sub(seconds(10)).unwrap();
        assert!(Trial::claim(&vitals).is_none());
        for _ in 0..3 {
            vitals.health.failed_at(past, None, 1.0);
        }
        assert_eq!(vitals.health.standing(), Standing::Due);
        let probe = Trial::claim(&vitals);
        assert!(probe.is_some() && Trial::claim(&vitals).is_none());
        assert!(matches!(vitals.health.standing(), Standing::InCooldown(_)));
        drop(probe);
        assert_eq!(vitals.health.standing(), Standing::Due);
        vitals.health.succeeded(Some(Duration::from_millis(8)));
        assert_eq!(vitals.health.standing(), Standing::Ok);
        assert_eq!(
            vitals.health.report().latency,
            Some(Duration::from_millis(8))
        );
    }

    #[test]
    fn what_a_provider_asks_for_is_honoured_within_reason() {
        let health = Health::default();
        let now = Instant::now();
        assert_eq!(
            health.failed_at(now, Some(seconds(7)), 1.0),
            Some(seconds(7))
        );
        // Sent before: it neither shortens nor doubles the cooldown.
        assert_eq!(health.failed_at(now, None, 1.0), None);
        assert_eq!(health.failed_at(now, Some(seconds(3)), 1.0), None);
        assert_eq!(health.standing(), Standing::InCooldown(now + seconds(7)));
        assert_eq!(
            health.failed_at(now, Some(seconds(86_400)), 1.0),
            Some(MAX_REQUESTED)
        );
    }
}
