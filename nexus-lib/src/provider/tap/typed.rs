use bytes::Bytes;

use super::look::{error_message, read_usage};
use super::{MAX_EVENT_BYTES, Tap};
use crate::call::{Observed, Piece};
use crate::error::{Error, ErrorKind, Result};
use crate::sse::{Decoder, events};
use crate::wire::Usage;
use crate::wire::json::{Cursor, SyntaxError};

/// Passes a stream through whose events have a `type`, such as those of images, audio and
/// Responses.
///
/// The final event of such a stream is named `….done` or `….completed` (or `response.incomplete`,
/// `response.failed`), and has the usage: for Responses inside `response`, for others at the top
/// level.
#[derive(Debug)]
pub(crate) struct TypedTap {
    decoder: Decoder,
    /// In Responses many parts are done before the whole is.
    is_response: bool,
    has_events: bool,
    is_over: bool,
}

impl TypedTap {
    pub(crate) fn new(is_response: bool) -> Self {
        Self {
            decoder: Decoder::new(MAX_EVENT_BYTES),
            is_response,
            has_events: false,
            is_over: false,
        }
    }

    fn look_at(&mut self, region: Bytes) -> Piece {
        let mut observed = Observed::default();
        for event in events(&region) {
            let data = event.data();
            // Anything that is not an object does not belong to a response; for others, the format
            // is unknown.
            self.has_events |= !self.is_response || data.trim_ascii_start().starts_with(b"{");
            if data.trim_ascii() == b"[DONE]" {
                observed.finished = true;
                continue;
            }
            let mut seen = Seen::default();
            // Read up to the first error.
            let _ = seen.read(&data, &mut Cursor::new(&data));
            observed.merge(seen.observed(self.is_response));
        }
        self.is_over |= observed.finished;
        Piece {
            bytes: region,
            observed,
        }
    }
}

impl Tap for TypedTap {
    fn has_events(&self) -> bool {
        self.has_events
    }

    fn held_bytes(&self) -> usize {
        self.decoder.held_bytes()
    }

    fn push(&mut self, chunk: Bytes) -> Result<Piece> {
        let region = self.decoder.push(chunk)?;
        Ok(self.look_at(region))
    }

    fn finish(&mut self) -> Result<Piece> {
        let was_over = self.is_over;
        let region = self.decoder.finish().unwrap_or_default();
        let is_empty = region.is_empty();
        let piece = self.look_at(region);
        match (self.has_events, is_empty || was_over || self.is_over) {
            (false, _) => Err(Error::new(
                ErrorKind::UpstreamInvalid,
                "the provider's stream contained no event",
            )),
            (true, false) if piece.observed.error.is_none() => Err(Error::new(
                ErrorKind::StreamInterrupted,
                "the provider's stream ended within an event",
            )),
            _ => Ok(piece),
        }
    }
}

/// What one event contains.
#[derive(Default)]
struct Seen {
    kind: Vec<u8>,
    message: Option<Box<str>>,
    error: Option<Box<str>>,
    usage: Option<Usage>,
}

impl Seen {
    fn read<'a>(&mut self, json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        cursor.object(|key, cursor| match (&*key, cursor.peek()) {
            (b"type", Some(b'"')) => {
                let kind = cursor.string()?.unwrap_or_default();
                if self.kind.is_empty() {
                    self.kind = kind.as_bytes().to_vec();
                }
                Ok(())
            }
            (b"message", Some(b'"')) => {
                let message = cursor.string()?.unwrap_or_default();
                self.message = Some(message.into());
                Ok(())
            }
            (b"error", _) => {
                let value = &json[cursor.skip()?];
                self.error = error_message(value).map(|text| text.chars().take(500).collect());
                Ok(())
            }
            (b"usage", _) => {
                let value = &json[cursor.skip()?];
                self.usage = read_usage(value).or(self.usage);
                Ok(())
            }
            (b"response", Some(b'{')) => {
                let mut response = Self::default();
                let read = response.read(json, cursor);
                self.usage = response.usage.or(self.usage);
                self.error = response.error.or(self.error.take());
                read
            }
            _ => cursor.skip().map(drop),
        })
    }

    fn observed(self, is_response: bool) -> Observed {
        let kind = &*self.kind;
        let is_over = match is_response {
            true => matches!(
                kind,
                b"response.completed" | b"response.incomplete" | b"response.failed"
            ),
            false => kind.ends_with(b".done") || kind.ends_with(b".completed"),
        };
        let is_error = kind == b"error" || kind == b"response.failed";
        let message = self.message.filter(|_| is_error);
        let error = self.error.or(message);
        Observed {
            usage: self.usage,
            finished: is_over,
            terminal: is_over,
            error: error.or_else(|| is_error.then(|| "the provider reports an error".into())),
            ..Observed::default()
        }
    }
}
