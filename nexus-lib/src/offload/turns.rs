use std::sync::{Arc, LazyLock};
use std::thread;

use tokio::sync::Semaphore;

use super::wanted::{Watched, is_wanted, unwanted};
use crate::error::{BoxError, Error, ErrorKind, Result};

/// Texts of at least this many bytes are not processed on the runtime's threads: translating one
/// may take more than a millisecond.
const LONG: usize = 64 * 1024;

/// One per core: a global of the process, like its cores.
static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(cores())));

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Does `work` on a text of `len` bytes: here if it is short, otherwise like [`elsewhere`].
///
/// # Errors
/// Those of `work`, and `Internal` when it panicked.
///
/// # Cancel safety
/// As for [`elsewhere`].
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

/// Does `work` on one of the runtime's blocking threads, when its turn comes.
///
/// # Errors
/// Those of `work`, and `Internal` when it panicked.
///
/// # Cancel safety
/// If dropped, work that has not started is cancelled; running work is asked to end by
/// [`is_wanted`].
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
        // Held until the work has really ended, whether or not anybody waits.
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn long_work_does_not_hold_up_the_runtime() {
        let (sender, receiver) = mpsc::channel();
        let work = by_length(LONG, move || Ok(receiver.recv().is_ok()));
        // Polled only while the work is running.
        let sends = async { sender.send(()).unwrap() };
        let (worked, ()) = tokio::join!(work, sends);
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
