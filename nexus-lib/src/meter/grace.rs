use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// The length of a tick. A grace period ends at the second tick: after one to two of these.
const TICK: Duration = Duration::from_millis(3);

/// How many ticks the clock continues without being used.
const IDLE_TICKS: u32 = 100;

/// How long an upstream may take before its call's row is written without the answer. Most take
/// longer, so that the row is there when the answer arrives; a faster call is written once.
///
/// One coarse clock for all calls: a timer for each would wake the runtime's driver once per call.
/// It stops while there are no calls.
#[derive(Clone)]
pub(super) struct Grace(Arc<Clock>);

struct Clock {
    hands: Arc<Hands>,
    task: AbortHandle,
}

struct Hands {
    tick: Notify,
    /// It was used since the last tick.
    watched: AtomicBool,
    stopped: AtomicBool,
    start: Notify,
}

impl Grace {
    /// Must be called on a tokio runtime: the clock is a task of it, and ends with the last clone.
    pub(super) fn new() -> Self {
        let hands = Arc::new(Hands {
            tick: Notify::new(),
            watched: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            start: Notify::new(),
        });
        let task = tokio::spawn(go(Arc::clone(&hands))).abort_handle();
        Self(Arc::new(Clock { hands, task }))
    }

    /// Resolves once a grace period that started at the first poll has ended.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    pub(super) async fn over(&self) {
        let hands = &self.0.hands;
        hands.watched.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            let tick = hands.tick.notified();
            if hands.stopped.swap(false, Ordering::SeqCst) {
                hands.start.notify_one();
            }
            tick.await;
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn go(hands: Arc<Hands>) {
    let mut idle = 0;
    loop {
        tokio::time::sleep(TICK).await;
        hands.tick.notify_waiters();
        idle = match hands.watched.swap(false, Ordering::SeqCst) {
            true => 0,
            false => idle + 1,
        };
        if idle > IDLE_TICKS {
            hands.stopped.store(true, Ordering::SeqCst);
            // A caller between the two lines above did not notice that it stopped.
            if !hands.watched.load(Ordering::SeqCst) {
                hands.start.notified().await;
            }
            hands.stopped.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}
