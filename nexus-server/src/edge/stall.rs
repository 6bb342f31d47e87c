use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Breaks a connection whose client accepts no byte for a while although some are pending.
///
/// A successful write touches no timer: the first write that has to wait starts it.
#[derive(Debug)]
pub(super) struct Stall {
    limit: Duration,
    /// Boxed: most connections never need it.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl Stall {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            timer: None,
            is_waiting: false,
        }
    }

    /// Checks the result of a write; returns an error once writes have waited for too long.
    pub(super) fn check<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_waiting = false;
            return written;
        }
        let limit = self.limit;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if !self.is_waiting {
            self.is_waiting = true;
            timer.as_mut().reset(Instant::now() + limit);
        }
        timer.as_mut().poll(cx).map(|()| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client has stopped reading",
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// The result of a write that waits for `wait`.
    async fn write(stall: &mut Stall, wait: u64) -> io::Result<usize> {
        let mut taken = Box::pin(tokio::time::sleep(Duration::from_secs(wait)));
        poll_fn(|cx| {
            let written = taken.as_mut().poll(cx).map(|()| Ok(1));
            stall.check(cx, written)
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_takes_a_byte_in_time_is_borne_for_ever_and_one_that_does_not_is_not() {
        let mut stall = Stall::new(Duration::from_secs(60));
        for _ in 0..10 {
            assert_eq!(write(&mut stall, 59).await.unwrap(), 1);
        }
        let start = Instant::now();
        let error = write(&mut stall, 1_000).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test]
    async fn write_that_goes_through_arms_no_timer() {
        let mut stall = Stall::new(Duration::from_secs(60));
        poll_fn(|cx| stall.check(cx, Poll::Ready(Ok(1))))
            .await
            .unwrap();
        assert!(stall.timer.is_none());
    }
}
