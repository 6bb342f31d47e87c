use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::StatusCode;
use tokio::time::{Instant, Sleep, sleep};

use crate::body_memory::{FREE_BYTES, Held};
use crate::call::{Observed, Piece};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::late::timeout_at;
use crate::provider::faults::{empty_stream, status_of};
use crate::provider::tap::{MAX_SILENT_BYTES, Tap, too_silent};
use crate::provider::transport::{UpstreamBody, failure};

/// An upstream's events as they arrive.
pub(crate) struct EventStream<O> {
    body: UpstreamBody,
    tap: O,
    /// Read ahead to learn how the stream starts; the next to be yielded.
    first: Option<Piece>,
    /// Whether a finish reason has arrived: the stream may end after it.
    finished: bool,
    /// Whether its protocol's final event has arrived.
    terminal: bool,
    /// Runs while nothing arrives after the end of the answer.
    patience: Option<Pin<Box<Sleep>>>,
    /// Counts the held back part of an event once it is large, like whole answers.
    held: Option<Held>,
    /// How many bytes have arrived after the final event.
    after_end: usize,
    ended: bool,
}

/// How long to wait for the end of the body after its protocol's final event: a connection that was
/// read to its end can be reused. Some upstreams keep the body open.
const PATIENCE_FOR_END: Duration = Duration::from_millis(200);

/// How long to wait for the final event after a finish reason. Usage arrives in between, and some
/// upstreams send no final event.
pub(super) const PATIENCE_FOR_LAST: Duration = Duration::from_secs(5);

/// How a stream started.
pub(crate) enum Begun<O> {
    /// With an event of the answer.
    Flowing(Pin<Box<EventStream<O>>>),
    /// With an error inside a successful answer: becomes an answer with that error's status.
    Refused {
        status: StatusCode,
        body: Bytes,
        observed: Observed,
    },
}

impl<O: Tap> EventStream<O> {
    /// Reads up to the first event.
    ///
    /// # Errors
    /// `UpstreamInvalid` when the stream ends before it, `UpstreamTimeout` when `deadline` passes.
    pub(crate) async fn begin(body: UpstreamBody, tap: O, deadline: Instant) -> Result<Begun<O>> {
        let mut stream = Self {
            body,
            tap,
            first: None,
            finished: false,
            terminal: false,
            patience: None,
            held: None,
            after_end: 0,
            ended: false,
        };
        let first = timeout_at(deadline, stream.first_event())
            .await
            .map_err(|_| {
                Error::new(
                    ErrorKind::UpstreamTimeout,
                    "the provider did not start to answer in time; try again",
                )
                .with_cause(Cause::FirstEventTimeout)
            })?
            .map_err(failure::before_answer)?;
        if first.observed.terminal && !stream.tap.has_answer() {
            return Err(empty_stream());
        }
        if let Some((status, body)) = stream.tap.refusal(&first) {
            let status = status_of(Some(status))?;
            return Ok(Begun::Refused {
                status,
                body,
                observed: first.observed,
            });
        }
        stream.first = Some(first);
        Ok(Begun::Flowing(Box::pin(stream)))
    }

    /// The first piece with an event of the answer, and everything before it.
    async fn first_event(&mut self) -> Result<Piece> {
        let mut before = BytesMut::new();
        let mut observed = Observed::default();
        loop {
            let mut piece = poll_fn(|cx| self.poll_piece(cx))
                .await?
                .ok_or_else(empty_stream)?;
            observed.merge(std::mem::take(&mut piece.observed));
            if self.tap.has_events() {
                if !before.is_empty() {
                    before.extend_from_slice(&piece.bytes);
                    piece.bytes = before.freeze();
                }
                return Ok(Piece { observed, ..piece });
            }
            if before.len() + piece.bytes.len() > MAX_SILENT_BYTES {
                return Err(too_silent());
            }
            before.extend_from_slice(&piece.bytes);
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Piece>>> {
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        let piece = match self.body.poll_chunk(cx) {
            Poll::Pending => {
                ready!(self.poll_patience(cx));
                self.end()?
            }
            Poll::Ready(Ok(Some(chunk))) => {
                self.patience = None;
                if self.terminal {
                    self.after_end = self.after_end.saturating_add(chunk.len());
                }
                match self.after_end > MAX_SILENT_BYTES {
                    // It keeps sending after its final event, which nobody needs.
                    true => self.end()?,
                    false => {
                        let piece = self.tap.push(chunk)?;
                        self.count()?;
                        piece
                    }
                }
            }
            Poll::Ready(Ok(None)) => self.end()?,
            // The answer is complete: how the connection ends no longer matters.
            Poll::Ready(Err(_)) if self.finished => self.end().unwrap_or_default(),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
        };
        // Some upstreams send nothing after an error, not even a final event.
        let seen = &piece.observed;
        self.terminal |= seen.terminal || seen.error.is_some();
        self.finished |= self.terminal || seen.finished || self.tap.is_finished();
        Poll::Ready(Ok(Some(piece)))
    }

    /// Counts what the tap holds back. It is nearly always little, and then nothing is
    /// touched.
    fn count(&mut self) -> Result<()> {
        let bytes = self.tap.held_bytes();
        if bytes <= FREE_BYTES {
            self.held = None;
            return Ok(());
        }
        let held = self.held.get_or_insert_with(|| self.body.hold());
        if bytes < held.bytes() {
            held.let_go();
        }
        held.grow(bytes - held.bytes())
    }

    /// Stops reading.
    fn end(&mut self) -> Result<Piece> {
        self.ended = true;
        match self.terminal {
            true => Ok(self.tap.finish().unwrap_or_default()),
            false => self.tap.finish(),
        }
    }

    /// Ready when a finished upstream has been waited for long enough.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = match (self.terminal, self.finished) {
            (true, _) => PATIENCE_FOR_END,
            (false, true) => PATIENCE_FOR_LAST,
            (false, false) => return Poll::Pending,
        };
        let timer = self
            .patience
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        timer.as_mut().poll(cx)
    }
}

impl<O: Tap> Stream for EventStream<O> {
    type Item = Result<Piece>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        match ready!(self.poll_piece(cx)) {
            Ok(Some(piece)) => Poll::Ready(Some(Ok(piece))),
            Ok(None) if self.finished => Poll::Ready(None),
            // A connection that is closed without a declared length looks like an end.
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
