use std::time::Duration;

use http::StatusCode;

use crate::call::Reply;
use crate::error::{ErrorKind, Result};
use crate::wire::retry_after;

/// What an attempt's outcome says about the provider.
pub(super) enum Verdict {
    /// It answered, possibly with an error that is the client's own.
    Answered,
    /// It failed; another provider may succeed.
    Failed(Failure),
    /// Nothing: it was not asked, since the request cannot be fully translated to its protocol.
    /// Another provider's protocol may fit.
    Untranslatable,
    /// Nothing: the cause lies elsewhere.
    Nothing,
}

/// How a provider failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    /// When to return, if the provider said so.
    pub(super) retry_after: Option<Duration>,
    /// The failure may be temporary.
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
                // After a timeout the client has waited long enough.
                may_pass: matches!(
                    error.kind(),
                    ErrorKind::UpstreamUnreachable | ErrorKind::UpstreamInvalid
                ),
            }),
            Err(error) if error.kind() == ErrorKind::InvalidRequest => Self::Untranslatable,
            Err(_) => Self::Nothing,
        }
    }
}

/// Whether another provider might do better after this status: a timeout, a rate limit or a server
/// error. All other errors are the client's own. A status that is neither a success nor an error is
/// useless to a client.
fn is_worth_another(status: StatusCode) -> bool {
    // A loop ends here: other candidates may be part of the same loop, each with more behind it.
    !(status.is_success() || status.is_client_error() || status == StatusCode::LOOP_DETECTED)
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}
