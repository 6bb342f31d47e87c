//! A client's side of one keep-alive connection: HTTP/1.1 by hand, so that the load costs little.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use memchr::memchr_iter;
use memchr::memmem::find;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection, and bytes that were read but not used yet.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

/// A subject's answer.
pub(crate) struct Answer {
    /// Number of events, for a stream.
    pub(crate) events: u32,
    /// When the first event had arrived.
    pub(crate) first_event: Option<Instant>,
}

/// How the body of an answer ends.
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: BytesMut::with_capacity(16 * 1024),
        })
    }

    /// Sends a request.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await
    }

    /// Reads an answer to its end; `on_events` is called as events arrive, with their number so
    /// far.
    ///
    /// # Errors
    /// Anything but a complete answer with status 200: for a stream, one that ends with `[DONE]`.
    pub(crate) async fn receive(&mut self, mut on_events: impl FnMut(u32)) -> io::Result<Answer> {
        let mut answer = Answer {
            events: 0,
            first_event: None,
        };
        match self.head().await? {
            Framing::Length(mut rest) => loop {
                let there = rest.min(self.buffer.len());
                self.buffer.advance(there);
                rest -= there;
                if rest == 0 {
                    return Ok(answer);
                }
                self.fill().await?;
            },
            Framing::Chunked => {
                let mut events = EventCount::default();
                while self.chunk(&mut events).await? {
                    if events.count > answer.events {
                        answer.events = events.count;
                        answer.first_event.get_or_insert_with(Instant::now);
                        on_events(events.count);
                    }
                }
                if events.done {
                    Ok(answer)
                } else {
                    Err(io::Error::other("a stream that did not end with [DONE]"))
                }
            }
        }
    }

    /// Reads an answer's head and its first event, and stops there.
    pub(crate) async fn first_event(&mut self) -> io::Result<()> {
        self.head().await?;
        let mut events = EventCount::default();
        while events.count == 0 {
            if !self.chunk(&mut events).await? {
                return Err(io::Error::other("a stream without an event"));
            }
        }
        Ok(())
    }

    async fn head(&mut self) -> io::Result<Framing> {
        let end = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.fill().await?,
            }
        };
        let head = self.buffer.split_to(end).freeze();
        if !head.starts_with(b"HTTP/1.1 200") {
            let (head, body) = (head.escape_ascii(), self.buffer.escape_ascii());
            return Err(io::Error::other(format!("not a 200: {head}{body}")));
        }
        let value = |name: &[u8]| {
            head.as_ref().split(|byte| *byte == b'\n').find_map(|line| {
                let (line, value) = line.split_at_checked(name.len())?;
                line.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
            })
        };
        if value(b"transfer-encoding:").is_some_and(|coding| coding == b"chunked") {
            return Ok(Framing::Chunked);
        }
        value(b"content-length:")
            .and_then(|length| number(length, 10))
            .map(Framing::Length)
            .ok_or_else(|| io::Error::other("an answer without a length"))
    }

    /// Reads one chunk of a body; false after the last one.
    async fn chunk(&mut self, events: &mut EventCount) -> io::Result<bool> {
        let line = loop {
            match find(&self.buffer, b"\r\n") {
                Some(at) => break at,
                None => self.fill().await?,
            }
        };
        let size = number(&self.buffer[..line], 16)
            .ok_or_else(|| io::Error::other("a chunk without a size"))?;
        let (start, end) = (line + 2, line + 2 + size);
        while self.buffer.len() < end + 2 {
            self.fill().await?;
        }
        events.add(&self.buffer[start..end]);
        self.buffer.advance(end + 2);
        Ok(size > 0)
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(4096);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn number(text: &[u8], radix: u32) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(text).ok()?, radix).ok()
}

/// Counts events by the blank lines that end them, across chunks.
#[derive(Default)]
struct EventCount {
    count: u32,
    /// The last chunk ended in the middle of a blank line.
    line_ended: bool,
    /// The last chunk ended with the stream's last event.
    done: bool,
}

impl EventCount {
    fn add(&mut self, piece: &[u8]) {
        let Some(last) = piece.len().checked_sub(1) else {
            return;
        };
        let mut after_newline = self.line_ended.then_some(0);
        for at in memchr_iter(b'\n', piece) {
            if after_newline == Some(at) {
                self.count += 1;
                after_newline = None;
            } else {
                after_newline = Some(at + 1);
            }
        }
        self.line_ended = after_newline == Some(last + 1);
        self.done = piece.ends_with(b"data: [DONE]\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::EventCount;

    #[test]
    fn events_are_counted_across_chunks() {
        let text = b"data: a\n\ndata: b\n\ndata: [DONE]\n\n";
        for cut in 0..text.len() {
            let mut events = EventCount::default();
            events.add(&text[..cut]);
            events.add(&text[cut..]);
            assert_eq!(events.count, 3, "cut at {cut}");
        }
    }
}
