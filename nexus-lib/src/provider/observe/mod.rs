//! What an answer says about itself, seen while its bytes pass through.
//!
//! Nearly all events of a stream carry a few words and nothing else. So each region of events is
//! first searched for the four names that matter; only an event that has one of them, with a value
//! that is not null, is read as JSON ([`look`]). A false hit, in the words of the answer, costs time
//! and nothing else: what counts is read at the top level alone.

mod chunk;
mod look;
mod messages;
mod normalising;
mod refusal;
mod tail;
mod typed;
mod whole;

pub(crate) use chunk::ChunkObserver;
pub(crate) use messages::MessagesObserver;
pub(crate) use normalising::Normalising;
pub(crate) use typed::TypedObserver;
pub(crate) use whole::{Whole, judge, observe_completion};

use bytes::Bytes;
use http::StatusCode;

use crate::call::Piece;
use crate::error::{Error, ErrorKind, Result};

/// Room for a picture in base64, which comes as one event: those of 4K are over 16 MiB.
pub(crate) const MAX_EVENT_BYTES: usize = 64 << 20;

/// How much may come before a stream's first event that is none: comments, blank lines, events without data.
/// It is kept until then, since another provider may be asked instead.
pub(crate) const MAX_SILENT_BYTES: usize = 64 << 10;

/// That there was more of it.
pub(crate) fn too_silent() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider sent more than 64 KiB before its answer, and none of it was an event; try again",
    )
}

/// Passes a stream of server-sent events through, and tells what was in it.
pub(crate) trait Observe: Send + Unpin {
    /// Whether an event of the answer has come yet, or the end of one: comments and pings are none.
    fn has_events(&self) -> bool;

    /// Whether something of an answer has come: an end alone is nothing.
    fn has_answer(&self) -> bool {
        self.has_events()
    }

    /// Whether a reason to finish has come, if only the observer knows.
    fn is_finished(&self) -> bool {
        false
    }

    /// How many bytes are held back of an event that is not whole.
    fn held_bytes(&self) -> usize;

    /// Takes the next chunk of the body; gives the events that are whole now. The piece's bytes may be
    /// empty.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamInvalid`](crate::ErrorKind::UpstreamInvalid) when an event is too long.
    fn push(&mut self, chunk: Bytes) -> Result<Piece>;

    /// Ends the body: gives the last event, if the blank line behind it was missing, as it still is.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamInvalid`](crate::ErrorKind::UpstreamInvalid) when there was no event at all, and
    /// [`ErrorKind::StreamInterrupted`](crate::ErrorKind::StreamInterrupted) when the body ended inside of
    /// one.
    fn finish(&mut self) -> Result<Piece>;

    /// An error where the first event of an answer should be, as a whole answer: with the status that it
    /// names, or 502. `None` when `first` is none.
    fn refusal(&mut self, first: &Piece) -> Option<(StatusCode, Bytes)> {
        refusal::read(first)
    }
}

#[cfg(test)]
mod tests;
