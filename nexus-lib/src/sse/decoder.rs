use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};

/// How much of an event may precede its data. Only data is long; names, ids and comments are not.
const MAX_BEFORE_DATA: usize = 64 << 10;

/// Splits a stream of chunks into regions of whole events. Only an incomplete event is held back.
///
/// A chunk that ends with an event, as most do, is returned as it is: nothing is copied, and only
/// its last bytes are examined. Each byte is examined at most a fixed number of times, however the
/// stream is chunked.
#[derive(Debug)]
pub struct Decoder {
    /// Starts at an event boundary and contains no event's end.
    held: Vec<u8>,
    max_event_bytes: usize,
}

impl Decoder {
    /// A decoder that holds back at most `max_event_bytes`.
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            held: Vec::new(),
            max_event_bytes,
        }
    }

    /// Takes the next chunk and returns what is complete: events, and the comments and blank lines
    /// before them. May be empty.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamInvalid`] when an event exceeds the limit, or has more than 64 KiB
    /// before its data. The stream cannot continue then.
    pub fn push(&mut self, mut chunk: Bytes) -> Result<Bytes> {
        let end = self.whole_len(&chunk);
        if end == 0 {
            self.hold(&chunk)?;
            return Ok(Bytes::new());
        }
        if self.held.is_empty() {
            let region = chunk.split_to(end);
            self.hold(&chunk)?;
            return Ok(region);
        }
        let mut region = std::mem::take(&mut self.held);
        region.reserve_exact(end);
        region.extend_from_slice(&chunk[..end]);
        self.hold(&chunk[end..])?;
        Ok(region.into())
    }

    /// How many bytes are held back.
    pub fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Ends the stream and returns what was held back: in some streams the last event has no blank
    /// line after it.
    pub fn finish(&mut self) -> Option<Bytes> {
        let rest = std::mem::take(&mut self.held);
        (!rest.is_empty()).then(|| rest.into())
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.max_event_bytes.saturating_sub(self.held.len()) {
            return Err(Error::new(
                ErrorKind::UpstreamInvalid,
                "the provider sent an event that exceeds the size limit",
            ));
        }
        let was_short = self.held.len() <= MAX_BEFORE_DATA;
        self.held.extend_from_slice(bytes);
        // Checked once per event, when it gets long.
        if was_short && self.held.len() > MAX_BEFORE_DATA && !self.has_data() {
            return Err(Error::new(
                ErrorKind::UpstreamInvalid,
                "the provider sent an event with too much before its data",
            ));
        }
        Ok(())
    }

    /// Whether a line of data begins within the first bytes that are held.
    fn has_data(&self) -> bool {
        let head = &self.held[..self.held.len().min(MAX_BEFORE_DATA)];
        let starts = memchr::memchr2_iter(b'\n', b'\r', head).map(|at| at + 1);
        let is_data = |at: usize| head[at..].starts_with(b"data");
        // A byte order mark may precede the first line.
        is_data(0) || head.len() >= 3 && is_data(3) || { starts }.any(is_data)
    }

    /// How much of `chunk` can be returned, together with all that is held.
    fn whole_len(&self, chunk: &[u8]) -> usize {
        let end = self.last_blank_line(chunk);
        // A comment is forwarded without a blank line: it keeps the client from timing out.
        let is_fresh = end > 0 || self.held.is_empty();
        if is_fresh {
            return end + comments_len(&chunk[end..]);
        }
        match self.held.first() {
            Some(b':') => match line_len(chunk) {
                Some(line) => line + comments_len(&chunk[line..]),
                None => 0,
            },
            _ => 0,
        }
    }

    /// The end of the last blank line in `chunk`; 0 if there is none.
    fn last_blank_line(&self, chunk: &[u8]) -> usize {
        let before = |at: usize, back: usize| match at.checked_sub(back) {
            Some(at) => Some(chunk[at]),
            None => self.held.iter().rev().nth(back - at - 1).copied(),
        };
        let ends_line = |byte: Option<u8>| matches!(byte, None | Some(b'\n' | b'\r'));
        memchr::memrchr2_iter(b'\n', b'\r', chunk)
            .find(|at| match (before(*at, 1), chunk[*at]) {
                // CRLF is one line end: what counts is the byte before it. A CR directly before it
                // ended a blank line already, if so; the next step back finds that.
                (Some(b'\r'), b'\n') => ends_line(before(*at, 2)),
                (last, _) => ends_line(last),
            })
            .map_or(0, |at| at + 1)
    }
}

/// The length of the whole comment lines and blank lines at the start of `bytes`.
fn comments_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    while let Some(b':') = bytes.get(len) {
        match line_len(&bytes[len..]) {
            Some(line) => len += line,
            None => break,
        }
    }
    len
}

/// The length of the first line with its end; `None` if it does not end in `bytes`.
fn line_len(bytes: &[u8]) -> Option<usize> {
    let end = memchr::memchr2(b'\n', b'\r', bytes)?;
    match bytes[end..] {
        [b'\r', b'\n', ..] => Some(end + 2),
        _ => Some(end + 1),
    }
}
