//! Work that would hold up the runtime: done on a thread that may block.
//!
//! As many pieces of it run at once as there are cores; the others wait for their turn. Whoever stops waiting
//! takes the work along: it does not begin, and where it has begun it ends at its next [`is_wanted`].

use std::cell::RefCell;
use std::sync::{Arc, LazyLock, Weak};
use std::thread;

use tokio::sync::Semaphore;

use crate::error::{BoxError, Error, ErrorKind, Result};

/// From so many bytes on a text is no work for the runtime's threads: its translation may take more than a
/// millisecond.
const LONG: usize = 64 * 1024;

/// One for each core: a global of the process, as its cores are.
static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(cores())));

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

thread_local! {
    /// Gone when nobody waits for the work of this thread any more. `None` where that cannot happen.
    static WAITING: RefCell<Option<Weak<()>>> = const { RefCell::new(None) };
}

/// Whether somebody still waits for the work that this thread does. To be asked in loops over input.
pub(crate) fn is_wanted() -> bool {
    WAITING.with_borrow(|waiting| {
        let waiting = waiting.as_ref();
        waiting.is_none_or(|waiting| waiting.strong_count() > 0)
    })
}

/// Does `work` on a text of `len` bytes: here if it is short, else as [`elsewhere`].
///
/// # Errors
/// Those of `work`, and `Internal` when it died.
///
/// # Cancel safety
/// As [`elsewhere`].
pub(crate) async fn by_length<T, F>(len: usize, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    match len < LONG {
        true => work(),
        false => elsewhere(work).await,
    }
}

/// Does `work` on a thread of the runtime's that may block, when it has its turn.
///
/// # Errors
/// Those of `work`, and `Internal` when it died.
///
/// # Cancel safety
/// Dropped, it takes back work that has not begun. Other work is told by [`is_wanted`] to end.
pub(crate) async fn elsewhere<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    let turn = Arc::clone(&TURNS).acquire_owned().await;
    let turn = turn.map_err(|closed| died(closed.into()))?;
    let waiting = Arc::new(());
    let watched = Arc::downgrade(&waiting);
    let worked = tokio::task::spawn_blocking(move || {
        // Held until the work has really ended, whoever waits for it.
        let _turn = turn;
        let _watched = Watched::new(watched);
        match is_wanted() {
            true => work(),
            false => Err(unwanted()),
        }
    });
    let worked = worked.await;
    drop(waiting);
    worked.map_err(|cause| died(cause.into()))?
}

fn died(cause: BoxError) -> Error {
    Error::new(ErrorKind::Internal, "a long text could not be processed").with_source(cause)
}

/// What work ends with for which nobody waits: nobody sees it.
pub(crate) fn unwanted() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "the client left before its request was read",
    )
}

/// Lets [`is_wanted`] look at `WAITING` until it is dropped.
struct Watched;

impl Watched {
    fn new(watched: Weak<()>) -> Self {
        WAITING.set(Some(watched));
        Self
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WAITING.set(None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;

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
        assert!(is_wanted());
    }

    #[tokio::test]
    async fn work_ends_when_nobody_waits_for_it() {
        let (begins, begun) = tokio::sync::oneshot::channel();
        let (ends, ended) = tokio::sync::oneshot::channel();
        let work = elsewhere(move || {
            let _ = begins.send(());
            while is_wanted() {
                thread::yield_now();
            }
            let _ = ends.send(());
            Err::<(), _>(unwanted())
        });
        tokio::select! {
            _ = work => panic!("it ends only when it is dropped"),
            begun = begun => begun.unwrap(),
        }
        ended.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_waits_for_its_turn_goes_with_whoever_waits() {
        let all = u32::try_from(cores()).unwrap();
        let held = Arc::clone(&TURNS).acquire_many_owned(all).await.unwrap();
        let (begins, begun) = mpsc::channel::<()>();
        let mut work = Box::pin(elsewhere(move || {
            begins.send(()).unwrap();
            Ok(())
        }));
        assert!(work.as_mut().now_or_never().is_none());
        drop(work);
        drop(held);
        assert!(begun.recv().is_err());
    }
}
