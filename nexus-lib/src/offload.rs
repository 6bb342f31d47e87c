//! Work that would hold up the runtime: done on a thread that may block.

use crate::error::{Error, ErrorKind, Result};

/// From so many bytes on a text is no work for the runtime's threads: its translation takes more than a
/// millisecond.
const LONG: usize = 256 * 1024;

/// Does `work` on a text of `len` bytes: here if it is short, else on a thread of the runtime's that may block.
///
/// # Errors
/// Those of `work`, and `Internal` when it died.
///
/// # Cancel safety
/// Dropped, it lets the work come to its end, whose result nobody sees.
pub(crate) async fn by_length<T, F>(len: usize, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    if len < LONG {
        return work();
    }
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|cause| {
        Error::new(ErrorKind::Internal, "a long text could not be translated").with_source(cause)
    })?
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn long_work_does_not_hold_up_the_runtime() {
        let (told, heard) = mpsc::channel();
        let work = by_length(LONG, move || Ok(heard.recv().is_ok()));
        // Polled only while the work is under way.
        let tells = async { told.send(()).unwrap() };
        let (worked, ()) = tokio::join!(work, tells);
        assert!(worked.unwrap());
    }

    #[tokio::test]
    async fn short_work_changes_no_thread() {
        let here = thread::current().id();
        let there = by_length(LONG - 1, || Ok(thread::current().id())).await;
        assert_eq!(there.unwrap(), here);
    }
}
