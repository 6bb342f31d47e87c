use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use crate::call::MeteredStream;
use crate::error::Result;
use crate::sse;
use crate::wire::ErrorBody;

/// A stream whose failure is told to the client as its last event, in the words of OpenAI's API, and
/// never followed by `[DONE]`: a cut answer must not look like a whole one.
pub(super) struct ErrorEvents {
    /// `None` once it failed.
    events: Option<MeteredStream>,
    /// The last event lacked the blank line behind it, as the last of some streams does.
    unended: bool,
}

impl ErrorEvents {
    pub(super) fn new(events: MeteredStream) -> Self {
        Self {
            events: Some(events),
            unended: false,
        }
    }
}

impl Stream for ErrorEvents {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(events) = &mut self.events else {
            return Poll::Ready(None);
        };
        Poll::Ready(match ready!(events.as_mut().poll_next(cx)) {
            Some(Err(error)) => {
                self.events = None;
                tracing::warn!(error = error.report(), "a stream broke");
                let event = sse::encode_data(&ErrorBody::from(&error).to_json());
                Some(Ok(match self.unended {
                    true => [b"\n\n", &*event].concat().into(),
                    false => event,
                }))
            }
            Some(Ok(bytes)) => {
                self.unended = !matches!(bytes.last(), Some(b'\n' | b'\r'));
                Some(Ok(bytes))
            }
            None => None,
        })
    }
}
