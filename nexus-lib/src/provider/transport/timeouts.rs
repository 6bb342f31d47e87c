use std::time::Duration;

use crate::call::Target;
use crate::wire::millis;

/// How long an upstream may be silent, where its operator does not say otherwise. There is no limit on the
/// whole of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands, TLS included; where proxies are tried, until each has given a tunnel, and
    /// once more for TLS. 5 s unless set.
    pub connect: Duration,
    /// From sending the request to the head of the answer; for a stream, to its first event. 60 s unless
    /// set.
    pub first_event: Duration,
    /// The same for models that may think for minutes before they say a word. 300 s unless set.
    pub first_event_of_slow: Duration,
    /// Between two pieces of an answer. 60 s unless set.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_event: Duration::from_secs(60),
            first_event_of_slow: Duration::from_secs(300),
            idle: Duration::from_secs(60),
        }
    }
}

impl Timeouts {
    /// Those for one target: what its operator set, and these for the rest.
    pub(super) fn of(self, target: &Target) -> Self {
        let timers = &target.provider.limits.timers;
        let first_event = match target.is_slow {
            true => self.first_event_of_slow,
            false => self.first_event,
        };
        Self {
            connect: timers.connect_ms.map_or(self.connect, millis),
            first_event: timers.first_event_ms.map_or(first_event, millis),
            idle: timers.idle_ms.map_or(self.idle, millis),
            ..self
        }
    }
}
