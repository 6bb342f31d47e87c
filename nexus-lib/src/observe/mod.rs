//! What happens, told to whoever wants to know: metrics, logs, traces.
//!
//! An [`Observer`] is told of each call that was settled, each attempt that failed, each rest that begins,
//! each stream that begins, each request that is refused and each commit of the ledger, by the very task to which it happens. Without
//! one, nothing is prepared to be told.
//!
//! Prompts, answers and keys are never told; a provider's own error message, which may repeat them, is not
//! told either.

mod event;
mod observers;

pub use event::{AfterFailure, Edge, FailedAttempt, LedgerCommit, RefusedRequest, Rest};
pub use observers::Observers;

use crate::call::ClosedCall;

/// Is told what happens.
///
/// It is called on the way of requests: it must not block, and takes a microsecond at best. A call is
/// settled once, and so told once; all that [`stream_began`](Self::stream_began) told is settled sooner or
/// later, with [`ClosedCall::is_streaming`] set.
///
/// Every method does nothing unless it is implemented. One that panics is logged once and disturbs nothing
/// else: the call goes on, its row is written, other observers are told.
pub trait Observer: Send + Sync + 'static {
    /// A call is over, and its row is about to be written. Its tokens are known by now.
    fn call_settled(&self, call: &ClosedCall) {
        let _ = call;
    }

    /// A stream is about to go out to its client.
    fn stream_began(&self) {}

    /// A provider was asked, and failed before anything of its answer went out.
    fn attempt_failed(&self, attempt: &FailedAttempt<'_>) {
        let _ = attempt;
    }

    /// A provider is not to be asked for a while.
    fn rest_began(&self, rest: &Rest<'_>) {
        let _ = rest;
    }

    /// A request was refused before it had a row on the ledger: an unknown key or model, a body that cannot be
    /// read, a wrong admin token. There may be thousands a second of them: whoever logs them must limit that.
    fn request_refused(&self, request: &RefusedRequest<'_>) {
        let _ = request;
    }

    /// Rows of the ledger are durable.
    fn ledger_committed(&self, commit: &LedgerCommit) {
        let _ = commit;
    }
}
