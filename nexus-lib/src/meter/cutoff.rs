use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use crate::error::{Error, ErrorKind, Result};

/// Ends all calls in progress. A clone is the same one.
///
/// It wakes no task: a call notices it when it is polled next.
#[derive(Debug, Clone, Default)]
pub struct Cutoff(Arc<AtomicBool>);

impl Cutoff {
    /// From now on calls fail with [`ErrorKind::Closed`].
    pub fn fall(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn has_fallen(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Polls a call unless calls have been cut off.
    pub(super) fn before<'c, T>(
        &'c self,
        mut call: Pin<&'c mut impl Future<Output = Result<T>>>,
    ) -> impl Future<Output = Result<T>> + Unpin {
        poll_fn(move |cx| match self.has_fallen() {
            true => Poll::Ready(Err(cut_off())),
            false => call.as_mut().poll(cx),
        })
    }
}

/// The error of a call that was cut off.
pub(super) fn cut_off() -> Error {
    Error::new(
        ErrorKind::Closed,
        "the gateway is shutting down and could not wait for this answer; try again",
    )
}
