//! The stream readers over bytes in memory, for fuzz targets.

use bytes::Bytes;

use super::tap::{ChunkTap, MessagesTap, Tap, TypedTap};
use super::translated::StreamTranslator;
use crate::call::{Observed, Piece};
use crate::error::Error;
use crate::translate::{ClientProtocol, ProviderProtocol, Request};

/// The result of a stream.
#[derive(Debug)]
pub struct Streamed {
    /// What the client gets.
    pub bytes: Vec<u8>,
    /// What was observed.
    pub observed: Observed,
    /// Why it broke, if so.
    pub broken: Option<Error>,
}

/// A stream that passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Of chat completion chunks.
    Chat,
    /// Of chat completion chunks, without forwarding the usage chunk.
    ChatWithoutUsage,
    /// Of Anthropic's events.
    Messages,
    /// Of OpenAI's responses.
    Responses,
    /// Of images or audio.
    Typed,
}

/// Passes a provider's stream through, `piece` bytes at a time.
pub fn pass(passing: Passing, input: &[u8], piece: usize) -> Streamed {
    match passing {
        Passing::Chat => run(ChunkTap::new(false), input, piece),
        Passing::ChatWithoutUsage => run(ChunkTap::new(true), input, piece),
        Passing::Messages => run(MessagesTap::new(), input, piece),
        Passing::Responses => run(TypedTap::new(true), input, piece),
        Passing::Typed => run(TypedTap::new(false), input, piece),
    }
}

/// Translates a provider's stream, `piece` bytes at a time, as the answer to `request`.
pub fn translate(
    client: ClientProtocol,
    provider: ProviderProtocol,
    request: &Request,
    input: &[u8],
    piece: usize,
) -> Streamed {
    run(
        StreamTranslator::alone(client, provider, request),
        input,
        piece,
    )
}

fn run(mut tap: impl Tap, input: &[u8], piece: usize) -> Streamed {
    let mut streamed = Streamed {
        bytes: Vec::new(),
        observed: Observed::default(),
        broken: None,
    };
    for piece in input.chunks(piece.max(1)) {
        match tap.push(Bytes::copy_from_slice(piece)) {
            Ok(piece) => streamed.add(piece),
            Err(error) => {
                streamed.broken = Some(error);
                return streamed;
            }
        }
        // Nothing after its protocol's final event is read.
        if streamed.observed.terminal {
            return streamed;
        }
    }
    match tap.finish() {
        Ok(piece) => streamed.add(piece),
        Err(error) => streamed.broken = Some(error),
    }
    streamed
}

impl Streamed {
    fn add(&mut self, piece: Piece) {
        self.bytes.extend_from_slice(&piece.bytes);
        self.observed.merge(piece.observed);
    }
}
