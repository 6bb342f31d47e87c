//! Background work that survives the end of its runtime.
//!
//! A gateway may outlive the runtime that it was built on: for example a `static` one that several
//! `#[tokio::test]` functions use. Its background work is a task of that runtime while it exists,
//! since that is cheapest. When the runtime drops the task, the work moves to its own thread.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use crate::isolate;

/// Background work. Its state is kept outside the future, so that another future can continue it.
pub(crate) trait Lasting: Send + Sync + 'static {
    /// The name of the thread, if one is needed.
    const THREAD: &'static str;

    /// Does the work, from its current state to its end.
    fn run(self: Arc<Self>) -> BoxFuture<'static, ()>;

    /// Whether anything is left to do, now or later.
    fn is_needed(&self) -> bool;

    /// The work has panicked, or there is no thread for it: nothing continues it.
    fn died(&self);
}

/// Starts `work` as a task of the current runtime.
///
/// # Panics
/// Without a runtime, as `tokio::spawn` does.
pub(crate) fn start<L: Lasting>(work: Arc<L>) {
    let running = Some(Arc::clone(&work).run());
    drop(tokio::spawn(Task {
        running,
        work: Some(work),
        is_polled: false,
    }));
}

struct Task<L: Lasting> {
    running: Option<BoxFuture<'static, ()>>,
    /// Taken at the end.
    work: Option<Arc<L>>,
    /// Still set when the task is dropped if the poll has panicked.
    is_polled: bool,
}

impl<L: Lasting> Future for Task<L> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(running) = &mut this.running else {
            return Poll::Ready(());
        };
        this.is_polled = true;
        let polled = running.as_mut().poll(cx);
        this.is_polled = false;
        if polled.is_ready() {
            this.work = None;
        }
        polled
    }
}

impl<L: Lasting> Drop for Task<L> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else {
            return;
        };
        // First, so that it releases what it was using.
        self.running = None;
        if self.is_polled {
            work.died();
        } else if work.is_needed() {
            move_to_thread(work);
        }
    }
}

fn move_to_thread<L: Lasting>(work: Arc<L>) {
    let moved = Arc::clone(&work);
    let thread = std::thread::Builder::new().name(L::THREAD.to_owned());
    let spawned = thread.spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let ended = match runtime {
            Ok(runtime) => isolate::call(|| runtime.block_on(Arc::clone(&moved).run())).is_ok(),
            Err(error) => {
                tracing::error!(%error, "no runtime could be built for background work whose own \
                                         runtime has ended");
                false
            }
        };
        if !ended {
            moved.died();
        }
    });
    match spawned {
        Ok(_) => tracing::info!(
            thread = L::THREAD,
            "the runtime that the gateway was built on has ended; its background work continues \
             in a thread"
        ),
        Err(error) => {
            tracing::error!(%error, "no thread could be started for background work whose runtime \
                                     has ended");
            work.died();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use tokio::sync::Notify;

    use super::*;

    /// Reports where it runs, each time it starts.
    struct Work {
        began: mpsc::Sender<Option<String>>,
        go_on: Notify,
        panics: bool,
        dead: mpsc::Sender<()>,
        done: AtomicBool,
    }

    impl Lasting for Work {
        const THREAD: &'static str = "nexus-test-work";

        fn run(self: Arc<Self>) -> BoxFuture<'static, ()> {
            Box::pin(async move {
                let thread = std::thread::current().name().map(str::to_owned);
                self.began.send(thread).unwrap();
                assert!(!self.panics, "as the test wants");
                self.go_on.notified().await;
                self.done.store(true, Ordering::SeqCst);
                self.dead.send(()).unwrap();
            })
        }

        fn is_needed(&self) -> bool {
            !self.done.load(Ordering::SeqCst)
        }

        fn died(&self) {
            self.dead.send(()).unwrap();
        }
    }

    fn work(
        panics: bool,
    ) -> (
        Arc<Work>,
        mpsc::Receiver<Option<String>>,
        mpsc::Receiver<()>,
    ) {
        let ((began, begun), (dead, died)) = (mpsc::channel(), mpsc::channel());
        let work = Work {
            began,
            go_on: Notify::new(),
            panics,
            dead,
            done: AtomicBool::new(false),
        };
        (Arc::new(work), begun, died)
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    #[test]
    fn work_goes_on_in_a_thread_when_its_runtime_ends() {
        let (work, begun, ended) = work(false);
        let runtime = runtime();
        runtime.block_on(async {
            start(Arc::clone(&work));
            tokio::task::yield_now().await;
        });
        assert_ne!(begun.recv().unwrap().as_deref(), Some(Work::THREAD));
        drop(runtime);
        assert_eq!(begun.recv().unwrap().as_deref(), Some(Work::THREAD));
        work.go_on.notify_one();
        ended.recv().unwrap();
        assert!(work.done.load(Ordering::SeqCst));
    }

    #[test]
    fn work_that_panics_is_not_begun_again() {
        let (work, begun, died) = work(true);
        runtime().block_on(async {
            start(work);
            tokio::task::yield_now().await;
        });
        died.recv().unwrap();
        assert_eq!(begun.try_iter().count(), 1);
    }
}
