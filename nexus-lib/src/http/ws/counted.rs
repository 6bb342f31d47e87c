//! Counts the parts of an incomplete message.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::body_memory::{BodyMemory, FREE_BYTES, Held, Holder};

/// How much a client may send before it has sent a key.
const MAX_BEFORE_KEY: usize = 16 * 1024;
/// The step in which memory is counted.
const STEP: usize = 64 * 1024;
/// The minimum overhead of a frame.
const FRAME_HEAD: usize = 6;

/// A connection that counts what was read since the last message, and fails beyond its limit.
pub(crate) struct CountedIo<I> {
    io: I,
    unheard: usize,
    bound: Bound,
    is_full: bool,
}

enum Bound {
    /// No limit of its own.
    Frame,
    BeforeKey,
    Memory(Held),
}

impl<I> CountedIo<I> {
    pub(super) fn new(io: I) -> Self {
        Self {
            io,
            unheard: 0,
            bound: Bound::Frame,
            is_full: false,
        }
    }

    /// From now on the client is unauthenticated, and may only send a key.
    pub(super) fn before_key(&mut self) {
        self.bound = Bound::BeforeKey;
    }

    /// From now on messages of `holder` are counted in `memory`.
    pub(super) fn count_in(&mut self, memory: &BodyMemory, holder: Holder) {
        self.bound = Bound::Memory(memory.hold(holder));
    }

    /// A message was completed from what was read.
    pub(super) fn heard(&mut self) {
        self.unheard = 0;
        if let Bound::Memory(held) = &mut self.bound {
            held.let_go();
        }
    }

    /// A control frame of `len` bytes arrived, possibly between the parts of a message.
    pub(super) fn heard_control(&mut self, len: usize) {
        // Before the key these count too: they are not needed then.
        if !matches!(self.bound, Bound::BeforeKey) {
            self.unheard = self.unheard.saturating_sub(len + FRAME_HEAD);
        }
    }

    /// Whether it failed for lack of memory.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    fn count(&mut self, read: usize) -> io::Result<()> {
        self.unheard += read;
        let unheard = self.unheard;
        match &mut self.bound {
            Bound::BeforeKey if unheard > MAX_BEFORE_KEY => {
                Err(io::Error::other("no key was sent"))
            }
            Bound::Memory(held) if unheard > held.bytes().max(FREE_BYTES) => {
                let more = unheard.next_multiple_of(STEP) - held.bytes();
                held.grow(more).map_err(|error| {
                    self.is_full = true;
                    io::Error::other(error)
                })
            }
            _ => Ok(()),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for CountedIo<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        Poll::Ready(self.count(buf.filled().len() - before))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for CountedIo<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
