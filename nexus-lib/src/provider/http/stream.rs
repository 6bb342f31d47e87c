use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use tokio::time::Instant;

use crate::call::{Observed, Piece, ProviderProfile};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::provider::observe::{Observe, observe_completion};
use crate::provider::redact::{redact, repeats};
use crate::provider::transport::{UpstreamBody, failure};
use crate::sse;

/// An upstream's events as they come.
pub(crate) struct EventStream<O> {
    body: UpstreamBody,
    /// Whose key must not be repeated.
    profile: Arc<ProviderProfile>,
    observer: O,
    /// Read to learn how the stream begins; the next to be yielded.
    first: Option<Piece>,
    /// Whether the answer was said to be over: an end after that is no break.
    finished: bool,
    ended: bool,
}

/// How a stream began.
pub(crate) enum Begun<O> {
    /// With an event of the answer.
    Flowing(EventStream<O>),
    /// With an error, inside a successful answer: an answer with that error's status.
    Refused {
        status: StatusCode,
        body: Bytes,
        observed: Observed,
    },
}

impl<O: Observe> EventStream<O> {
    /// Reads up to the first event.
    ///
    /// # Errors
    /// `UpstreamInvalid` when the stream ends before it, `UpstreamTimeout` when `deadline` passes.
    pub(crate) async fn begin(
        body: UpstreamBody,
        profile: Arc<ProviderProfile>,
        observer: O,
        deadline: Instant,
    ) -> Result<Begun<O>> {
        let mut stream = Self {
            body,
            profile,
            observer,
            first: None,
            finished: false,
            ended: false,
        };
        let first = tokio::time::timeout_at(deadline, stream.first_event())
            .await
            .map_err(|_| {
                Error::new(
                    ErrorKind::UpstreamTimeout,
                    "the provider did not begin to answer in time",
                )
                .with_cause(Cause::FirstEventTimeout)
            })?
            .map_err(failure::before_answer)?;
        if is_done_only(&first) {
            return Err(empty_stream());
        }
        if let Some((status, body)) = stream.observer.refusal(&first) {
            return Ok(Begun::Refused {
                status,
                body,
                observed: first.observed,
            });
        }
        stream.first = Some(first);
        Ok(Begun::Flowing(stream))
    }

    /// The first piece with an event in it, and any comments before that.
    async fn first_event(&mut self) -> Result<Piece> {
        let mut comments: Vec<u8> = Vec::new();
        loop {
            let mut piece = poll_fn(|cx| self.poll_piece(cx))
                .await?
                .ok_or_else(empty_stream)?;
            if !comments.is_empty() {
                comments.extend_from_slice(&piece.bytes);
                piece.bytes = std::mem::take(&mut comments).into();
            }
            if self.observer.has_events() {
                return Ok(piece);
            }
            comments = piece.bytes.into();
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Piece>>> {
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        let piece = match ready!(self.body.poll_chunk(cx)) {
            Ok(Some(chunk)) => self.observer.push(chunk)?,
            Ok(None) => {
                self.ended = true;
                self.observer.finish()?
            }
            // All was said: how the connection ends does not matter any more.
            Err(_) if self.finished => {
                self.ended = true;
                Piece::default()
            }
            Err(error) => return Poll::Ready(Err(error)),
        };
        let piece = match piece.observed.error {
            Some(_) => without_key(piece, self.profile.expose_key()),
            None => piece,
        };
        // Some upstreams say nothing more after an error, not even that they are done.
        let seen = &piece.observed;
        self.finished |= seen.finished || seen.terminal || seen.error.is_some();
        Poll::Ready(Ok(Some(piece)))
    }
}

impl<O: Observe> Stream for EventStream<O> {
    type Item = Result<Piece>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        match ready!(self.poll_piece(cx)) {
            Ok(Some(piece)) => Poll::Ready(Some(Ok(piece))),
            Ok(None) if self.finished => Poll::Ready(None),
            // A connection that is closed where its length was not told looks like an end.
            Ok(None) => {
                self.finished = true;
                Poll::Ready(Some(Err(Error::new(
                    ErrorKind::StreamInterrupted,
                    "the provider ended its stream before the answer was complete",
                ))))
            }
            Err(error) => {
                self.ended = true;
                self.finished = true;
                Poll::Ready(Some(Err(failure::within_answer(error))))
            }
        }
    }
}

/// An error's events, with the provider's key masked where they repeat it.
fn without_key(piece: Piece, key: &str) -> Piece {
    if !repeats(&piece.bytes, key) {
        return piece;
    }
    let bytes = redact(piece.bytes, key);
    // Read anew: what was observed is shortened, and may hold a part of the key.
    let errors = sse::events(&bytes).filter_map(|event| observe_completion(&event.data()).error);
    let error = errors.last();
    let observed = Observed {
        error,
        ..piece.observed
    };
    Piece { bytes, observed }
}

fn empty_stream() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider sent an empty stream; try again",
    )
}

/// Whether the stream says that it is done before it has said anything.
fn is_done_only(first: &Piece) -> bool {
    first.observed.terminal
        && first.observed.usage.is_none()
        && sse::events(&first.bytes).all(|event| event.data().trim_ascii() == b"[DONE]")
}
