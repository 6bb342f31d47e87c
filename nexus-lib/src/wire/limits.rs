use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits that an operator sets for one provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderLimits {
    /// The maximum number of concurrent requests; unlimited when `None`.
    pub max_concurrency: Option<u32>,
    /// Its timeouts.
    pub timers: TimerSettings,
}

impl ProviderLimits {
    /// Sets [`max_concurrency`](Self::max_concurrency).
    #[must_use]
    pub const fn max_concurrency(mut self, max_concurrency: u32) -> Self {
        self.max_concurrency = Some(max_concurrency);
        self
    }

    /// Sets [`timers`](Self::timers).
    #[must_use]
    pub const fn timers(mut self, timers: TimerSettings) -> Self {
        self.timers = timers;
        self
    }
}

/// Timeouts that an operator sets for one provider, in milliseconds. `None` means the gateway's
/// default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct TimerSettings {
    /// Connect timeout: until a connection is established.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub connect_ms: Option<u32>,
    /// From sending the request to the head of the answer; for a stream, to its first event.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub first_event_ms: Option<u32>,
    /// Idle timeout: between two parts of an answer.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub idle_ms: Option<u32>,
}

impl TimerSettings {
    /// The maximum of each timeout: one hour.
    pub const LONGEST_MS: u32 = 3_600_000;

    /// The timeouts with their names.
    pub fn each(&self) -> [(&'static str, Option<u32>); 3] {
        [
            ("connect_ms", self.connect_ms),
            ("first_event_ms", self.first_event_ms),
            ("idle_ms", self.idle_ms),
        ]
    }
}

/// Converts milliseconds to a duration.
pub(crate) fn millis(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
