use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use crate::call::MeteredStream;
use crate::error::Result;
use crate::http::api::error_form::ErrorForm;
use crate::sse;

/// A stream whose failure is sent to the client as its last event, in the format of its protocol,
/// and never followed by `[DONE]`: an interrupted answer must not look complete.
pub(super) struct ErrorEvents {
    /// `None` after a failure.
    events: Option<MeteredStream>,
    /// The last event had no blank line after it, as in some streams.
    unended: bool,
    form: ErrorForm,
    /// How many events have passed, if they are numbered.
    passed: u64,
}

impl ErrorEvents {
    pub(super) fn new(events: MeteredStream, form: ErrorForm) -> Self {
        Self {
            events: Some(events),
            unended: false,
            form,
            passed: 0,
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
                let event = self.form.event(&error, self.passed);
                Some(Ok(match self.unended {
                    true => [b"\n\n", &*event].concat().into(),
                    false => event,
                }))
            }
            Some(Ok(bytes)) => {
                if self.form == ErrorForm::Responses {
                    let passed = sse::events(&bytes).count();
                    self.passed += u64::try_from(passed).unwrap_or(0);
                }
                self.unended = !matches!(bytes.last(), Some(b'\n' | b'\r'));
                Some(Ok(bytes))
            }
            None => None,
        })
    }
}
