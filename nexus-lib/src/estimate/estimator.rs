use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::encoding::Encoding;
use super::lane::{Job, Lane};
use super::usage_in;
use crate::call::{ClosedCall, in_chat};
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

/// From so many bytes on a job has a thread of its own: it takes long to be read, however little of it is cut.
const LONG: u64 = 1 << 20;

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
    /// To count the tokens of `call`, of these words: the body as the client sent it, and what was
    /// delivered.
    pub fn of(call: &ClosedCall, body: Bytes, answer: Answer) -> Self {
        Self {
            operation: call.operation,
            body,
            answer,
            model: call.target.shared_model_sent(),
        }
    }

    fn size(&self) -> u64 {
        let body = u64::try_from(self.body.len()).unwrap_or(u64::MAX);
        body.saturating_add(self.answer.held_bytes())
            .saturating_add(JOB_BYTES)
    }

    fn usage(&self, encoding: Encoding) -> Usage {
        usage_in(&in_chat(self.operation, &self.body), &self.answer, encoding)
    }
}

/// Counts tokens on threads of its own, which begin with their first jobs: `nexus-estimate`, and
/// `nexus-estimate-long` for what is over a mebibyte. Each does short jobs first, so that a small chat does not
/// wait for many long ones. A clone is the same estimator.
///
/// Dropping the last clone lets the threads finish what is queued; [`close`](Self::close) awaits them.
#[derive(Clone)]
pub struct Estimator {
    shared: Arc<Shared>,
}

struct Shared {
    short: Arc<Lane<Box<Work>>>,
    long: Arc<Lane<Box<Work>>>,
    /// Bytes that wait, the jobs in work included.
    waiting: Arc<AtomicU64>,
    /// The encodings whose tables are loaded, each a bit.
    loaded: Arc<AtomicU8>,
    room: u64,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Nobody waits for the threads: they finish what they have.
        drop((self.short.close(), self.long.close()));
    }
}

struct Work {
    job: EstimateJob,
    done: Box<dyn FnOnce(Usage) + Send>,
    /// Gives the room back.
    room: Option<Room>,
    /// Where to note that the tables of its encoding are loaded.
    loaded: Arc<AtomicU8>,
}

/// A part of the bytes that may wait.
struct Room {
    waiting: Arc<AtomicU64>,
    size: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.size, Ordering::Relaxed);
    }
}

impl Work {
    fn finish(self, encoding: Encoding) {
        let Self {
            job, done, room, ..
        } = self;
        // A row waits for the figures: whatever happens to the counting, it gets some.
        let usage = isolate::call(|| job.usage(encoding))
            .or_else(|_| isolate::call(|| job.usage(Encoding::FourBytes)))
            .unwrap_or_default();
        drop(job);
        if isolate::call(|| done(usage)).is_err() {
            tracing::error!("whoever waited for a count of tokens panicked");
        }
        // Only now: what it was done for may be large, too.
        drop(room);
    }
}

impl Job for Box<Work> {
    fn run(self) {
        let encoding = Encoding::of(&self.job.model);
        let loaded = Arc::clone(&self.loaded);
        self.finish(encoding);
        loaded.fetch_or(encoding.bit(), Ordering::Relaxed);
    }
}

impl Default for Estimator {
    fn default() -> Self {
        Self::new()
    }
}

impl Estimator {
    /// An estimator without threads, until the first job.
    pub fn new() -> Self {
        Self::with_room(ROOM)
    }

    pub(super) fn with_room(room: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                short: Lane::new("nexus-estimate"),
                long: Lane::new("nexus-estimate-long"),
                waiting: Arc::default(),
                loaded: Arc::default(),
                room,
            }),
        }
    }

    /// Counts the tokens of `job` as [`usage`](super::usage) does, and calls `done` with them on a thread of
    /// the estimator's.
    ///
    /// Never waits, and needs no runtime: may be called from `Drop`. Where more than 64 MiB wait
    /// already, and after [`close`](Self::close), the caller does the counting at once, by a cheap
    /// rule: four bytes of text are a token. `done` must not block: other jobs wait behind it.
    pub fn submit(&self, job: EstimateJob, done: impl FnOnce(Usage) + Send + 'static) {
        if let Err(work) = self.queue(self.work(job, done)) {
            work.finish(Encoding::FourBytes);
        }
    }

    fn work(&self, job: EstimateJob, done: impl FnOnce(Usage) + Send + 'static) -> Box<Work> {
        Box::new(Work {
            job,
            done: Box::new(done),
            room: None,
            loaded: Arc::clone(&self.shared.loaded),
        })
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
            self.work(job, done).finish(Encoding::FourBytes);
        }
    }

    /// Gives the work back where it finds no room.
    fn queue(&self, mut work: Box<Work>) -> std::result::Result<(), Box<Work>> {
        let Shared {
            short,
            long,
            waiting,
            room,
            ..
        } = &*self.shared;
        let size = work.job.size();
        let before = waiting.fetch_add(size, Ordering::Relaxed);
        let taken = Room {
            waiting: Arc::clone(waiting),
            size,
        };
        // One that is larger than all the room is taken when nothing else is there.
        if before > 0 && before.saturating_add(size) > *room {
            return Err(work);
        }
        work.room = Some(taken);
        let lane = if size < LONG { short } else { long };
        lane.add(work, length(size))
    }

    /// Finishes what is queued, and awaits the threads' end. Later jobs are counted by the cheap rule.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when a thread died.
    ///
    /// # Cancel safety
    /// The threads go on to their end; nothing is lost but the waiting for them.
    pub async fn close(&self) -> Result<()> {
        let threads = [self.shared.short.close(), self.shared.long.close()];
        let joined = tokio::task::spawn_blocking(move || {
            let mut well = true;
            // All of them, whatever became of the first.
            for thread in threads.into_iter().flatten() {
                well &= thread.join().is_ok();
            }
            well
        });
        if joined.await.unwrap_or(false) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Internal,
            "a thread that counts tokens did not end well",
        ))
    }
}

/// About how long a job of `size` bytes takes: some 300 ns for a byte that is cut, 10 ns for one that is read.
fn length(size: u64) -> Duration {
    let cut = size.min(super::MOST_CUT_BYTES).saturating_mul(300);
    let nanos = cut.saturating_add(size.saturating_mul(10));
    Duration::from_nanos(nanos)
}
