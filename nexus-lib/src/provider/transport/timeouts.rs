use std::time::Duration;

use crate::call::Target;
use crate::wire::millis;

/// The timeouts of an upstream, unless its operator sets others. There is no limit on the duration
/// of a whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Connect timeout: until a connection is established, including TLS. With proxies it applies
    /// to each proxy's tunnel, and once more to TLS. Default: 5 s.
    pub connect: Duration,
    /// From sending the request to the head of the answer; for a stream, to its first event.
    /// Default: 60 s.
    pub first_event: Duration,
    /// The same for models that may reason for minutes before their first event. Default: 300 s.
    pub first_event_of_slow: Duration,
    /// Idle timeout: between two parts of an answer. Default: 60 s.
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
    /// Sets [`connect`](Self::connect).
    #[must_use]
    pub const fn connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets [`first_event`](Self::first_event).
    #[must_use]
    pub const fn first_event(mut self, first_event: Duration) -> Self {
        self.first_event = first_event;
        self
    }

    /// Sets [`first_event_of_slow`](Self::first_event_of_slow).
    #[must_use]
    pub const fn first_event_of_slow(mut self, first_event_of_slow: Duration) -> Self {
        self.first_event_of_slow = first_event_of_slow;
        self
    }

    /// Sets [`idle`](Self::idle).
    #[must_use]
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }
}

impl Timeouts {
    /// The timeouts of one target: the operator's, and these for the rest.
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
