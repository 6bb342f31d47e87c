//! Isolation of an application's code: a panic becomes a value instead of taking the gateway down.
//!
//! Observers, stores and providers come from outside. If they panic, the default hook writes the
//! message to standard error. It is not repeated here, since it may contain a prompt.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// The called code has panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it panicked; see standard error for the message")
    }
}

impl std::error::Error for Panicked {}

/// Calls `work`. After a panic, anything that it was changing may be inconsistent: the caller must
/// not use that again.
pub(crate) fn call<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// Awaits `work`, which is not polled again after a panic.
///
/// Not an `async fn`: that would store `work` twice, and move it once more.
///
/// # Cancel safety
/// Same as `work`.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> impl Future<Output = Result<T, Panicked>> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .map(|done| done.map_err(|_| Panicked))
}
