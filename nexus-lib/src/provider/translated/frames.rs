use bytes::{Bytes, BytesMut};

use crate::error::{Error, ErrorKind, Result};
use crate::provider::tap::{MAX_EVENT_BYTES, MAX_SILENT_BYTES};
use crate::sse::Decoder;
use crate::translate::ProviderProtocol;

/// Splits a body into regions of whole events, or of whole lines if the protocol has no events.
#[derive(Debug)]
pub(super) enum Frames {
    Events(Decoder),
    Lines(BytesMut),
}

impl Frames {
    pub(super) fn of(protocol: ProviderProtocol) -> Self {
        match protocol {
            ProviderProtocol::Ollama => Self::Lines(BytesMut::new()),
            _ => Self::Events(Decoder::new(MAX_EVENT_BYTES)),
        }
    }

    /// How many bytes are held back.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Events(decoder) => decoder.held_bytes(),
            Self::Lines(held) => held.len(),
        }
    }

    /// Takes the next chunk, and returns what is complete; may be empty.
    pub(super) fn push(&mut self, chunk: Bytes) -> Result<Bytes> {
        let held = match self {
            Self::Events(decoder) => return decoder.push(chunk),
            Self::Lines(held) => held,
        };
        let end = memchr::memrchr(b'\n', &chunk).map_or(0, |at| at + 1);
        let (whole, rest) = chunk.split_at(end);
        let length = held.len() + rest.len();
        let is_blank = || held.trim_ascii().is_empty() && rest.trim_ascii().is_empty();
        if length > MAX_EVENT_BYTES || length > MAX_SILENT_BYTES && is_blank() {
            return Err(Error::new(
                ErrorKind::UpstreamInvalid,
                "the provider sent a line that exceeds the size limit",
            ));
        }
        let mut region = match whole {
            [] => BytesMut::new(),
            _ => held.split(),
        };
        region.extend_from_slice(whole);
        held.extend_from_slice(rest);
        Ok(region.freeze())
    }

    /// What was held back.
    pub(super) fn finish(&mut self) -> Bytes {
        match self {
            Self::Events(decoder) => decoder.finish().unwrap_or_default(),
            Self::Lines(held) => held.split().freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"{\"a\":1}\n{\"b\":2}\n\n{\"c\":3}";
        for size in 1..text.len() {
            let mut frames = Frames::of(ProviderProtocol::Ollama);
            let mut lines = Vec::new();
            for chunk in text.chunks(size) {
                let region = frames.push(Bytes::copy_from_slice(chunk)).unwrap();
                assert!(region.is_empty() || region.ends_with(b"\n"));
                lines.extend_from_slice(&region);
            }
            assert_eq!(frames.finish(), "{\"c\":3}");
            assert_eq!(lines, text[..text.len() - 7]);
        }
    }
}
