use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::time::Instant;

use crate::body_memory::{BodyMemory, Gather, GatherError, Held, Holder};
use crate::coding::{Decoder, UnknownCoding, codings};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::late::LateTimer;
use crate::provider::headers;
use crate::provider::transport::failure;
use crate::provider::transport::pool::Body;

/// How much whitespace may precede an answer: some upstreams send it for minutes to keep the
/// connection alive.
const MAX_AHEAD: usize = 64 * 1024;

const BLANK: &str = "the provider sent only whitespace before its answer; try again";

/// The body of an upstream's answer, read with the idle timeout. Dropping it drops the connection,
/// unless it was read to its end.
pub(crate) struct UpstreamBody {
    incoming: Body,
    /// Read ahead; the next to be returned.
    ahead: Option<Bytes>,
    /// Undoes the codings of a body that is parsed. Boxed, since few bodies have any.
    decoder: Option<Box<Decoder>>,
    /// The memory that whole bodies are counted in.
    memory: Arc<OnceLock<BodyMemory>>,
    idle: Duration,
    /// Since when nothing has arrived, while waiting.
    silent_since: Option<Instant>,
    /// Created at the first wait, and moved only when it fires: a flowing stream never touches a
    /// timer.
    timer: LateTimer,
}

impl UpstreamBody {
    pub(super) fn new(incoming: Body, idle: Duration, memory: Arc<OnceLock<BodyMemory>>) -> Self {
        Self {
            incoming,
            ahead: None,
            decoder: None,
            memory,
            idle,
            silent_since: None,
            timer: LateTimer::default(),
        }
    }

    /// The same body with its codings undone, for the answer with `headers`: headers that describe
    /// the coded bytes are removed.
    ///
    /// # Errors
    /// [`UnknownCoding`].
    pub(crate) fn decoded(mut self, headers: &mut HeaderMap) -> Result<Self, UnknownCoding> {
        if headers.contains_key(CONTENT_ENCODING) {
            let codings = codings(headers)?;
            if !codings.is_empty() {
                self.decoder = Some(Box::new(Decoder::new(&codings)));
                headers::forget_body(headers);
            }
            headers.remove(CONTENT_ENCODING);
        }
        Ok(self)
    }

    /// Memory for the part of the body that is kept: nothing yet.
    pub(crate) fn hold(&self) -> Held {
        let memory = self.memory.get_or_init(|| BodyMemory::at_most(usize::MAX));
        memory.hold(Holder::Providers)
    }

    /// Reads ahead until `look` returns a value. The bytes will be read again. `None` if the body
    /// ends before.
    ///
    /// # Errors
    /// As for [`collect`](Self::collect), and `UpstreamInvalid` when 64 KiB are not enough.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(crate) async fn look<T>(&mut self, look: impl Fn(&[u8]) -> Option<T>) -> Result<Option<T>> {
        loop {
            if let Some(ahead) = &self.ahead {
                let seen = look(ahead);
                if seen.is_some() {
                    return Ok(seen);
                }
                if ahead.len() > MAX_AHEAD {
                    return Err(Error::new(ErrorKind::UpstreamInvalid, BLANK));
                }
            }
            let next = poll_fn(|cx| self.poll_after(cx)).await;
            match (&self.ahead, next.map_err(failure::before_answer)?) {
                (_, None) => return Ok(None),
                (None, Some(next)) => self.ahead = Some(next),
                (Some(before), Some(next)) => {
                    self.ahead = Some([&before[..], &next].concat().into());
                }
            }
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// `StreamInterrupted` when the connection broke, `UpstreamTimeout` when the idle timeout
    /// expired, `UpstreamInvalid` when the body is not in its declared coding.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        match self.ahead.take() {
            Some(ahead) => Poll::Ready(Ok(Some(ahead))),
            None => self.poll_after(cx),
        }
    }

    /// What follows the bytes that were read ahead.
    fn poll_after(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        match self.decoder {
            None => self.poll_raw(cx),
            Some(_) => self.poll_decoded(cx),
        }
    }

    fn poll_decoded(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        loop {
            if let Some(decoder) = &mut self.decoder {
                match decoder.next() {
                    Ok(Some(piece)) => return Poll::Ready(Ok(Some(piece))),
                    Ok(None) => {}
                    Err(_) => return Poll::Ready(Err(malformed())),
                }
            }
            let chunk = ready!(self.poll_raw(cx))?;
            match (&mut self.decoder, chunk) {
                (Some(decoder), Some(chunk)) => decoder.push(chunk),
                (Some(decoder), None) if !decoder.is_whole() => {
                    return Poll::Ready(Err(failure::of_body("the coding was truncated".into())));
                }
                (_, chunk) => return Poll::Ready(Ok(chunk)),
            }
        }
    }

    fn poll_raw(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        let Poll::Ready(data) = self.incoming.poll_data(cx) else {
            return self.poll_idle(cx).map(Err);
        };
        self.silent_since = None;
        Poll::Ready(data.map_err(failure::of_body))
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let since = *self.silent_since.get_or_insert_with(Instant::now);
        self.timer.poll(cx, since + self.idle).map(|()| {
            let message =
                "the provider sent nothing for too long in the middle of its answer (idle timeout)";
            failure::too_slow(message, Cause::IdleTimeout)
        })
    }

    /// The whole body, up to `limit` bytes. A body of one piece is not copied.
    ///
    /// # Errors
    /// `UpstreamUnreachable` when the connection broke, `UpstreamTimeout` when the idle timeout
    /// expired, `UpstreamInvalid` when the body exceeds `limit`, `Overloaded` when there is no
    /// memory for it.
    ///
    /// # Cancel safety
    /// What was read is lost with the future.
    pub(crate) async fn collect(mut self, limit: usize) -> Result<Bytes> {
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        if self.decoder.is_none() && self.ahead.is_none() && self.incoming.is_over() {
            return Ok(first);
        }
        let Some(second) = self.chunk().await? else {
            return Ok(first);
        };
        let expected = usize::try_from(self.incoming.at_least()).unwrap_or(0);
        let expected = (first.len() + second.len()).saturating_add(expected);
        let memory = self.memory.get_or_init(|| BodyMemory::at_most(usize::MAX));
        let mut whole = Gather::new(memory, Holder::Providers, limit, expected);
        whole.push(first).map_err(refused)?;
        whole.push(second).map_err(refused)?;
        while let Some(chunk) = self.chunk().await? {
            whole.push(chunk).map_err(refused)?;
        }
        Ok(whole.finish())
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|cx| self.poll_chunk(cx))
            .await
            .map_err(failure::before_answer)
    }
}

fn malformed() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider's answer is not in its declared content coding",
    )
}

fn refused(error: GatherError) -> Error {
    match error {
        GatherError::TooLong => Error::new(
            ErrorKind::UpstreamInvalid,
            "the provider's answer exceeds the size limit",
        ),
        GatherError::NoRoom(error) => error,
    }
}
