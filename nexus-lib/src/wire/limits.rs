use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an operator bounds for one provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProviderLimits {
    /// How many requests it may have open at once; any number when `None`.
    pub max_concurrency: Option<u32>,
    /// How long it may be silent.
    pub timers: TimerSettings,
}

/// Timers that an operator sets for one provider, in milliseconds; what is `None` is left to the gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TimerSettings {
    /// Until a connection stands.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub connect_ms: Option<u32>,
    /// From sending the request to the head of the answer; for a stream, to its first event.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub first_event_ms: Option<u32>,
    /// Between two pieces of an answer.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub idle_ms: Option<u32>,
}

impl TimerSettings {
    /// The longest that a timer may be set to: an hour.
    pub const LONGEST_MS: u32 = 3_600_000;

    /// The timers with their names.
    pub fn each(&self) -> [(&'static str, Option<u32>); 3] {
        [
            ("connect_ms", self.connect_ms),
            ("first_event_ms", self.first_event_ms),
            ("idle_ms", self.idle_ms),
        ]
    }
}

/// A timer of so many milliseconds.
pub(crate) fn millis(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
