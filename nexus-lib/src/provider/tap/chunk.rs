use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

use super::look::look;
use super::{MAX_EVENT_BYTES, Tap};
use crate::call::{Observed, Piece};
use crate::error::{Error, ErrorKind, Result};
use crate::sse::{Decoder, Event, events};

const DONE: &[u8] = b"[DONE]";

/// Passes a stream of chat completion chunks through, event by event, and reports what is in it.
#[derive(Debug)]
pub(crate) struct ChunkTap {
    decoder: Decoder,
    /// The client did not request the usage chunk, and must not receive it.
    hide_usage: bool,
    /// A choice has arrived, or an error.
    has_answer: bool,
    /// `usage` has arrived, so that `x_groq.usage` adds nothing.
    has_usage: bool,
    is_done: bool,
    /// A hidden event ended in CR at the end of a region: an LF that follows belongs to it.
    hides_lf: bool,
}

impl ChunkTap {
    pub(crate) fn new(hide_usage: bool) -> Self {
        Self {
            decoder: Decoder::new(MAX_EVENT_BYTES),
            hide_usage,
            has_answer: false,
            has_usage: false,
            is_done: false,
            hides_lf: false,
        }
    }

    /// Reads an event, and returns whether it is valid.
    fn look_at(&mut self, event: &Event<'_>, passage: &mut Passage) -> bool {
        let data = event.data();
        let observed = &mut passage.observed;
        if data.trim_ascii() == DONE {
            (observed.terminal, self.is_done) = (true, true);
            return true;
        }
        let seen = look(&data);
        self.has_answer |= seen.has_answer || seen.error.is_some();
        self.has_usage |= seen.usage.is_some();
        let groq_usage = seen.groq_usage.filter(|_| !self.has_usage);
        if self.hide_usage && seen.is_usage_only {
            passage.hidden.push(event.range());
        }
        observed.merge(Observed {
            usage: seen.usage.or(groq_usage),
            finished: seen.finished,
            terminal: false,
            error: seen.error,
            ..Observed::default()
        });
        seen.is_whole
    }
}

impl Tap for ChunkTap {
    fn has_events(&self) -> bool {
        self.has_answer || self.is_done
    }

    fn has_answer(&self) -> bool {
        self.has_answer
    }

    /// Byte for byte, except for a hidden usage chunk.
    fn held_bytes(&self) -> usize {
        self.decoder.held_bytes()
    }

    fn push(&mut self, chunk: Bytes) -> Result<Piece> {
        let mut region = self.decoder.push(chunk)?;
        if self.hides_lf && !region.is_empty() {
            self.hides_lf = false;
            if region[0] == b'\n' {
                region = region.slice(1..);
            }
        }
        // Until the answer starts every event is read: some do not belong to it.
        if self.has_answer && !NAMES.occur_in(&region) {
            let observed = Observed::default();
            return Ok(Piece {
                bytes: region,
                observed,
            });
        }
        let mut passage = Passage::default();
        for event in events(&region) {
            if !self.has_answer || NAMES.occur_in(&region[event.range()]) {
                self.look_at(&event, &mut passage);
            }
        }
        let hides_end = passage
            .hidden
            .last()
            .is_some_and(|part| part.end == region.len());
        self.hides_lf = hides_end && region.ends_with(b"\r");
        Ok(passage.piece(region))
    }

    fn finish(&mut self) -> Result<Piece> {
        let region = self.decoder.finish().unwrap_or_default();
        let (had_answer, was_done) = (self.has_answer, self.is_done);
        let mut passage = Passage::default();
        let mut is_whole = true;
        for event in events(&region) {
            is_whole &= self.look_at(&event, &mut passage);
        }
        match (had_answer, self.has_answer && (is_whole || was_done)) {
            (_, true) => Ok(passage.piece(region)),
            (true, false) => Err(Error::new(
                ErrorKind::StreamInterrupted,
                "the provider's stream ended within an event",
            )),
            (false, false) => Err(Error::new(
                ErrorKind::UpstreamInvalid,
                "the provider's stream contained no event",
            )),
        }
    }
}

/// What was observed in one region, and the parts of it that are not forwarded.
#[derive(Default)]
struct Passage {
    observed: Observed,
    /// In order.
    hidden: Vec<Range<usize>>,
}

impl Passage {
    fn piece(self, region: Bytes) -> Piece {
        Piece {
            bytes: cut(region, &self.hidden),
            observed: self.observed,
        }
    }
}

/// `region` without the parts `hidden`: a slice of it if what remains is contiguous.
fn cut(region: Bytes, hidden: &[Range<usize>]) -> Bytes {
    match hidden {
        [] => region,
        [only] if only.start == 0 => region.slice(only.end..),
        [only] if only.end == region.len() => region.slice(..only.start),
        _ => {
            let mut kept = Vec::with_capacity(region.len());
            let mut at = 0;
            for part in hidden {
                kept.extend_from_slice(&region[at..part.start]);
                at = part.end;
            }
            kept.extend_from_slice(&region[at..]);
            kept.into()
        }
    }
}

/// The names that make an event worth parsing.
struct Names {
    members: [Finder<'static>; 3],
    done: Finder<'static>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    members: ["\"usage\"", "\"finish_reason\"", "\"error\""].map(Finder::new),
    done: Finder::new(DONE),
});

impl Names {
    fn occur_in(&self, bytes: &[u8]) -> bool {
        let has_value = |name: &Finder<'_>| {
            let mut hits = name.find_iter(bytes);
            hits.any(|at| !is_null(&bytes[at + name.needle().len()..]))
        };
        self.members.iter().any(has_value) || self.done.find(bytes).is_some()
    }
}

/// Whether a name is followed by a colon and null.
fn is_null(behind: &[u8]) -> bool {
    let value = behind.trim_ascii_start().strip_prefix(b":");
    value.is_some_and(|value| value.trim_ascii_start().starts_with(b"null"))
}
