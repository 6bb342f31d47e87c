//! Events for metrics, logs and traces.
//!
//! An [`Observer`] is called for each settled call, failed attempt, cooldown, stream start,
//! rejected request and ledger commit, by the task in which it happens. Without an observer no
//! event is built.
//!
//! Events never contain prompts, answers or keys; nor a provider's own error message, which may
//! repeat them.
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use nexus_lib::call::ClosedCall;
//! use nexus_lib::observe::Observer;
//!
//! /// Counts the tokens of all calls.
//! #[derive(Default)]
//! struct Tokens(AtomicU64);
//!
//! impl Observer for Tokens {
//!     fn call_settled(&self, call: &ClosedCall) {
//!         self.0.fetch_add(call.usage.total_tokens, Ordering::Relaxed);
//!     }
//! }
//! // Gateway::builder(store).observer(Tokens::default())
//! ```

mod event;
mod observers;

pub use event::{AfterFailure, CooldownStarted, Edge, FailedAttempt, LedgerCommit, RefusedRequest};
pub use observers::Observers;

use crate::call::ClosedCall;

/// Receives events.
///
/// It is called while requests are served: it must not block, and should take about a microsecond.
/// Each call is settled, and reported, exactly once. Every stream reported by
/// [`stream_began`](Self::stream_began) is settled later, with [`ClosedCall::is_streaming`] set.
///
/// By default every method does nothing. A panic is logged once and affects nothing else: the call
/// continues, its row is written, and other observers are called.
pub trait Observer: Send + Sync + 'static {
    /// A call has ended and its row is about to be written. Its tokens are known.
    fn call_settled(&self, call: &ClosedCall) {
        let _ = call;
    }

    /// A stream to a client is about to start.
    fn stream_began(&self) {}

    /// A provider failed before any part of its answer was sent.
    fn attempt_failed(&self, attempt: &FailedAttempt<'_>) {
        let _ = attempt;
    }

    /// A provider is in cooldown.
    fn cooldown_started(&self, cooldown: &CooldownStarted<'_>) {
        let _ = cooldown;
    }

    /// A request was rejected before it had a row on the ledger: an unknown key or model, a
    /// malformed body, a wrong admin token. There may be thousands per second: limit what you log.
    fn request_refused(&self, request: &RefusedRequest<'_>) {
        let _ = request;
    }

    /// Rows of the ledger have become durable.
    fn ledger_committed(&self, commit: &LedgerCommit) {
        let _ = commit;
    }
}
