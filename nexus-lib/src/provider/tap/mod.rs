//! Reads usage and endings from an answer while its bytes pass through.
//!
//! Nearly all events of a stream contain a few words and nothing else. So each region of events is
//! first searched for the four names that matter; only an event that contains one of them, with a
//! value that is not null, is parsed as JSON ([`look`]). A false match, inside the text of the
//! answer, only costs time: what counts is read at the top level.

mod chunk;
mod events;
mod look;
mod messages;
#[cfg(feature = "upstreams")]
mod normalising;
mod refusal;
mod tail;
mod typed;
mod whole;

pub(crate) use chunk::ChunkTap;
pub(crate) use messages::MessagesTap;
#[cfg(feature = "upstreams")]
pub(crate) use normalising::Normalising;
pub(crate) use typed::TypedTap;
pub(crate) use whole::{Whole, judge, read_completion};

use bytes::Bytes;
use http::StatusCode;

use crate::call::Piece;
use crate::error::{Error, ErrorKind, Result};

/// Room for an image in base64, which is sent as one event: 4K images exceed 16 MiB.
pub(crate) const MAX_EVENT_BYTES: usize = 64 << 20;

/// How much may precede a stream's first event: comments, blank lines, events without data. It is
/// kept until then, since another provider may be asked instead.
pub(crate) const MAX_SILENT_BYTES: usize = 64 << 10;

/// The error when that limit is exceeded.
pub(crate) fn too_silent() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider sent more than 64 KiB without an event before its answer; try again",
    )
}

/// Passes a stream of server-sent events through, and reports what is in it.
pub(crate) trait Tap: Send + Unpin {
    /// Whether an event of the answer has arrived, or the end of one: comments and pings do not
    /// count.
    fn has_events(&self) -> bool;

    /// Whether a part of an answer has arrived: an end without one does not count.
    fn has_answer(&self) -> bool {
        self.has_events()
    }

    /// Whether a finish reason has arrived, if only the tap knows.
    fn is_finished(&self) -> bool {
        false
    }

    /// How many bytes of an incomplete event are held back.
    fn held_bytes(&self) -> usize;

    /// Takes the next chunk of the body; returns the events that are complete now. The piece's
    /// bytes may be empty.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamInvalid`](crate::ErrorKind::UpstreamInvalid) when an event is too long.
    fn push(&mut self, chunk: Bytes) -> Result<Piece>;

    /// Ends the body; returns the last event if there was no blank line after it, without adding
    /// one.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamInvalid`](crate::ErrorKind::UpstreamInvalid) when there was no event at
    /// all, and [`ErrorKind::StreamInterrupted`](crate::ErrorKind::StreamInterrupted) when the body
    /// ended within one.
    fn finish(&mut self) -> Result<Piece>;

    /// An error in place of the first event of an answer, as a whole answer: with the status that
    /// it names, or 502. `None` if `first` is not an error.
    fn refusal(&mut self, first: &Piece) -> Option<(StatusCode, Bytes)> {
        refusal::read(first)
    }
}

#[cfg(test)]
mod tests;
