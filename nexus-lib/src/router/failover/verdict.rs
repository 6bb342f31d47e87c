use std::time::Duration;

use http::StatusCode;

use crate::call::Reply;
use crate::error::{ErrorKind, Result};
use crate::wire::retry_after;

/// What an attempt's outcome says about the provider.
pub(super) enum Verdict {
    /// It answered. That may be an error which is the client's own.
    Answered,
    /// It failed, and another may do better.
    Failed(Failure),
    /// Nothing: it was not asked, since its protocol cannot tell all of this request. That of another may.
    CannotBeTold,
    /// Nothing: the reason lies elsewhere.
    Nothing,
}

/// How a provider failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    /// After how long to come back, if it said so.
    pub(super) retry_after: Option<Duration>,
    /// It may be gone a moment later.
    pub(super) may_pass: bool,
}

impl Verdict {
    pub(super) fn of(outcome: &Result<Reply>) -> Self {
        match outcome {
            Ok(reply) if is_worth_another(reply.status) => Self::Failed(Failure {
                retry_after: retry_after(&reply.headers),
                may_pass: true,
            }),
            Ok(_) => Self::Answered,
            Err(error) if error.is_retryable() => Self::Failed(Failure {
                retry_after: None,
                // Whoever waited in vain for a minute does not want to do so again.
                may_pass: matches!(
                    error.kind(),
                    ErrorKind::UpstreamUnreachable | ErrorKind::UpstreamInvalid
                ),
            }),
            Err(error) if error.kind() == ErrorKind::InvalidRequest => Self::CannotBeTold,
            Err(_) => Self::Nothing,
        }
    }
}

/// Whether an answer of this status says that another provider might do better: it took too long, came
/// too early, is over its limit, or is broken. The rest is the client's own. A status that is neither good nor an error
/// says nothing to a client.
fn is_worth_another(status: StatusCode) -> bool {
    // A loop is the end of it: others may be on the same circle, each with others behind it.
    !(status.is_success() || status.is_client_error() || status == StatusCode::LOOP_DETECTED)
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}
