//! The transport's parsers over bytes in memory, for fuzz targets.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::http1::Http1;
use super::proxy;
use crate::wire::{Endpoint, ProxyUrl};

/// The result of reading an upstream's bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The head, if there is one.
    pub head: Option<(StatusCode, HeaderMap)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The body reached its own end.
    pub is_whole: bool,
}

/// Reads `input`, `piece` bytes at a time and then the end, as the answer to a request.
pub fn http1(input: &[u8], piece: usize, endpoint: &Endpoint) -> Answer {
    let mut connection = Http1::new(Pieces::new(input, piece));
    let request = Request::new(Bytes::new());
    let sent = connection.send(endpoint, &request).now_or_never();
    let mut answer = Answer {
        head: None,
        body: Vec::new(),
        is_whole: false,
    };
    let Some(Ok(head)) = sent else { return answer };
    answer.head = Some((head.status, head.headers));
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        let left = connection.left();
        match connection.poll_data(&mut cx) {
            Poll::Ready(Ok(Some(data))) => {
                assert!(!data.is_empty(), "a piece of a body has bytes");
                assert!(left.is_none_or(|left| data.len() as u64 <= left));
                answer.body.extend_from_slice(&data);
            }
            Poll::Ready(Ok(None)) => {
                assert!(connection.is_over());
                answer.is_whole = true;
                break;
            }
            Poll::Ready(Err(_)) => {
                assert!(!connection.is_reusable(), "a broken answer is the last one");
                break;
            }
            Poll::Pending => unreachable!("the bytes never make anyone wait"),
        }
    }
    answer
}

/// The result of opening a tunnel.
#[derive(Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// It is open.
    pub is_open: bool,
    /// What was written to the proxy.
    pub sent: Vec<u8>,
    /// How many of the proxy's bytes were read.
    pub read: usize,
}

/// Asks a SOCKS proxy, which sends `input`, for a tunnel to `name`.
pub fn socks5(input: &[u8], piece: usize, proxy: &ProxyUrl, name: &str, port: u16) -> Tunnel {
    let mut stream = Pieces::new(input, piece);
    let opened = proxy::socks5_tunnel(&mut stream, proxy, name, port).now_or_never();
    Tunnel {
        is_open: opened.unwrap_or_default(),
        sent: stream.written,
        read: stream.at,
    }
}

/// Returns bytes in pieces, and keeps what is written.
#[derive(Debug)]
struct Pieces<'a> {
    input: &'a [u8],
    at: usize,
    piece: usize,
    written: Vec<u8>,
}

impl<'a> Pieces<'a> {
    fn new(input: &'a [u8], piece: usize) -> Self {
        Self {
            input,
            at: 0,
            piece: piece.max(1),
            written: Vec::new(),
        }
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = &self.input[self.at..];
        let count = left.len().min(self.piece).min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }
}
