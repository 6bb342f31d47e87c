use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::frames::Frames;
use crate::call::{Observed, Piece};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::observe::Observe;
use crate::translate::{
    ClientProtocol, ClientTools, Event, ProviderProtocol, Reader, Request, Writer, implied_status,
};

/// That the provider is still there, in the words of server-sent events.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Tells a provider's stream in the client's protocol, event by event.
pub(crate) struct StreamTranslator {
    client: ClientProtocol,
    frames: Frames,
    reader: Reader,
    writer: Writer,
    tools: Arc<ClientTools>,
    counts_prompt_first: bool,
    has_events: bool,
    is_over: bool,
    /// An error that came before anything else: its status, and what a whole answer would say.
    refusal: Option<(StatusCode, Bytes)>,
}

impl StreamTranslator {
    pub(super) fn new(
        client: ClientProtocol,
        provider: ProviderProtocol,
        request: &Request,
        tools: Arc<ClientTools>,
    ) -> Self {
        Self {
            client,
            frames: Frames::of(provider),
            reader: provider.reader(),
            writer: client.writer(request),
            tools,
            counts_prompt_first: provider == ProviderProtocol::Messages,
            has_events: false,
            is_over: false,
            refusal: None,
        }
    }

    fn tell(&mut self, events: Vec<Event>) -> Result<Piece> {
        let mut observed = Observed::default();
        let mut bytes = Vec::new();
        // What Anthropic counts with the beginning says of the answer that it has begun, and no more.
        let is_begun =
            self.counts_prompt_first && matches!(events.first(), Some(Event::Start { .. }));
        for mut event in events {
            self.tools.restore_event(&mut event);
            self.note(&event, &mut observed)?;
            bytes.extend_from_slice(&self.writer.push(event));
        }
        if is_begun && !observed.finished {
            observed.prompt = observed.usage.take();
        }
        Ok(Piece {
            bytes: bytes.into(),
            observed,
        })
    }

    fn note(&mut self, event: &Event, observed: &mut Observed) -> Result<()> {
        match event {
            Event::Ping => return Ok(()),
            Event::Usage(counts) => observed.usage = Some(counts.usage),
            Event::Finish(_) => observed.finished = true,
            Event::Done if !self.has_events => return Err(no_event()),
            Event::Done => {
                observed.terminal = true;
                self.is_over = true;
            }
            Event::Error {
                message,
                kind,
                code,
            } => {
                observed.error = Some(message.chars().take(500).collect());
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
        Ok(())
    }
}

impl Observe for StreamTranslator {
    fn has_events(&self) -> bool {
        self.has_events
    }

    fn push(&mut self, chunk: Bytes) -> Result<Piece> {
        let region = self.frames.push(chunk)?;
        if region.is_empty() {
            return Ok(Piece::default());
        }
        let events = self.reader.push(&region)?;
        let is_silent = events.is_empty();
        let mut piece = self.tell(events)?;
        // Comments keep the provider's connection open, and so the client's.
        if is_silent && self.has_events && !self.is_over {
            piece.bytes = COMMENT;
        }
        Ok(piece)
    }

    fn finish(&mut self) -> Result<Piece> {
        let region = self.frames.finish();
        let mut events = match self.reader.push(&region) {
            Ok(events) => events,
            Err(_) if self.is_over => Vec::new(),
            Err(error) if self.has_events => {
                let message = "the provider's stream ended inside an event";
                return Err(Error::new(ErrorKind::StreamInterrupted, message).with_source(error));
            }
            Err(error) => return Err(error),
        };
        events.append(&mut self.reader.end());
        let piece = self.tell(events)?;
        match self.has_events {
            true => Ok(piece),
            false => Err(no_event()),
        }
    }

    fn refusal(&mut self, _first: &Piece) -> Option<(StatusCode, Bytes)> {
        self.refusal.take()
    }
}

fn no_event() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider sent an empty stream; try again",
    )
}
