//! What an answer in OpenAI's protocol says about itself, seen while its bytes pass through.
//!
//! Nearly all events of a stream carry a few words and nothing else. So each region of events is
//! first searched for the four names that matter; only an event that has one of them, with a value
//! that is not null, is read as JSON ([`look`]). A false hit, in the words of the answer, costs time
//! and nothing else: what counts is read at the top level alone.

mod chunk;
mod look;
mod tail;

pub(crate) use chunk::ChunkObserver;

use crate::call::Observed;
use look::look;

/// What the whole answer `body` says.
pub(crate) fn observe_completion(body: &[u8]) -> Observed {
    if let Some(usage) = tail::usage(body) {
        return Observed {
            usage: Some(usage),
            finished: true,
            ..Observed::default()
        };
    }
    let seen = look(body);
    Observed {
        usage: seen.usage.or(seen.groq_usage),
        finished: seen.finished,
        terminal: false,
        error: seen.error,
    }
}

#[cfg(test)]
mod tests;
