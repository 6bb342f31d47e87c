use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::heads::{Finding, Heads};
use super::own_words;
use super::stall::Stall;

/// A client's socket that observes what passes.
#[derive(Debug)]
pub(crate) struct Watched {
    socket: TcpStream,
    heads: Heads,
    stall: Stall,
    /// What is left of an answer that replaces one of hyper's.
    instead: Option<VecDeque<u8>>,
}

impl Watched {
    /// Reports the heads of requests to `finding`, and fails writes that have waited for
    /// `write_stall` without progress.
    pub(crate) fn new(socket: TcpStream, finding: Finding, write_stall: Duration) -> Self {
        Self {
            socket,
            heads: Heads::new(finding),
            stall: Stall::new(write_stall),
            instead: None,
        }
    }

    /// Writes the replacement of `head`, if there is one; otherwise `None`.
    fn poll_instead(&mut self, cx: &mut Context<'_>, head: &[u8]) -> Option<Poll<io::Result<()>>> {
        if self.instead.is_none() {
            self.instead = Some(own_words::instead_of(head)?.into());
        }
        let words = self.instead.as_mut()?;
        while !words.is_empty() {
            let written = Pin::new(&mut self.socket).poll_write(cx, words.as_slices().0);
            match self.stall.check(cx, written) {
                Poll::Ready(Ok(count @ 1..)) => drop(words.drain(..count)),
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(ErrorKind::WriteZero.into()))),
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => return Some(Poll::Pending),
            }
        }
        self.instead = None;
        Some(Poll::Ready(Ok(())))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        self.heads.look(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(instead) = self.poll_instead(cx, bytes) {
            return instead.map_ok(|()| bytes.len());
        }
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.stall.check(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [head] = pieces
            && let Some(instead) = self.poll_instead(cx, head)
        {
            return instead.map_ok(|()| head.len());
        }
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.stall.check(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    // A socket needs no flush, and its shutdown does not wait.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
