use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use bytes::Bytes;

use super::encoding::Encoding;
use super::usage_in;
use crate::call::in_chat;
use crate::error::{Error, ErrorKind, Result};
use crate::isolate;
use crate::transcript::Answer;
use crate::wire::{Operation, Usage};

/// The most bytes that wait to be counted.
const ROOM: u64 = 64 << 20;

/// Behind more than this, a job that is in haste does not wait.
const HASTY_ROOM: u64 = 1 << 20;

/// What a waiting job takes besides its bytes: bounds how many there are.
const JOB_BYTES: u64 = 512;

/// A call whose tokens are to be counted.
pub struct EstimateJob {
    /// What was asked: a chat.
    pub operation: Operation,
    /// The request's body, as the client sent it.
    pub body: Bytes,
    /// What was delivered.
    pub answer: Answer,
    /// The model's name at its provider: it tells the encoding.
    pub model: Arc<str>,
}

impl EstimateJob {
    fn size(&self) -> u64 {
        let body = u64::try_from(self.body.len()).unwrap_or(u64::MAX);
        body.saturating_add(self.answer.held_bytes())
            .saturating_add(JOB_BYTES)
    }

    fn usage(&self, encoding: Encoding) -> Usage {
        usage_in(&in_chat(self.operation, &self.body), &self.answer, encoding)
    }
}

/// Counts tokens on one thread, `nexus-estimate`, which begins with the first job. A clone is the
/// same estimator.
///
/// Dropping the last clone lets the thread finish what is queued; [`close`](Self::close) awaits it.
#[derive(Clone)]
pub struct Estimator {
    shared: Arc<Shared>,
}

struct Shared {
    thread: Mutex<Thread>,
    /// Bytes that wait, the job in work included.
    waiting: Arc<AtomicU64>,
    /// The encodings whose tables are loaded, each a bit.
    loaded: Arc<AtomicU8>,
    room: u64,
}

enum Thread {
    /// No job came yet.
    Unborn,
    Running(mpsc::Sender<Work>, JoinHandle<()>),
    Closed,
}

struct Work {
    job: EstimateJob,
    done: Box<dyn FnOnce(Usage) + Send>,
}

impl Work {
    fn finish(self, encoding: Encoding) {
        let Self { job, done } = self;
        // A row waits for the figures: whatever happens to the counting, it gets some.
        let usage = isolate::call(|| job.usage(encoding))
            .or_else(|_| isolate::call(|| job.usage(Encoding::FourBytes)))
            .unwrap_or_default();
        drop(job);
        if isolate::call(|| done(usage)).is_err() {
            tracing::error!("whoever waited for a count of tokens panicked");
        }
    }
}

impl Default for Estimator {
    fn default() -> Self {
        Self::new()
    }
}

impl Estimator {
    /// An estimator without a thread, until the first job.
    pub fn new() -> Self {
        Self::with_room(ROOM)
    }

    pub(super) fn with_room(room: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                thread: Mutex::new(Thread::Unborn),
                waiting: Arc::default(),
                loaded: Arc::default(),
                room,
            }),
        }
    }

    /// Counts the tokens of `job` as [`usage`](super::usage) does, and calls `done` with them on the
    /// estimator's thread.
    ///
    /// Never waits, and needs no runtime: may be called from `Drop`. Where more than 64 MiB wait
    /// already, and after [`close`](Self::close), the caller does the counting at once, by a cheap
    /// rule: four bytes of text are a token. `done` must not block: other jobs wait behind it.
    pub fn submit(&self, job: EstimateJob, done: impl FnOnce(Usage) + Send + 'static) {
        let done = Box::new(done);
        if let Err(work) = self.queue(Work { job, done }) {
            work.finish(Encoding::FourBytes);
        }
    }

    /// As [`submit`](Self::submit), for a call that ends because the gateway does: its client must hear of it
    /// within a second. Loading an encoding's tables may take longer, so where they are not loaded yet, or
    /// others wait, the cheap rule does.
    pub fn submit_in_haste(&self, job: EstimateJob, done: impl FnOnce(Usage) + Send + 'static) {
        let encoding = Encoding::of(&job.model);
        let is_loaded = self.shared.loaded.load(Ordering::Relaxed) & encoding.bit() != 0;
        if is_loaded && self.shared.waiting.load(Ordering::Relaxed) < HASTY_ROOM {
            self.submit(job, done);
        } else {
            let done = Box::new(done);
            Work { job, done }.finish(Encoding::FourBytes);
        }
    }

    /// Gives the work back where it finds no room.
    fn queue(&self, work: Work) -> std::result::Result<(), Work> {
        let Shared {
            waiting,
            room,
            loaded,
            ..
        } = &*self.shared;
        let size = work.job.size();
        let mut thread = self.lock();
        let before = waiting.load(Ordering::Relaxed);
        // One that is larger than all the room is taken when nothing else is there.
        if before > 0 && before.saturating_add(size) > *room {
            return Err(work);
        }
        if let Thread::Unborn = *thread {
            match spawn(Arc::clone(waiting), Arc::clone(loaded)) {
                Ok((jobs, handle)) => *thread = Thread::Running(jobs, handle),
                Err(error) => {
                    tracing::warn!(%error, "no thread to count tokens on");
                    return Err(work);
                }
            }
        }
        let Thread::Running(jobs, _) = &*thread else {
            return Err(work);
        };
        waiting.fetch_add(size, Ordering::Relaxed);
        jobs.send(work).map_err(|refused| {
            waiting.fetch_sub(size, Ordering::Relaxed);
            refused.0
        })
    }

    fn lock(&self) -> MutexGuard<'_, Thread> {
        // No code panics while it holds the lock, and the data is whole between statements.
        let thread = &self.shared.thread;
        thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finishes what is queued, and awaits the thread's end. Later jobs are counted by the cheap rule.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the thread died.
    ///
    /// # Cancel safety
    /// The thread goes on to its end; nothing is lost but the waiting for it.
    pub async fn close(&self) -> Result<()> {
        let thread = std::mem::replace(&mut *self.lock(), Thread::Closed);
        let Thread::Running(jobs, handle) = thread else {
            return Ok(());
        };
        drop(jobs);
        let joined = tokio::task::spawn_blocking(move || handle.join().is_ok()).await;
        if joined.unwrap_or(false) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Internal,
            "the thread that counts tokens did not end well",
        ))
    }
}

fn spawn(
    waiting: Arc<AtomicU64>,
    loaded: Arc<AtomicU8>,
) -> std::io::Result<(mpsc::Sender<Work>, JoinHandle<()>)> {
    // Bounded by what is in `waiting`.
    let (jobs, queue) = mpsc::channel::<Work>();
    let thread = std::thread::Builder::new()
        .name("nexus-estimate".to_owned())
        .spawn(move || {
            for work in queue {
                let size = work.job.size();
                let encoding = Encoding::of(&work.job.model);
                work.finish(encoding);
                loaded.fetch_or(encoding.bit(), Ordering::Relaxed);
                waiting.fetch_sub(size, Ordering::Relaxed);
            }
        })?;
    Ok((jobs, thread))
}
