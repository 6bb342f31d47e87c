//! What a client has sent and nobody has heard yet: the parts of a message that is not whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::body_memory::{BodyMemory, FREE_BYTES, Held, Holder};

/// How much a client may send before it has shown a key.
const MOST_BEFORE_KEY: usize = 16 * 1024;
/// In what steps memory is counted.
const STEP: usize = 64 * 1024;
/// What a frame has besides its words, at least.
const FRAME_HEAD: usize = 6;

/// A connection that counts what was read of it since the last message, and fails beyond its bound.
pub(crate) struct CountedIo<I> {
    io: I,
    unheard: usize,
    bound: Bound,
    is_full: bool,
}

enum Bound {
    /// There is none.
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

    /// From here on the client is nobody, and may send a key and little else.
    pub(super) fn before_key(&mut self) {
        self.bound = Bound::BeforeKey;
    }

    /// From here on `holder`'s messages take their part of `memory`.
    pub(super) fn count_in(&mut self, memory: &BodyMemory, holder: Holder) {
        self.bound = Bound::Memory(memory.hold(holder));
    }

    /// A message came of what was read.
    pub(super) fn heard(&mut self) {
        self.unheard = 0;
        if let Bound::Memory(held) = &mut self.bound {
            held.let_go();
        }
    }

    /// A control frame of `len` bytes came, maybe between the parts of a message.
    pub(super) fn heard_control(&mut self, len: usize) {
        // Before the key these count too: there is no need for them.
        if !matches!(self.bound, Bound::BeforeKey) {
            self.unheard = self.unheard.saturating_sub(len + FRAME_HEAD);
        }
    }

    /// Whether it failed since there was no memory for a message.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    fn count(&mut self, read: usize) -> io::Result<()> {
        self.unheard += read;
        let unheard = self.unheard;
        match &mut self.bound {
            Bound::BeforeKey if unheard > MOST_BEFORE_KEY => Err(io::Error::other("no key came")),
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
