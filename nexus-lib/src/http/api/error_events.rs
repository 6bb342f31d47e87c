use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use crate::call::MeteredStream;
use crate::error::Result;
use crate::http::api::error_form::ErrorForm;
use crate::sse;

/// A stream whose failure is told to the client as its last event, in the words of its protocol, and
/// never followed by `[DONE]`: a cut answer must not look like a whole one.
pub(super) struct ErrorEvents {
    /// `None` once it failed.
    events: Option<MeteredStream>,
    /// The last event lacked the blank line behind it, as the last of some streams does.
    unended: bool,
    form: ErrorForm,
    /// How many have passed, where they are numbered.
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
