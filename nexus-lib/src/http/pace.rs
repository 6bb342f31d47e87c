use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::late::LateTimer;

/// Time limits for a client to send the body of a request.
///
/// A slower client gets 408, and its connection is closed. By default a body may pause for 30 s,
/// and has 60 s plus one second for each 16 KiB received: 128 kbit/s, which the slowest usable
/// lines have, while a client that sends a byte now and then occupies a request for no more than a
/// minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodyTimeouts {
    /// The idle timeout: between two pieces.
    pub idle: Duration,
    /// The limit for the whole body, which `bytes_per_second` extends.
    pub whole: Duration,
    /// For each this many bytes received, the limit is extended by a second. 0 means no extension.
    pub bytes_per_second: u32,
}

impl Default for BodyTimeouts {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30),
            whole: Duration::from_secs(60),
            bytes_per_second: 16 * 1024,
        }
    }
}

impl BodyTimeouts {
    /// Sets [`idle`](Self::idle).
    #[must_use]
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets [`whole`](Self::whole).
    #[must_use]
    pub const fn whole(mut self, whole: Duration) -> Self {
        self.whole = whole;
        self
    }

    /// Sets [`bytes_per_second`](Self::bytes_per_second).
    #[must_use]
    pub const fn bytes_per_second(mut self, bytes_per_second: u32) -> Self {
        self.bytes_per_second = bytes_per_second;
        self
    }
}

/// Measures one body. A body that has arrived already touches no timer and no clock.
pub(super) struct Pace {
    timeouts: BodyTimeouts,
    /// Set at the first wait. Boxed: most bodies never wait.
    waiting: Option<Box<Waiting>>,
}

struct Waiting {
    since: Instant,
    last_piece: Instant,
    timer: LateTimer,
}

impl Pace {
    pub(super) fn new(timeouts: BodyTimeouts) -> Self {
        Self {
            timeouts,
            waiting: None,
        }
    }

    /// Notes that a piece has arrived.
    pub(super) fn piece(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.last_piece = Instant::now();
        }
    }

    /// Polled together with the body, of which `received` bytes have arrived; ready when it is too
    /// slow.
    pub(super) fn poll_too_slow(&mut self, cx: &mut Context<'_>, received: usize) -> Poll<Error> {
        let timeouts = self.timeouts;
        let waiting = self.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            Box::new(Waiting {
                since: now,
                last_piece: now,
                timer: LateTimer::default(),
            })
        });
        // Neither may be beyond the range of the clock.
        let after = |from: Instant, wait| from.checked_add(wait);
        let idle = after(waiting.last_piece, timeouts.idle);
        let whole = after(waiting.since, timeouts.limit(received));
        match [idle, whole].into_iter().flatten().min() {
            Some(due) => waiting.timer.poll(cx, due).map(|()| too_slow()),
            None => Poll::Pending,
        }
    }
}

impl BodyTimeouts {
    /// The time limit of a body of which `received` bytes have arrived.
    fn limit(self, received: usize) -> Duration {
        let received = u64::try_from(received).unwrap_or(u64::MAX);
        let earned = received.checked_div(self.bytes_per_second.into());
        let earned = Duration::from_secs(earned.unwrap_or(0));
        self.whole.saturating_add(earned)
    }
}

fn too_slow() -> Error {
    Error::new(
        ErrorKind::RequestTimeout,
        "the request's body arrived too slowly; send it again",
    )
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const TIMEOUTS: BodyTimeouts = BodyTimeouts {
        idle: Duration::from_secs(30),
        whole: Duration::from_secs(60),
        bytes_per_second: 10,
    };

    /// How long a body lasts if `piece` bytes arrive every `every` seconds.
    async fn lasted(timeouts: BodyTimeouts, piece: usize, every: u64) -> u64 {
        let start = Instant::now();
        let mut pace = Pace::new(timeouts);
        let mut received = 0;
        loop {
            tokio::select! {
                error = poll_fn(|cx| pace.poll_too_slow(cx, received)) => {
                    assert_eq!(error.kind(), ErrorKind::RequestTimeout);
                    return start.elapsed().as_secs();
                }
                () = tokio::time::sleep(Duration::from_secs(every)) => {
                    pace.piece();
                    received += piece;
                }
            }
            if start.elapsed() > Duration::from_secs(100_000) {
                return u64::MAX;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_and_trickling_end_and_a_steady_pace_does_not() {
        assert_eq!(lasted(TIMEOUTS, 1, 1_000).await, 30);
        // A byte every 29 s extends the limit by almost nothing.
        assert_eq!(lasted(TIMEOUTS, 1, 29).await, 60);
        // 10 bytes every 20 s extend it by 3 s in the first minute.
        assert_eq!(lasted(TIMEOUTS, 10, 20).await, 63);
        assert_eq!(lasted(TIMEOUTS, 200, 20).await, u64::MAX);
    }

    /// Pieces in quick succession do not extend it either.
    #[tokio::test(start_paused = true)]
    async fn a_byte_every_few_milliseconds_ends_too() {
        let start = Instant::now();
        let mut pace = Pace::new(TIMEOUTS);
        for received in 0.. {
            tokio::select! {
                _ = poll_fn(|cx| pace.poll_too_slow(cx, received / 1_000)) => break,
                () = tokio::time::sleep(Duration::from_millis(10)) => pace.piece(),
            }
        }
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn timers_without_end_and_without_a_pace_are_understood() {
        let endless = BodyTimeouts {
            whole: Duration::MAX,
            ..TIMEOUTS
        };
        assert_eq!(lasted(endless, 1, 29).await, u64::MAX);
        let no_pace = BodyTimeouts {
            bytes_per_second: 0,
            ..TIMEOUTS
        };
        assert_eq!(lasted(no_pace, 1_000, 1).await, 60);
    }
}
