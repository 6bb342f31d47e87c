use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::time::{Sleep, sleep_until};

use crate::call::{Piece, ReplyStream};
use crate::error::{Error, ErrorKind, Result};
use crate::isolate;
use crate::meter::account::Account;
use crate::meter::cutoff::cut_off;
use crate::meter::verdict::Ending;
use crate::provider::redact;

/// A reply's events on their way to the client. The last of them, or the one that tells of an
/// error, is held until the row that accounts for all of them is durable.
pub(super) struct Settling {
    events: ReplyStream,
    account: Account,
    state: State,
    /// Runs out when the client stops waiting, if the client said when.
    deadline: Option<Pin<Box<Sleep>>>,
}

enum State {
    /// Events pass as they come.
    Flowing,
    /// The ending is being written; then this item goes out.
    Writing(BoxFuture<'static, Result<()>>, Last),
    /// The last event is out. What follows passes, so that the upstream's connection can be used
    /// again.
    Settled,
    Ended,
}

/// What goes out once the ending is written.
enum Last {
    Event(Bytes),
    Failure(Error),
    Nothing,
}

impl Settling {
    pub(super) fn new(events: ReplyStream, account: Account) -> Self {
        let deadline = account.deadline();
        Self {
            deadline: deadline.map(|deadline| Box::pin(sleep_until(deadline.into()))),
            events,
            account,
            state: State::Flowing,
        }
    }

    fn settle(&mut self, ending: Ending<'_>, last: Last) {
        self.state = State::Writing(Box::pin(self.account.settle(ending)), last);
    }

    /// The provider's next piece. One that panics has broken off: it is not polled again.
    fn poll_events(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece>>> {
        let events = &mut self.events;
        isolate::call(|| events.as_mut().poll_next(cx)).unwrap_or_else(|panicked| {
            let broken = std::mem::replace(&mut self.events, Box::pin(stream::empty()));
            let _ = isolate::call(|| drop(broken));
            let message = "the gateway's code for this provider failed in the middle of its answer";
            let error = Error::new(ErrorKind::StreamInterrupted, message).with_source(panicked);
            Poll::Ready(Some(Err(error)))
        })
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let item = if is_late(&mut self.deadline, cx) {
            Some(Err(Error::deadline_exceeded()))
        } else if self.account.is_cut_off() {
            Some(Err(cut_off()))
        } else {
            ready!(self.poll_events(cx))
        };
        match item {
            Some(Ok(piece)) => {
                let piece = redact::piece(piece, self.account.provider());
                // Many clients leave at an error: it is the end of the answer for them, whatever
                // follows.
                let is_last = piece.observed.terminal || piece.observed.error.is_some();
                self.account.observe(piece.observed);
                if !piece.bytes.is_empty() {
                    self.account.events(&piece.bytes);
                }
                if !is_last {
                    return Poll::Ready(Some(Ok(piece.bytes)));
                }
                self.settle(Ending::Whole, Last::Event(piece.bytes));
            }
            Some(Err(error)) => {
                let error = redact::error(error, self.account.provider());
                self.account.answered_by(error.refused_by());
                self.account.broke(&error);
                let last = Last::Failure(error);
                if let Last::Failure(error) = &last {
                    let written = Box::pin(self.account.settle(Ending::Failed(error)));
                    self.state = State::Writing(written, last);
                }
            }
            None => self.settle(Ending::Whole, Last::Nothing),
        }
        Poll::Ready(None)
    }
}

/// Leaves a line in the log that the client does not get all of its answer.
fn log_broken(account: &Account, error: &Error) {
    let (request_id, _, target) = account.names();
    let provider = &*target.provider.name;
    tracing::warn!(%request_id, provider, error = error.report(), "a stream broke");
}

fn is_late(deadline: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> bool {
    let deadline = deadline.as_mut();
    deadline.is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready())
}

impl Stream for Settling {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Flowing => match ready!(this.poll_event(cx)) {
                    // Nothing of it was for the client.
                    Some(Ok(bytes)) if bytes.is_empty() => {}
                    Some(item) => return Poll::Ready(Some(item)),
                    None => {}
                },
                State::Writing(written, _) => {
                    let written = ready!(written.as_mut().poll(cx));
                    let state = std::mem::replace(&mut this.state, State::Ended);
                    let State::Writing(_, last) = state else {
                        continue;
                    };
                    match (written, last) {
                        (Err(error), _) | (Ok(()), Last::Failure(error)) => {
                            // Here, so that it is said of every face's streams.
                            log_broken(&this.account, &error);
                            return Poll::Ready(Some(Err(error)));
                        }
                        (Ok(()), Last::Event(bytes)) => {
                            this.state = State::Settled;
                            return Poll::Ready(Some(Ok(bytes)));
                        }
                        (Ok(()), Last::Nothing) => {}
                    }
                }
                // It has had its answer.
                State::Settled if is_late(&mut this.deadline, cx) => this.state = State::Ended,
                State::Settled => match ready!(this.poll_events(cx)) {
                    Some(Ok(piece)) if piece.bytes.is_empty() => {}
                    Some(Ok(piece)) => return Poll::Ready(Some(Ok(piece.bytes))),
                    // The answer was whole before: how the connection ends is nobody's concern.
                    Some(Err(_)) | None => this.state = State::Ended,
                },
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}
