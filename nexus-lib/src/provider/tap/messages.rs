use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

use super::{MAX_EVENT_BYTES, Tap};
use crate::call::{Observed, Piece};
use crate::error::{Error, ErrorKind, Result};
use crate::sse::{Decoder, Event, events};
use crate::translate::{self, messages};

/// Passes a stream of Anthropic's events through, and reports what is in it.
///
/// Only its first event and its last two are of interest; those in between are text.
#[derive(Debug)]
pub(crate) struct MessagesTap {
    decoder: Decoder,
    reader: messages::stream::Reader,
    has_events: bool,
    is_over: bool,
}

/// The names that make an event worth parsing. A match inside text costs time, and nothing else.
static NAMES: LazyLock<[Finder<'static>; 4]> = LazyLock::new(|| {
    [
        "message_start",
        "message_delta",
        "message_stop",
        "\"error\"",
    ]
    .map(Finder::new)
});

impl MessagesTap {
    pub(crate) fn new() -> Self {
        Self {
            decoder: Decoder::new(MAX_EVENT_BYTES),
            reader: messages::stream::Reader::new(),
            has_events: false,
            is_over: false,
        }
    }

    fn look_at(&mut self, region: Bytes) -> Piece {
        self.has_events = self.has_events || events(&region).any(|event| is_of_answer(&event));
        let mut observed = Observed::default();
        if NAMES.iter().any(|name| name.find(&region).is_some()) {
            for event in events(&region) {
                let bytes = &region[event.range()];
                if NAMES.iter().any(|name| name.find(bytes).is_some()) {
                    self.note(&event, &mut observed);
                }
            }
        }
        self.is_over |= observed.terminal;
        Piece {
            bytes: region,
            observed,
        }
    }

    /// A malformed event is ignored, and still passes.
    fn note(&mut self, event: &Event<'_>, observed: &mut Observed) {
        let mut events = Vec::new();
        let _ = self.reader.push(event, &mut events);
        // The first event only means that the answer has started.
        let is_begun = matches!(events.first(), Some(translate::Event::Start { .. }));
        for events in events {
            match events {
                translate::Event::Usage(counts) if is_begun => observed.prompt = Some(counts.usage),
                translate::Event::Usage(counts) => observed.usage = Some(counts.usage),
                translate::Event::Finish(_) => observed.finished = true,
                translate::Event::Done => observed.terminal = true,
                translate::Event::Error { message, .. } => {
                    observed.error = Some(message.chars().take(500).collect());
                }
                _ => {}
            }
        }
    }
}

impl Tap for MessagesTap {
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

/// Pings may precede an answer too, and proxies send plain text.
fn is_of_answer(event: &Event<'_>) -> bool {
    let data = event.data();
    event.name() != Some(b"ping") && data.trim_ascii_start().starts_with(b"{")
}
