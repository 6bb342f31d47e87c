//! What was spent on answers that layers looked at, whatever they made of them.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::call::{Observed, Piece, Reply, ReplyBody, ReplyStream, Routed};
use crate::error::Result;
use crate::wire::Usage;

/// The usage of all answers to one call. Empty, and without an allocation, where no layer stands
/// between the meter and the providers: then the reply itself says it.
#[derive(Debug, Default)]
pub(crate) struct Spent(Mutex<Option<Box<Figures>>>);

#[derive(Debug, Default)]
struct Figures {
    usage: Usage,
    is_estimated: bool,
}

impl Spent {
    /// Counts `now` in place of what the same answer has said before.
    fn add(&self, before: Option<Usage>, now: Usage, is_estimated: bool) {
        // No code panics while it holds the lock, and the data is whole between statements.
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = figures.get_or_insert_default();
        let before = before.unwrap_or_default();
        figures.usage = sum(figures.usage, now, before);
        figures.is_estimated |= is_estimated;
    }

    /// Puts what was spent in place of what the reply says of it.
    pub(crate) fn correct(&self, observed: &mut Observed) {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(figures) = &*figures {
            observed.usage = Some(figures.usage);
            observed.is_estimated = figures.is_estimated;
        }
    }
}

fn sum(all: Usage, more: Usage, less: Usage) -> Usage {
    let sum = |all: u64, more: u64, less: u64| all.saturating_add(more).saturating_sub(less);
    Usage {
        prompt_tokens: sum(all.prompt_tokens, more.prompt_tokens, less.prompt_tokens),
        completion_tokens: sum(
            all.completion_tokens,
            more.completion_tokens,
            less.completion_tokens,
        ),
        total_tokens: sum(all.total_tokens, more.total_tokens, less.total_tokens),
        cached_tokens: sum(all.cached_tokens, more.cached_tokens, less.cached_tokens),
        reasoning_tokens: sum(
            all.reasoning_tokens,
            more.reasoning_tokens,
            less.reasoning_tokens,
        ),
    }
}

/// Counts what an answer to `routed` costs on its way to a layer, which may throw it away.
pub(crate) struct Tapped {
    routed: Routed,
    events: ReplyStream,
    /// What this answer has said so far.
    said: Option<Usage>,
}

impl Tapped {
    /// `reply`, counted.
    pub(crate) fn of(routed: &Routed, mut reply: Reply) -> Reply {
        reply.body = match reply.body {
            ReplyBody::Full { bytes, observed } => {
                if let Some(usage) = observed.usage {
                    routed.spent().add(None, usage, observed.is_estimated);
                }
                ReplyBody::Full { bytes, observed }
            }
            ReplyBody::Stream(events) => ReplyBody::Stream(Box::pin(Self {
                routed: routed.clone(),
                events,
                said: None,
            })),
        };
        reply
    }

    fn count(&mut self, observed: &Observed) {
        if let Some(usage) = observed.usage {
            let before = self.said.replace(usage);
            self.routed
                .spent()
                .add(before, usage, observed.is_estimated);
        }
    }
}

impl Stream for Tapped {
    type Item = Result<Piece>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.events.as_mut().poll_next(cx));
        if let Some(Ok(piece)) = &item {
            self.count(&piece.observed);
        }
        Poll::Ready(item)
    }
}
