use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A job's deadline is its arrival plus this many times its own length. Shorter jobs that arrive
/// before run first, so no job starves.
const PATIENCE: u32 = 8;

/// Work for a lane's thread.
pub(super) trait Job: Send + 'static {
    /// Runs it.
    fn run(self);
}

/// Jobs that one thread runs, short ones first. The thread starts with the first job.
///
/// Callers of [`add`](Self::add) must bound the queue.
pub(super) struct Lane<J> {
    name: &'static str,
    state: Mutex<State<J>>,
    /// Notified when a job is added, or the lane is closed.
    changed: Condvar,
}

struct State<J> {
    waiting: BinaryHeap<Waiting<J>>,
    thread: Thread,
    /// Numbers the jobs, to keep equal ones in order.
    count: u64,
}

enum Thread {
    /// No job yet.
    Unborn,
    Running(JoinHandle<()>),
    /// The thread ends when nothing is left.
    Closed,
}

struct Waiting<J> {
    /// Its deadline to start.
    due: Instant,
    number: u64,
    job: J,
}

impl<J: Job> Lane<J> {
    /// A lane whose thread is called `name`.
    pub(super) fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            name,
            state: Mutex::new(State {
                waiting: BinaryHeap::new(),
                thread: Thread::Unborn,
                count: 0,
            }),
            changed: Condvar::new(),
        })
    }

    /// Queues `job`, which takes about as long as `length`. Returns it if there is no thread for
    /// it.
    pub(super) fn add(self: &Arc<Self>, job: J, length: Duration) -> Result<(), J> {
        let mut state = self.lock();
        if let Thread::Unborn = state.thread {
            let lane = Arc::clone(self);
            let thread = std::thread::Builder::new().name(self.name.to_owned());
            match thread.spawn(move || lane.run()) {
                Ok(thread) => state.thread = Thread::Running(thread),
                Err(error) => {
                    tracing::warn!(%error, "no thread for counting tokens could be started");
                    return Err(job);
                }
            }
        }
        if let Thread::Closed = state.thread {
            return Err(job);
        }
        state.count += 1;
        let number = state.count;
        let due = due(Instant::now(), length);
        state.waiting.push(Waiting { due, number, job });
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Accepts no more jobs. The thread, if there is one, ends after the last.
    pub(super) fn close(&self) -> Option<JoinHandle<()>> {
        let thread = std::mem::replace(&mut self.lock().thread, Thread::Closed);
        self.changed.notify_one();
        match thread {
            Thread::Running(thread) => Some(thread),
            Thread::Unborn | Thread::Closed => None,
        }
    }

    fn run(&self) {
        while let Some(job) = self.next() {
            // A panic in one job does not affect the others.
            if catch_unwind(AssertUnwindSafe(|| job.run())).is_err() {
                tracing::error!("the tokens of a call could not be counted");
            }
        }
    }

    /// The next job; `None` after the last.
    fn next(&self) -> Option<J> {
        let mut state = self.lock();
        loop {
            if let Some(waiting) = state.waiting.pop() {
                return Some(waiting.job);
            }
            if let Thread::Closed = state.thread {
                return None;
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        // No code panics while it holds the lock, and the data is consistent between statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn due(came: Instant, length: Duration) -> Instant {
    came + length * PATIENCE
}

impl<J> Waiting<J> {
    fn rank(&self) -> (Instant, u64) {
        (self.due, self.number)
    }
}

impl<J> Ord for Waiting<J> {
    /// The greatest runs first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank().cmp(&self.rank())
    }
}

impl<J> PartialOrd for Waiting<J> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<J> PartialEq for Waiting<J> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<J> Eq for Waiting<J> {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    impl Job for Box<dyn FnOnce() + Send> {
        fn run(self) {
            self();
        }
    }

    type Boxed = Box<dyn FnOnce() + Send>;

    fn add(lane: &Arc<Lane<Boxed>>, length: u64, job: impl FnOnce() + Send + 'static) {
        let added = lane.add(Box::new(job), Duration::from_secs(length));
        assert!(added.is_ok());
    }

    /// The order in which jobs of these lengths run if all are queued when the thread becomes free.
    fn order(lengths: &[u64]) -> Vec<usize> {
        let lane = Lane::new("lane");
        let (done, order) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        add(&lane, 0, move || released.recv().unwrap());
        for (job, length) in lengths.iter().enumerate() {
            let done = done.clone();
            add(&lane, *length, move || done.send(job).unwrap());
        }
        release.send(()).unwrap();
        lane.close().unwrap().join().unwrap();
        assert!(lane.add(Box::new(|| {}), Duration::ZERO).is_err());
        drop(done);
        order.iter().collect()
    }

    #[test]
    fn short_jobs_go_first_and_others_in_the_order_in_which_they_came() {
        assert_eq!(order(&[30, 30, 1, 20, 1]), [2, 4, 3, 0, 1]);
    }

    #[test]
    fn a_long_job_does_not_wait_for_all_that_come_later() {
        let now = Instant::now();
        let waiting = |after_ms: u64, length_ms: u64| Waiting {
            due: due(
                now + Duration::from_millis(after_ms),
                Duration::from_millis(length_ms),
            ),
            number: 1,
            job: (),
        };
        assert!(waiting(700, 1) > waiting(0, 100));
        assert!(waiting(800, 1) < waiting(0, 100));
    }

    #[test]
    fn a_job_that_panics_takes_no_other_along() {
        let lane = Lane::new("lane");
        let (done, order) = mpsc::channel();
        add(&lane, 0, || panic!("as the test wants"));
        add(&lane, 0, move || done.send(2).unwrap());
        lane.close().unwrap().join().unwrap();
        assert_eq!(order.iter().collect::<Vec<_>>(), [2]);
    }
}
