use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::back::Back;
use super::frames::Frames;
use crate::call::{Observed, Piece};
use crate::error::Result;
use crate::provider::faults::{self, empty_stream};
use crate::provider::tap::{MAX_SILENT_BYTES, Tap, too_silent};
use crate::translate::fit::Restoring;
use crate::translate::{
    ClientProtocol, Event, ProviderProtocol, Reader, Request, Writer, implied_status,
};
use crate::wire::Usage;

/// Keep-alive: a comment in server-sent events.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Translates a provider's stream to the client's protocol, event by event.
pub(crate) struct StreamTranslator {
    client: ClientProtocol,
    frames: Frames,
    reader: Reader,
    restoring: Restoring,
    writer: Writer,
    back: Arc<Back>,
    counts_prompt_first: bool,
    /// A part of the answer has arrived: usage from then on includes it.
    has_begun: bool,
    /// Usage from before.
    early: Option<Usage>,
    has_events: bool,
    /// How many bytes without content have arrived before the first event.
    silent_bytes: usize,
    is_over: bool,
    /// An error that came before everything else: its status, and its body as a whole answer.
    refusal: Option<(StatusCode, Bytes)>,
}

impl StreamTranslator {
    pub(super) fn new(
        client: ClientProtocol,
        provider: ProviderProtocol,
        request: &Request,
        back: Arc<Back>,
    ) -> Self {
        Self {
            client,
            frames: Frames::of(provider),
            reader: provider.reader(),
            restoring: back.restore.stream(),
            writer: client.writer(request),
            back,
            counts_prompt_first: provider == ProviderProtocol::Messages,
            has_begun: false,
            early: None,
            has_events: false,
            silent_bytes: 0,
            is_over: false,
            refusal: None,
        }
    }

    /// For a client without tools, and without memory.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn alone(
        client: ClientProtocol,
        provider: ProviderProtocol,
        request: &Request,
    ) -> Self {
        Self::new(client, provider, request, Arc::default())
    }

    fn write(&mut self, events: Vec<Event>) -> Piece {
        let events = self.restoring.push(events);
        let mut observed = Observed::default();
        let mut bytes = Vec::new();
        for mut event in events {
            self.back.event(&mut event);
            self.note(&event, &mut observed);
            bytes.extend_from_slice(&self.writer.push(event));
        }
        if observed.terminal {
            self.back.last_events(&bytes);
        }
        Piece {
            bytes: bytes.into(),
            observed,
        }
    }

    fn note(&mut self, event: &Event, observed: &mut Observed) {
        match event {
            Event::Ping => return,
            // Usage alone is not part of an answer. What Anthropic reports before it starts is the
            // prompt's.
            Event::Usage(counts) => {
                if self.counts_prompt_first && !self.has_begun {
                    self.early = Some(counts.usage);
                    observed.prompt = self.early;
                } else {
                    observed.usage = Some(counts.usage);
                }
                return;
            }
            Event::Begin { .. } | Event::Delta { .. } | Event::Picture(_) => self.has_begun = true,
            Event::Finish(_) => {
                observed.finished = true;
                // Nothing else followed.
                if !self.has_begun {
                    observed.usage = observed.usage.or(self.early);
                }
            }
            Event::Done => {
                observed.terminal = true;
                self.is_over = true;
            }
            Event::Error {
                message,
                kind,
                code,
            } => {
                observed.error = faults::observed(message).error;
                self.is_over = true;
                if !self.has_events {
                    let (kind, code) = (kind.as_deref(), code.as_deref());
                    let status = implied_status(kind, code).unwrap_or(StatusCode::BAD_GATEWAY);
                    let status = self.client.status(status);
                    let body = self.client.write_error(status, message, kind, code);
                    self.refusal = Some((status, body.into()));
                }
            }
            _ => {}
        }
        self.has_events = true;
    }
}

impl Tap for StreamTranslator {
    fn has_events(&self) -> bool {
        self.has_events
    }

    fn held_bytes(&self) -> usize {
        self.frames.held_bytes()
    }

    fn push(&mut self, chunk: Bytes) -> Result<Piece> {
        let region = self.frames.push(chunk)?;
        if region.is_empty() {
            return Ok(Piece::default());
        }
        let events = self.reader.push(&region);
        let is_silent = events.is_empty();
        let mut piece = self.write(events);
        if !self.has_events() {
            self.silent_bytes = self.silent_bytes.saturating_add(region.len());
            if self.silent_bytes > MAX_SILENT_BYTES {
                return Err(too_silent());
            }
        }
        // Comments keep the provider's connection open, and so the client's.
        if is_silent && self.has_events && !self.is_over {
            piece.bytes = COMMENT;
        }
        Ok(piece)
    }

    fn finish(&mut self) -> Result<Piece> {
        let rest = self.frames.finish();
        let events = self.reader.end(&rest);
        let piece = self.write(events);
        match self.has_events {
            true => Ok(piece),
            false => Err(empty_stream()),
        }
    }

    fn is_finished(&self) -> bool {
        self.reader.is_finished()
    }

    fn refusal(&mut self, _first: &Piece) -> Option<(StatusCode, Bytes)> {
        self.refusal.take()
    }
}
