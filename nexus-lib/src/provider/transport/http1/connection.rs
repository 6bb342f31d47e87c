use std::future::Future;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use http::Request;
use http::response::Parts;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::Error;
use super::framing::{Framing, Taken};
use super::head::{self, Search};
use crate::wire::Endpoint;

/// The initial read size; doubled when an answer fills it.
const LEAST_READ: usize = 4 * 1024;

/// The maximum read size. While a client reads slowly, this much of its answer is held here, and a
/// piece of it keeps all of it in memory.
const MAX_READ: usize = 16 * 1024;

/// A connection to an upstream, driven by the task that awaits its answer.
pub(in crate::provider::transport) struct Http1<S> {
    io: S,
    output: Output,
    /// Bytes that have arrived and were not taken yet.
    input: BytesMut,
    read_bytes: usize,
    /// Of the answer that is being read.
    framing: Framing,
    /// Whether another request may follow.
    lasts: bool,
}

/// A request that is being sent.
#[derive(Default)]
struct Output {
    head: Vec<u8>,
    body: Bytes,
    written: usize,
    is_flushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    pub(in crate::provider::transport) fn new(io: S) -> Self {
        Self {
            io,
            output: Output::default(),
            input: BytesMut::new(),
            read_bytes: LEAST_READ,
            framing: Framing::NONE,
            lasts: true,
        }
    }

    #[cfg(test)]
    pub(super) fn into_io(self) -> S {
        self.io
    }

    /// Sends `request` to `endpoint` and awaits the head of the answer; its body is read with
    /// [`poll_data`](Self::poll_data). An answer may arrive before all of the request is sent: the
    /// rest is then sent while the answer is read.
    ///
    /// # Errors
    /// [`Error::Unsent`] when nothing of it was sent, otherwise what happened.
    ///
    /// # Cancel safety
    /// Not cancel safe: a connection whose sending was dropped cannot be used any more.
    pub(in crate::provider::transport) async fn send(
        &mut self,
        endpoint: &Endpoint,
        request: &Request<Bytes>,
    ) -> Result<Parts, Error> {
        head::write(&mut self.output.head, endpoint, request);
        self.output.body = request.body().clone();
        self.output.written = 0;
        self.output.is_flushed = false;
        let mut search = Search::default();
        let head = poll_fn(|cx| self.poll_head(cx, &mut search)).await?;
        (self.framing, self.lasts) = Framing::of(&head)?;
        Ok(head)
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        search: &mut Search,
    ) -> Poll<Result<Parts, Error>> {
        let broken = match self.poll_write(cx) {
            Poll::Ready(Err(error)) if self.output.written == 0 => {
                return Poll::Ready(Err(Error::Unsent(error)));
            }
            // An upstream that has read enough may have answered before it closed the connection.
            Poll::Ready(Err(error)) => Some(error),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        };
        loop {
            match self.poll_fill(cx) {
                Poll::Pending => {
                    return broken.map_or(Poll::Pending, |error| Poll::Ready(Err(error.into())));
                }
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(Error::NoAnswer)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
            }
            if let Some(head) = head::take(&mut self.input, search)? {
                return Poll::Ready(Ok(head));
            }
        }
    }

    /// The next bytes of the answer's body; `None` at its end.
    ///
    /// # Errors
    /// When the connection broke, or the answer is not valid HTTP.
    pub(in crate::provider::transport) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Error>> {
        // Whether the upstream reads the rest of the request does not matter: it has answered.
        let _ = self.poll_write(cx);
        loop {
            match self.framing.take(&mut self.input)? {
                Taken::Data(data) => return Poll::Ready(Ok(Some(data))),
                Taken::End => return Poll::Ready(Ok(None)),
                Taken::Nothing => {}
            }
            if ready!(self.poll_fill(cx))? == 0 {
                self.lasts = false;
                if self.framing != Framing::UntilClose {
                    return Poll::Ready(Err(Error::Cut));
                }
                self.framing = Framing::NONE;
            }
        }
    }

    /// Whether all of the answer's body was returned.
    pub(in crate::provider::transport) fn is_over(&mut self) -> bool {
        self.framing.is_over(&mut self.input)
    }

    /// How many bytes of the answer's body are left, if known.
    pub(in crate::provider::transport) fn left(&self) -> Option<u64> {
        self.framing.left()
    }

    /// Whether another request may be sent on it: the last one was sent, and its answer read,
    /// completely.
    pub(in crate::provider::transport) fn is_reusable(&mut self) -> bool {
        self.lasts && self.output.is_flushed && self.is_over() && self.input.is_empty()
    }

    /// Whether an idle connection is known to be unusable. Bytes that arrive without a request are
    /// not an answer to one.
    pub(in crate::provider::transport) fn is_closed(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        !self.lasts || self.poll_fill(&mut cx).is_ready()
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let output = &mut self.output;
        while let Some(slices) = output.slices() {
            let count = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &slices))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            output.written += count;
        }
        if !output.is_flushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            output.is_flushed = true;
            output.body = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what has arrived; 0 is the end of the connection.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < LEAST_READ / 4 {
            self.input.reserve(self.read_bytes);
        }
        let count = ready!(pin!(self.io.read_buf(&mut self.input)).poll(cx))?;
        if count >= self.read_bytes {
            self.read_bytes = (self.read_bytes * 2).min(MAX_READ);
        }
        Poll::Ready(Ok(count))
    }
}

impl Output {
    /// What is still to be written.
    fn slices(&self) -> Option<[IoSlice<'_>; 2]> {
        let (head, body) = match self.head.get(self.written..) {
            Some(head) => (head, &self.body[..]),
            None => (&[][..], self.body.get(self.written - self.head.len()..)?),
        };
        let is_left = !head.is_empty() || !body.is_empty();
        is_left.then(|| [IoSlice::new(head), IoSlice::new(body)])
    }
}
