use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, Sleep};

use crate::error::{Cause, Error, ErrorKind, Result};
use crate::provider::transport::failure;
use crate::provider::transport::pool::Body;

/// The body of an upstream's answer, read under the idle timer. Dropping it drops the connection
/// unless it was read to its end.
pub(crate) struct UpstreamBody {
    incoming: Body,
    idle: Duration,
    /// Since when nothing has come, if something is waited for.
    silent_since: Option<Instant>,
    /// Made when the upstream first keeps us waiting, and then moved only when it fires: a stream that
    /// flows never touches a timer.
    timer: Option<Pin<Box<Sleep>>>,
}

impl UpstreamBody {
    pub(super) fn new(incoming: Body, idle: Duration) -> Self {
        Self {
            incoming,
            idle,
            silent_since: None,
            timer: None,
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// `StreamInterrupted` when the connection broke, `UpstreamTimeout` when the idle timer ran out.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        let Poll::Ready(data) = self.incoming.poll_data(cx) else {
            return self.poll_idle(cx).map(Err);
        };
        self.silent_since = None;
        Poll::Ready(data.map_err(failure::of_body))
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let since = *self.silent_since.get_or_insert_with(Instant::now);
        let due = since + self.idle;
        loop {
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= due {
                let message = "the provider fell silent in the middle of its answer";
                return Poll::Ready(failure::too_slow(message, Cause::IdleTimeout));
            }
            timer.as_mut().reset(due);
        }
    }

    /// The whole body, at most `limit` bytes of it. One that came in one piece is not copied.
    ///
    /// # Errors
    /// `UpstreamUnreachable` when the connection broke, `UpstreamTimeout` when the idle timer ran out,
    /// `UpstreamInvalid` when the body is longer than `limit`.
    ///
    /// # Cancel safety
    /// What was read is lost with the future.
    pub(crate) async fn collect(mut self, limit: usize) -> Result<Bytes> {
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        if self.incoming.is_over() {
            return Ok(first);
        }
        let Some(second) = self.chunk().await? else {
            return Ok(first);
        };
        let expected = usize::try_from(self.incoming.at_least()).unwrap_or(0);
        let mut whole = BytesMut::with_capacity(first.len() + second.len() + expected.min(limit));
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            if whole.len() + chunk.len() > limit {
                return Err(Error::new(
                    ErrorKind::UpstreamInvalid,
                    "the provider's answer is too long",
                ));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|cx| self.poll_chunk(cx))
            .await
            .map_err(failure::before_answer)
    }
}
