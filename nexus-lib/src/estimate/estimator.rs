use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::encoding::Encoding;
use super::lane::{Job, Lane};
use super::usage_in;
use crate::call::{ClosedCall, Prompt};
use crate::error::{Error, ErrorKind, Result};
use crate::isolate;
use crate::transcript::Delivered;
use crate::wire::Usage;

/// How many bytes may wait to be counted.
const ROOM: u64 = 64 << 20;

/// If more than this is queued, an urgent job does not wait.
const HASTY_ROOM: u64 = 1 << 20;

/// What a queued job counts besides its bytes: bounds the number of jobs.
const JOB_BYTES: u64 = 512;

/// Jobs of at least this many bytes run on a thread of their own: reading them takes long, however
/// little is tokenized.
const LONG: u64 = 1 << 20;

/// A call whose tokens have to be counted.
#[non_exhaustive]
pub struct EstimateJob {
    /// What was asked: a chat.
    pub asked: Prompt,
    /// What was delivered.
    pub answer: Delivered,
    /// The provider's name for the model, which selects the encoding.
    pub model: Arc<str>,
}

opaque_debug!(EstimateJob);

impl EstimateJob {
    /// To count the tokens of `call`, of these words: what the model was asked, and what was
    /// delivered.
    pub fn of(call: &ClosedCall, asked: Prompt, answer: Delivered) -> Self {
        Self {
            asked,
            answer,
            model: call.target.shared_model_sent(),
        }
    }

    fn size(&self) -> u64 {
        let asked = self.asked.held_bytes();
        asked
            .saturating_add(self.answer.held_bytes())
            .saturating_add(JOB_BYTES)
    }

    fn usage(&self, encoding: Encoding) -> Usage {
        usage_in(&self.asked.in_chat(), &self.answer, encoding)
    }
}

/// Counts tokens on its own threads, which start with their first job: `nexus-estimate`, and
/// `nexus-estimate-long` for jobs over a mebibyte. Each runs short jobs first, so that a small chat
/// does not wait for many long ones. A clone is the same estimator.
///
/// When the last clone is dropped, the threads still finish what is queued; [`close`](Self::close)
/// awaits them.
#[derive(Clone)]
pub struct Estimator {
    shared: Arc<Shared>,
}

opaque_debug!(Estimator);

struct Shared {
    short: Arc<Lane<Box<Work>>>,
    long: Arc<Lane<Box<Work>>>,
    /// Bytes that are queued, including running jobs.
    waiting: Arc<AtomicU64>,
    /// The encodings whose tables are loaded, one bit each.
    loaded: Arc<AtomicU8>,
    room: u64,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The threads are not joined: they finish what is queued.
        drop((self.short.close(), self.long.close()));
    }
}

struct Work {
    job: EstimateJob,
    done: Box<dyn FnOnce(Usage) + Send>,
    /// Returns its share of the queue on drop.
    room: Option<Room>,
    /// Where to note that the tables of its encoding are loaded.
    loaded: Arc<AtomicU8>,
}

/// A share of the queue's bytes.
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
        // A row waits for the figures, so it must get some, whatever happens here.
        let usage = isolate::call(|| job.usage(encoding))
            .or_else(|_| isolate::call(|| job.usage(Encoding::FourBytes)))
            .unwrap_or_default();
        drop(job);
        if isolate::call(|| done(usage)).is_err() {
            tracing::error!("the receiver of a token count panicked");
        }
        // Not earlier: what `done` received may be large too.
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
    /// An estimator. Its threads start with the first job.
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

    /// Counts the tokens of `job` as [`usage`](super::usage) does, and calls `done` with them on a
    /// thread of the estimator.
    ///
    /// Never waits, and needs no runtime: may be called from `Drop`. If more than 64 MiB are
    /// queued, and after [`close`](Self::close), the caller counts at once by a cheap rule: one
    /// token per four bytes of text. `done` must not block: other jobs wait behind it.
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

    /// Like [`submit`](Self::submit), for a call that ends because the gateway shuts down: its
    /// client must get its answer within a second. Loading an encoding's tables may take longer, so
    /// the cheap rule is used if they are not loaded yet or if others wait.
    pub fn submit_in_haste(&self, job: EstimateJob, done: impl FnOnce(Usage) + Send + 'static) {
        let encoding = Encoding::of(&job.model);
        let is_loaded = self.shared.loaded.load(Ordering::Relaxed) & encoding.bit() != 0;
        if is_loaded && self.shared.waiting.load(Ordering::Relaxed) < HASTY_ROOM {
            self.submit(job, done);
        } else {
            self.work(job, done).finish(Encoding::FourBytes);
        }
    }

    /// Returns the work if there is no room for it.
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
        // A job larger than the whole queue is accepted when the queue is empty.
        if before > 0 && before.saturating_add(size) > *room {
            return Err(work);
        }
        work.room = Some(taken);
        let lane = if size < LONG { short } else { long };
        lane.add(work, length(size))
    }

    /// Finishes what is queued and awaits the threads. Later jobs are counted by the cheap rule.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when a thread died.
    ///
    /// # Cancel safety
    /// If dropped, the threads still finish; only the waiting is lost.
    pub async fn close(&self) -> Result<()> {
        let threads = [self.shared.short.close(), self.shared.long.close()];
        let joined = tokio::task::spawn_blocking(move || {
            let mut well = true;
            // Join all of them, even if the first one failed.
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
            "a token counting thread panicked",
        ))
    }
}

/// About how long a job of `size` bytes takes: 300 ns for each tokenized byte, 10 ns for each byte
/// read.
fn length(size: u64) -> Duration {
    let cut = size.min(super::MAX_CUT_BYTES).saturating_mul(300);
    let nanos = cut.saturating_add(size.saturating_mul(10));
    Duration::from_nanos(nanos)
}
