use bytes::Bytes;

use super::{MAX_EVENT_BYTES, Tap};
use crate::call::Piece;
use crate::error::Result;
use crate::provider::dialect::Normalise;
use crate::sse::{Decoder, encode_data, events};

/// Converts events to their protocol's format before they are observed.
pub(crate) struct Normalising<O> {
    decoder: Decoder,
    tap: O,
    normalise: Normalise,
}

impl<O: Tap> Normalising<O> {
    /// `normalise` converts the data of an event, if necessary.
    pub(crate) fn new(tap: O, normalise: Normalise) -> Self {
        Self {
            decoder: Decoder::new(MAX_EVENT_BYTES),
            tap,
            normalise,
        }
    }

    fn region(&self, region: Bytes) -> Bytes {
        let mut changed = Vec::new();
        let mut at = 0;
        for event in events(&region) {
            if let Some(data) = (self.normalise)(&event.data()) {
                let range = event.range();
                changed.extend_from_slice(&region[at..range.start]);
                changed.extend_from_slice(&encode_data(&data));
                at = range.end;
            }
        }
        if at == 0 {
            return region;
        }
        changed.extend_from_slice(&region[at..]);
        changed.into()
    }
}

impl<O: Tap> Tap for Normalising<O> {
    fn has_events(&self) -> bool {
        self.tap.has_events()
    }

    fn has_answer(&self) -> bool {
        self.tap.has_answer()
    }

    fn held_bytes(&self) -> usize {
        self.decoder.held_bytes() + self.tap.held_bytes()
    }

    fn push(&mut self, chunk: Bytes) -> Result<Piece> {
        let region = self.decoder.push(chunk)?;
        let region = self.region(region);
        self.tap.push(region)
    }

    fn finish(&mut self) -> Result<Piece> {
        let rest = self.decoder.finish().unwrap_or_default();
        let rest = self.region(rest);
        let mut piece = self.tap.push(rest)?;
        let last = self.tap.finish();
        let last = match (last, piece.observed.finished || piece.observed.terminal) {
            (Ok(last), _) => last,
            // The previous piece contained everything.
            (Err(_), true) => return Ok(piece),
            (Err(error), false) => return Err(error),
        };
        piece.bytes = [piece.bytes, last.bytes].concat().into();
        piece.observed.merge(last.observed);
        Ok(piece)
    }
}
