//! An application's code, kept from taking the gateway down: a panic in it becomes a value.
//!
//! Observers, stores and providers come from outside. Where they panic, the default hook writes the
//! message to standard error. It is not repeated here, since it may hold a prompt.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// Code that was called has panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it panicked; standard error has the message")
    }
}

impl std::error::Error for Panicked {}

/// Calls `work`. Whatever it was about to change may be half changed when it panics: the caller must
/// not use that again.
pub(crate) fn call<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// Awaits `work`, which is not polled again when it has panicked.
///
/// No `async fn`: that would hold `work` twice, and move it once more.
///
/// # Cancel safety
/// That of `work`.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> impl Future<Output = Result<T, Panicked>> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .map(|done| done.map_err(|_| Panicked))
}
