use std::borrow::Cow;

use crate::call::Routed;
use crate::error::{Error, ErrorKind};
use crate::meter::seen::Seen;
use crate::wire::RequestState;

/// The longest error text that is kept in a row, in bytes.
const MAX_ERROR_BYTES: usize = 500;

/// How a call ended.
#[derive(Clone, Copy)]
pub(super) enum Ending<'a> {
    /// The answer is whole. Its status and its content decide whether the call succeeded.
    Whole,
    /// There was no answer, or only a part of one.
    Failed(&'a Error),
    /// The client went away.
    ClientLeft,
}

/// What an ending comes to.
pub(super) struct Verdict {
    pub(super) state: RequestState,
    /// What went wrong, without what was asked and not longer than a row keeps.
    pub(super) error: Option<Cow<'static, str>>,
    /// The kind of failure.
    pub(super) code: Option<&'static str>,
}

impl Verdict {
    /// Of a call whose answer was seen so far.
    pub(super) fn of(ending: Ending<'_>, seen: &Seen, routed: &Routed) -> Self {
        let kept = |error: &str| shortened(&routed.unquoted(error)).to_owned();
        let refused = seen.observed.error.as_deref();
        match (ending, refused) {
            (Ending::Failed(error), _) => Self::failed(error.kind(), kept(&error.for_ledger())),
            (_, Some(error)) => Self::failed(ErrorKind::UpstreamRefused, kept(error)),
            (Ending::Whole, None) => match seen.status {
                Some(status) if !status.is_success() => {
                    let text = format!("the provider answered {}", status.as_u16());
                    Self::failed(ErrorKind::UpstreamRefused, text)
                }
                _ => Self::without_error(RequestState::Completed),
            },
            // The client had the whole answer: closing the connection then cancels nothing.
            (Ending::ClientLeft, None) if seen.is_over() => {
                Self::without_error(RequestState::Completed)
            }
            (Ending::ClientLeft, None) => Self::without_error(RequestState::Cancelled),
        }
    }

    fn failed(kind: ErrorKind, error: String) -> Self {
        Self {
            state: RequestState::Failed,
            error: Some(error.into()),
            code: Some(kind.code()),
        }
    }

    fn without_error(state: RequestState) -> Self {
        Self {
            state,
            error: None,
            code: None,
        }
    }
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_ERROR_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
