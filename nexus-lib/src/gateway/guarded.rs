//! Streams that passed an application's layers, kept from taking the gateway down.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::Stream;
use futures_util::stream;
use tokio::time::{Sleep, sleep_until};

use crate::call::{Metered, MeteredBody, Reply, ReplyBody};
use crate::error::{Error, Result};
use crate::gateway::seam::failed;
use crate::isolate;

/// What comes back through a seam.
pub trait Guard: Sized + Send + 'static {
    /// The same with a stream that survives panics and, unless the meter does so, ends at the
    /// client's deadline.
    fn guarded(self, deadline: Option<Instant>) -> Self;
}

impl Guard for Reply {
    /// The meter ends it at the deadline.
    fn guarded(mut self, _: Option<Instant>) -> Self {
        self.body = match self.body {
            ReplyBody::Stream(events) => ReplyBody::Stream(Box::pin(Guarded::new(events, None))),
            whole => whole,
        };
        self
    }
}

impl Guard for Metered {
    fn guarded(mut self, deadline: Option<Instant>) -> Self {
        self.body = match self.body {
            MeteredBody::Stream(events) => {
                MeteredBody::Stream(Box::pin(Guarded::new(events, deadline)))
            }
            whole => whole,
        };
        self
    }
}

type Events<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

struct Guarded<T> {
    events: Events<T>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<T: Send + 'static> Guarded<T> {
    fn new(events: Events<T>, deadline: Option<Instant>) -> Self {
        let deadline = deadline.map(|deadline| Box::pin(sleep_until(deadline.into())));
        Self { events, deadline }
    }

    /// Ends the stream. A panic of its drop ends here, too.
    fn end(&mut self) {
        let events = std::mem::replace(&mut self.events, Box::pin(stream::empty()));
        let _ = isolate::call(|| drop(events));
    }
}

impl<T: Send + 'static> Stream for Guarded<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let events = &mut self.events;
        let polled = isolate::call(|| events.as_mut().poll_next(cx));
        let error = match polled {
            Ok(Poll::Ready(item)) => return Poll::Ready(item),
            Ok(Poll::Pending) => {
                let deadline = self.deadline.as_mut();
                let is_late =
                    deadline.is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready());
                if !is_late {
                    return Poll::Pending;
                }
                self.deadline = None;
                Error::deadline_exceeded()
            }
            Err(panicked) => failed(panicked),
        };
        self.end();
        Poll::Ready(Some(Err(error)))
    }
}
