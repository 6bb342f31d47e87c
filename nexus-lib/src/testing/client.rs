use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use super::deadline::within;
use super::http1::{Closed, Framing, Incoming, Piece};
use super::{Ending, RawBody, RawHead, RawRequest, RawResponse};

/// A client connection that writes and reads HTTP/1.1 by hand.
///
/// For each request: [`send`](Self::send), [`head`](Self::head), then [`body`](Self::body) or
/// [`event`](Self::event) until it is `None`. Dropping it closes the connection.
#[derive(Debug)]
pub struct RawClient {
    socket: OwnedWriteHalf,
    incoming: Incoming,
    framing: Framing,
    content: BytesMut,
    raw: BytesMut,
    ending: Option<Ending>,
}

impl RawClient {
    /// Connects.
    ///
    /// # Panics
    /// When nothing listens there.
    pub async fn connect(addr: SocketAddr) -> Self {
        let client = Self::try_connect(addr).await;
        client.unwrap_or_else(|error| panic!("connecting to {addr}: {error}"))
    }

    /// Connects to a server that may be down.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn try_connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = within("a connection", TcpStream::connect(addr)).await?;
        let _ = stream.set_nodelay(true);
        let (read, socket) = stream.into_split();
        Ok(Self {
            socket,
            incoming: Incoming::new(read),
            framing: Framing::Length(0),
            content: BytesMut::new(),
            raw: BytesMut::new(),
            ending: None,
        })
    }

    /// Connects, sends `request`, and reads the whole answer.
    pub async fn exchange(addr: SocketAddr, request: &RawRequest) -> RawResponse {
        let mut client = Self::connect(addr).await;
        client.send(&request.to_bytes()).await;
        client.response().await
    }

    /// Writes `bytes` unchanged. A peer that has closed is not an error: its answer may have
    /// arrived.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = within("the peer to take bytes", self.socket.write_all(bytes)).await;
    }

    /// Reads the head of the next answer.
    ///
    /// # Panics
    /// When the connection ends before it.
    pub async fn head(&mut self) -> RawHead {
        self.try_head().await.expect("an answer before the end")
    }

    /// Reads the head of the next answer; `None` when the connection ends before it.
    pub async fn try_head(&mut self) -> Option<RawHead> {
        let head = within("the head of an answer", self.incoming.head()).await?;
        let framing = head.framing(Framing::UntilClose);
        let head = RawHead::new(head);
        let bodiless = matches!(head.status, 100..=199 | 204 | 304);
        self.framing = if bodiless {
            Framing::Length(0)
        } else {
            framing
        };
        self.content.clear();
        self.raw.clear();
        self.ending = None;
        Some(head)
    }

    /// Reads the rest of the body: what [`event`](Self::event) has returned is not in its content.
    pub async fn body(&mut self) -> RawBody {
        while self.read_piece().await {}
        RawBody {
            content: self.content.split().freeze(),
            raw: self.raw.split().freeze(),
            ending: self.ending.unwrap_or(Ending::Closed),
        }
    }

    /// Reads a whole answer.
    pub async fn response(&mut self) -> RawResponse {
        let head = self.head().await;
        let body = self.body().await;
        RawResponse { head, body }
    }

    /// Reads the next event of a stream: its bytes including the blank line, or what is left at the
    /// end; `None` after that.
    pub async fn event(&mut self) -> Option<Bytes> {
        loop {
            if let Some(end) = event_end(&self.content) {
                return Some(self.content.split_to(end).freeze());
            }
            if !self.read_piece().await {
                let rest = self.content.split().freeze();
                return (!rest.is_empty()).then_some(rest);
            }
        }
    }

    /// How the body ended; `None` while it has not.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Waits until the peer closes the connection.
    pub async fn closed(&mut self) {
        within("the peer to close", self.incoming.until_closed()).await;
    }

    /// Closes the connection gracefully (FIN).
    pub fn close(self) {
        drop(self);
    }

    /// Resets the connection (RST).
    pub fn reset(self) {
        let _ = self.socket.as_ref().set_zero_linger();
        self.socket.forget();
    }

    async fn read_piece(&mut self) -> bool {
        if self.ending.is_some() {
            return false;
        }
        let piece = self.incoming.piece(&mut self.framing);
        match within("more of the body", piece).await {
            Piece::Data { content, raw } => {
                self.content.extend_from_slice(&content);
                self.raw.extend_from_slice(&raw);
            }
            Piece::End { raw } => {
                self.raw.extend_from_slice(&raw);
                self.ending = Some(Ending::Complete);
            }
            Piece::Broken => {
                self.ending = Some(match self.incoming.closed() {
                    Some(Closed::Reset) => Ending::Reset,
                    _ => Ending::Closed,
                });
            }
        }
        self.ending.is_none()
    }
}

/// The end of the first event, if it is complete.
fn event_end(content: &[u8]) -> Option<usize> {
    [&b"\n\n"[..], b"\r\n\r\n", b"\r\r"]
        .iter()
        .filter_map(|blank| memmem::find(content, blank).map(|at| at + blank.len()))
        .min()
}
