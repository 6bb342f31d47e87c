use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Breaks a connection whose client takes no byte for a while although there are some for it.
///
/// A write that goes through touches no timer: one is armed by the first write that has to wait.
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

    /// Looks at how a write went; the error is there once writes have waited for too long.
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
                "the client takes nothing any more",
            ))
        })
    }
}
