use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use tokio::time::Instant;

use crate::call::{Observed, Piece};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::late::timeout_at;
use crate::provider::faults::empty_answer;
use crate::provider::transport::{UpstreamBody, failure};

/// An upstream's bytes as they arrive: audio, which is neither parsed nor buffered.
pub(super) struct ByteStream {
    body: UpstreamBody,
    /// The next to be yielded.
    first: Option<Bytes>,
    is_over: bool,
}

impl ByteStream {
    /// Reads up to the first byte.
    ///
    /// # Errors
    /// `UpstreamInvalid` when there is none, `UpstreamTimeout` when `deadline` passes.
    pub(super) async fn begin(mut body: UpstreamBody, deadline: Instant) -> Result<Self> {
        let first = async {
            loop {
                match poll_fn(|cx| body.poll_chunk(cx)).await? {
                    Some(bytes) if bytes.is_empty() => {}
                    first => return Ok(first),
                }
            }
        };
        let first = timeout_at(deadline, first)
            .await
            .map_err(|_| {
                Error::new(
                    ErrorKind::UpstreamTimeout,
                    "the provider did not start to answer in time; try again",
                )
                .with_cause(Cause::FirstEventTimeout)
            })?
            .map_err(failure::before_answer)?;
        let Some(first) = first else {
            return Err(empty_answer());
        };
        Ok(Self {
            body,
            first: Some(first),
            is_over: false,
        })
    }
}

impl Stream for ByteStream {
    type Item = Result<Piece>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(bytes) = self.first.take() {
            return Poll::Ready(Some(Ok(piece(bytes))));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.body.poll_chunk(cx)) {
            Ok(Some(bytes)) => Some(Ok(piece(bytes))),
            Ok(None) => {
                self.is_over = true;
                None
            }
            Err(error) => {
                self.is_over = true;
                Some(Err(failure::within_answer(error)))
            }
        })
    }
}

fn piece(bytes: Bytes) -> Piece {
    Piece {
        bytes,
        observed: Observed::default(),
    }
}
