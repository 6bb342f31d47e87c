use std::cell::RefCell;
use std::sync::Weak;

use crate::error::{Error, ErrorKind};

thread_local! {
    /// Dropped when nobody waits for the work of this thread any more. `None` if that cannot
    /// happen.
    static WAITING: RefCell<Option<Weak<()>>> = const { RefCell::new(None) };
}

/// Whether somebody still waits for the work of this thread. Check it in loops over input.
pub(crate) fn is_wanted() -> bool {
    WAITING.with_borrow(|waiting| {
        let waiting = waiting.as_ref();
        waiting.is_none_or(|waiting| waiting.strong_count() > 0)
    })
}

/// The result of work that nobody waits for: nobody sees it.
pub(crate) fn unwanted() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "the client left before its request was read",
    )
}

/// Makes [`is_wanted`] check `WAITING` until it is dropped.
pub(super) struct Watched;

impl Watched {
    pub(super) fn new(watched: Weak<()>) -> Self {
        WAITING.set(Some(watched));
        Self
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WAITING.set(None);
    }
}
