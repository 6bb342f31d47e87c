//! Timers that tolerate a pause of the process.
//!
//! A process that was stopped (by a debugger, a closed laptop, a busy host) wakes up with its
//! timers expired and everything that arrived in the meantime still unread in the kernel. So a
//! timeout only counts after the kernel was polled once more.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{Instant, Sleep};

use crate::error::{Error, Result};

/// How long to poll once more. The runtime polls the kernel within a millisecond.
const GRACE: Duration = Duration::from_millis(100);

/// The output of `future`, if it is ready by `deadline` or very soon after.
///
/// # Errors
/// [`Elapsed`].
pub(crate) async fn timeout_at<F: Future>(
    deadline: Instant,
    future: F,
) -> std::result::Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    match tokio::time::timeout_at(deadline, future.as_mut()).await {
        Ok(outcome) => Ok(outcome),
        Err(_) => tokio::time::timeout(GRACE, future).await,
    }
}

/// Awaits `answered` for as long as its client does.
///
/// # Errors
/// Its own; [`ErrorKind::DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) after `deadline`.
pub(crate) async fn until<T>(
    deadline: Option<std::time::Instant>,
    answered: impl Future<Output = Result<T>>,
) -> Result<T> {
    match deadline {
        None => answered.await,
        Some(deadline) => tokio::time::timeout_at(deadline.into(), answered)
            .await
            .unwrap_or_else(|_| Err(Error::deadline_exceeded())),
    }
}

/// A timer that is reset whenever something arrives. It is created at the first wait.
#[derive(Debug, Default)]
pub(crate) struct LateTimer {
    timer: Option<Pin<Box<Sleep>>>,
    /// After it expired: when the final poll ends.
    last_look: Option<Instant>,
}

impl LateTimer {
    /// Ready at `due`, or very soon after. Only an arrival that moves `due` extends it: a byte now
    /// and then must not.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        loop {
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            match self.last_look {
                // It was set before more arrived.
                _ if now < due => {
                    self.last_look = None;
                    timer.as_mut().reset(due);
                }
                None => {
                    let until = now + GRACE;
                    self.last_look = Some(until);
                    timer.as_mut().reset(until);
                }
                Some(until) if now < until => timer.as_mut().reset(until),
                Some(_) => return Poll::Ready(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_lay_unread_at_the_deadline_is_in_time() {
        let deadline = Instant::now() + Duration::from_secs(5);
        // Ready a moment after the timer fires, like what the kernel reports after a pause.
        let unread = tokio::time::sleep_until(deadline + Duration::from_millis(10));
        assert!(timeout_at(deadline, unread).await.is_ok());
        let silent = std::future::pending::<()>();
        assert!(timeout_at(Instant::now(), silent).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn timer_looks_once_more_and_starts_afresh_when_it_is_due_later() {
        let start = Instant::now();
        let mut timer = LateTimer::default();
        let due = start + Duration::from_secs(5);
        let unread = tokio::time::sleep_until(due + Duration::from_millis(10));
        tokio::select! {
            () = unread => {}
            () = poll_fn(|cx| timer.poll(cx, due)) => panic!("too early"),
        }
        let due = start + Duration::from_secs(9);
        poll_fn(|cx| timer.poll(cx, due)).await;
        assert!((9000..9200).contains(&start.elapsed().as_millis()));
    }
}
