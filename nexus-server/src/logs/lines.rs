//! Lines on their way to one place: a buffer, and the thread that empties it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::logs::counted::{Counted, Lost};

/// How many bytes wait for a disk or a terminal. A line that would exceed them is dropped.
const MAX_WAITING_BYTES: usize = 4 << 20;
/// How long lines gather before they are written: one wake-up of the thread for all of them.
const GATHER: Duration = Duration::from_millis(20);
/// A buffer that has grown beyond this is not kept.
const KEPT_BYTES: usize = 256 << 10;
/// How long the end of the program waits for a place that takes nothing.
const MAX_FLUSH: Duration = Duration::from_secs(1);

/// Takes lines without ever waiting for the place they go to. A clone is the same buffer.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// No more lines come.
    is_closed: bool,
    /// The thread has ended.
    is_over: bool,
}

/// Owns the thread. Dropped, it writes what waits, for at most a second.
pub(super) struct Writing(Lines);

impl Lines {
    /// Starts the thread that writes to `to`; it counts in `lost` what `to` does not take.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(
        to: impl Write + Send + 'static,
        lost: Lost,
    ) -> io::Result<(Self, Writing)> {
        let lines = Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            dropped: AtomicU64::new(0),
        }));
        let shared = Arc::clone(&lines.0);
        thread::Builder::new()
            .name("nexus-log".to_owned())
            .spawn(move || shared.write_all(Counted::new(to, lost)))?;
        Ok((lines.clone(), Writing(lines)))
    }

    /// Queues one line, with its newline.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.0.lock();
        if state.waiting.len() + line.len() > MAX_WAITING_BYTES {
            drop(state);
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let is_first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if is_first {
            self.0.changed.notify_all();
        }
    }

    /// How many lines found no room.
    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is half changed by a panic: each change is one call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, mut to: Counted<impl Write>) {
        let mut taken = Vec::new();
        loop {
            let state = self.lock();
            let waited = self
                .changed
                .wait_while(state, |state| state.waiting.is_empty() && !state.is_closed);
            let state = waited.unwrap_or_else(PoisonError::into_inner);
            // A close ends this wait too.
            let gathered = self
                .changed
                .wait_timeout_while(state, GATHER, |state| !state.is_closed);
            let (mut state, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut state.waiting, &mut taken);
            if taken.is_empty() && state.is_closed {
                state.is_over = true;
                drop(state);
                self.changed.notify_all();
                return;
            }
            drop(state);
            to.write_lines(&taken);
            taken.clear();
            taken.shrink_to(KEPT_BYTES);
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let shared = &self.0.0;
        let mut state = shared.lock();
        state.is_closed = true;
        shared.changed.notify_all();
        // A terminal that takes nothing does not keep the program alive.
        let _ = shared
            .changed
            .wait_timeout_while(state, MAX_FLUSH, |state| !state.is_over);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Takes nothing until it is let go.
    struct Stuck {
        go: mpsc::Receiver<()>,
        taken: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error: the other end is gone, and everything passes.
            let _ = self.go.recv();
            let _ = self.taken.send(bytes.to_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn stuck_place_holds_nobody_up_and_what_finds_no_room_is_counted() {
        let (release, go) = mpsc::channel();
        let (taken, written) = mpsc::channel();
        let (lines, writing) = Lines::start(Stuck { go, taken }, Lost::default()).unwrap();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let fitting = MAX_WAITING_BYTES / line.len();
        for _ in 0..3 * fitting {
            lines.push(&line);
        }
        // One buffer may be with the writer, another one waits.
        let dropped = usize::try_from(lines.dropped()).unwrap();
        assert!((fitting..=2 * fitting).contains(&dropped), "{dropped}");
        drop(release);
        drop(writing);
        let bytes: usize = written.iter().map(|piece| piece.len()).sum();
        assert_eq!(bytes, (3 * fitting - dropped) * line.len());
    }

    #[test]
    fn what_waits_is_written_at_the_end() {
        let (release, go) = mpsc::channel();
        drop(release);
        let (taken, written) = mpsc::channel();
        let (lines, writing) = Lines::start(Stuck { go, taken }, Lost::default()).unwrap();
        lines.push(b"first\n");
        lines.push(b"second\n");
        drop(writing);
        let all: Vec<u8> = written.iter().flatten().collect();
        assert_eq!(all, b"first\nsecond\n");
    }
}
