//! A minimal HTTP/1.1 reader that does not validate.

use std::io;

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;

/// The head of a message.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) raw: Bytes,
    pub(super) first_line: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Head {
    fn parse(raw: Bytes) -> Self {
        let text = String::from_utf8_lossy(&raw).into_owned();
        let mut lines = text.split("\r\n");
        let first_line = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self {
            raw,
            first_line,
            headers,
        }
    }

    /// How the body is framed; `otherwise` if the head does not specify it.
    pub(super) fn framing(&self, otherwise: Framing) -> Framing {
        let length = value_of(&self.headers, "content-length").and_then(|text| text.parse().ok());
        match value_of(&self.headers, "transfer-encoding") {
            Some(coding) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
            _ => length.map_or(otherwise, Framing::Length),
        }
    }
}

/// The first value of the header `name`.
pub(super) fn value_of<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After this many more bytes.
    Length(usize),
    /// After a chunk of length zero.
    Chunked,
    /// When the connection is closed.
    UntilClose,
}

/// A piece of a body.
#[derive(Debug)]
pub(super) enum Piece {
    /// Content, without and with its framing.
    Data { content: Bytes, raw: Bytes },
    /// The declared end, with its bytes.
    End { raw: Bytes },
    /// The connection ended before.
    Broken,
}

/// The reading side of a connection, with what was read beyond the current message.
#[derive(Debug)]
pub(super) struct Incoming {
    socket: OwnedReadHalf,
    buffer: BytesMut,
    closed: Option<Closed>,
}

/// How the peer ended the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    Fin,
    Reset,
}

impl Incoming {
    pub(super) fn new(socket: OwnedReadHalf) -> Self {
        Self {
            socket,
            buffer: BytesMut::new(),
            closed: None,
        }
    }

    /// How the peer has closed, if it has.
    pub(super) fn closed(&self) -> Option<Closed> {
        self.closed
    }

    /// Reads once; false when the peer has closed. Cancel safe, like all functions here.
    async fn fill(&mut self) -> bool {
        if self.closed.is_none() {
            self.closed = match self.socket.read_buf(&mut self.buffer).await {
                Ok(0) => Some(Closed::Fin),
                Ok(_) => None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
                Err(_) => Some(Closed::Reset),
            };
        }
        self.closed.is_none()
    }

    /// Resolves when the peer has closed; keeps what it sends until then.
    pub(super) async fn until_closed(&mut self) {
        while self.fill().await {}
    }

    /// The next head; `None` when the peer closed before it was complete.
    pub(super) async fn head(&mut self) -> Option<Head> {
        let end = self.find(b"\r\n\r\n").await?;
        Some(Head::parse(self.buffer.split_to(end + 4).freeze()))
    }

    /// The next piece of a body; `framing` is counted down.
    pub(super) async fn piece(&mut self, framing: &mut Framing) -> Piece {
        match framing {
            Framing::Length(0) => Piece::End { raw: Bytes::new() },
            Framing::Length(left) => {
                if self.buffer.is_empty() && !self.fill().await {
                    return Piece::Broken;
                }
                let raw = self.buffer.split_to(self.buffer.len().min(*left)).freeze();
                *left -= raw.len();
                let content = raw.clone();
                Piece::Data { content, raw }
            }
            Framing::Chunked => self.chunk().await.unwrap_or(Piece::Broken),
            Framing::UntilClose => {
                if self.buffer.is_empty() && !self.fill().await {
                    return match self.closed {
                        Some(Closed::Fin) => Piece::End { raw: Bytes::new() },
                        _ => Piece::Broken,
                    };
                }
                let raw = self.buffer.split().freeze();
                let content = raw.clone();
                Piece::Data { content, raw }
            }
        }
    }

    /// All of a body without its framing; `None` when it broke.
    pub(super) async fn body(&mut self, mut framing: Framing) -> Option<Bytes> {
        let mut body = BytesMut::new();
        loop {
            match self.piece(&mut framing).await {
                Piece::Data { content, .. } => body.extend_from_slice(&content),
                Piece::End { .. } => return Some(body.freeze()),
                Piece::Broken => return None,
            }
        }
    }

    async fn chunk(&mut self) -> Option<Piece> {
        let line = self.find(b"\r\n").await?;
        let text = String::from_utf8_lossy(&self.buffer[..line]).into_owned();
        let digits = text.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16)
            .unwrap_or_else(|_| panic!("a chunk begins with its length, not with {text:?}"));
        let start = line + 2;
        if length == 0 {
            // Trailers are not supported: nothing here sends any.
            self.at_least(start + 2).await?;
            let raw = self.buffer.split_to(start + 2).freeze();
            return Some(Piece::End { raw });
        }
        self.at_least(start + length + 2).await?;
        let raw = self.buffer.split_to(start + length + 2).freeze();
        let content = raw.slice(start..start + length);
        Some(Piece::Data { content, raw })
    }

    async fn at_least(&mut self, length: usize) -> Option<()> {
        while self.buffer.len() < length {
            if !self.fill().await {
                return None;
            }
        }
        Some(())
    }

    async fn find(&mut self, what: &[u8]) -> Option<usize> {
        loop {
            if let Some(at) = memmem::find(&self.buffer, what) {
                return Some(at);
            }
            if !self.fill().await {
                return None;
            }
        }
    }
}
