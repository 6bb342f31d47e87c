use bytes::Bytes;

use super::{MAX_EVENT_BYTES, Tap};
use crate::call::{Observed, Piece};
use crate::error::{Error, ErrorKind, Result};
use crate::sse::Decoder;

/// Reads whole events of one protocol.
pub(crate) trait ReadEvents: Send + Unpin {
    /// Reads `region`, one or more events. It may skip what only `has_answer` depends on once an
    /// event of the answer has arrived.
    fn read(&mut self, region: &[u8], has_events: bool) -> Found;
}

/// What is in a region of events.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) observed: Observed,
    /// Whether one of them belongs to an answer.
    pub(crate) has_answer: bool,
    /// Whether the last event of the answer is among them.
    pub(crate) is_over: bool,
}

/// Passes a stream of events through, and reports what `reader` finds in it.
#[derive(Debug)]
pub(crate) struct EventTap<R> {
    decoder: Decoder,
    reader: R,
    has_events: bool,
    is_over: bool,
}

impl<R: ReadEvents> EventTap<R> {
    pub(super) fn over(reader: R) -> Self {
        Self {
            decoder: Decoder::new(MAX_EVENT_BYTES),
            reader,
            has_events: false,
            is_over: false,
        }
    }

    fn look_at(&mut self, region: Bytes) -> Piece {
        let found = self.reader.read(&region, self.has_events);
        self.has_events |= found.has_answer;
        self.is_over |= found.is_over;
        Piece {
            bytes: region,
            observed: found.observed,
        }
    }
}

impl<R: ReadEvents> Tap for EventTap<R> {
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
