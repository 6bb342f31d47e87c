use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::ArchiveRecord;
use crate::error::{Error, ErrorKind, Result};

/// What a record counts besides its bytes.
const RECORD_BYTES: u64 = 512;

/// When admission waits, and when it fails.
pub(super) struct Limits {
    pub(super) bytes: u64,
    pub(super) records: usize,
    /// How long writing may fail.
    pub(super) patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            records: 16 << 10,
            patience: Duration::from_secs(10),
        }
    }
}

/// Records that wait to be written.
pub(super) struct Queue {
    pub(super) limits: Limits,
    pending: Mutex<Pending>,
    /// Notified when something was queued or the queue was closed: the thread waits for it.
    filled: Condvar,
    /// Notified when something was written or the disk's state changed: tasks wait for it.
    moved: Notify,
}

#[derive(Default)]
struct Pending {
    records: VecDeque<ArchiveRecord>,
    /// Bytes and records that were pushed and not yet written, including those that the thread has.
    bytes: u64,
    unwritten: usize,
    pushed: u64,
    written: u64,
    disk: Disk,
    closed: bool,
    ended: bool,
}

impl Pending {
    fn check_writes(&self) -> Result<()> {
        match self.disk {
            _ if self.closed => Err(closed()),
            _ if self.ended => Err(thread_died()),
            Disk::RefusesLong => Err(disk_refuses()),
            Disk::Writes | Disk::Refuses => Ok(()),
        }
    }
}

/// The state of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Disk {
    #[default]
    Writes,
    Refuses,
    /// Failing for longer than callers may wait.
    RefusesLong,
}

/// What the thread should do next.
pub(super) enum Next {
    Record(ArchiveRecord),
    /// The queue is empty.
    Pause,
    End,
}

pub(super) fn size(record: &ArchiveRecord) -> u64 {
    let asked = record.asked.held_bytes();
    asked
        .saturating_add(record.answer.held_bytes())
        .saturating_add(RECORD_BYTES)
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            pending: Mutex::default(),
            filled: Condvar::new(),
            moved: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // No code panics while it holds the lock, and the data is consistent between statements.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn admit(&self) -> Result<()> {
        self.until(|pending| {
            if let Err(error) = pending.check_writes() {
                return Some(Err(error));
            }
            let Limits { bytes, records, .. } = self.limits;
            (pending.bytes < bytes && pending.unwritten < records).then_some(Ok(()))
        })
        .await
    }

    pub(super) fn check_writes(&self) -> Result<()> {
        self.lock().check_writes()
    }

    /// Resolves when what is queued now has been written, or writing fails.
    pub(super) async fn written(&self) {
        let pushed = self.lock().pushed;
        self.until(|pending| {
            let stuck = pending.ended || pending.disk != Disk::Writes;
            (pending.written >= pushed || stuck).then_some(())
        })
        .await;
    }

    /// Waits until `decide` returns a value.
    async fn until<T>(&self, decide: impl Fn(&Pending) -> Option<T>) -> T {
        loop {
            let mut moved = pin!(self.moved.notified());
            // Registered before the check, so that no wake-up is missed.
            moved.as_mut().enable();
            let decision = decide(&self.lock());
            match decision {
                Some(decision) => return decision,
                None => moved.await,
            }
        }
    }

    pub(super) fn push(&self, record: ArchiveRecord) {
        let mut pending = self.lock();
        if pending.ended {
            drop(pending);
            tracing::error!(
                request_id = %record.request_id,
                "a call ended after the archive was closed"
            );
            return;
        }
        pending.bytes = pending.bytes.saturating_add(size(&record));
        pending.unwritten += 1;
        pending.pushed += 1;
        pending.records.push_back(record);
        drop(pending);
        self.filled.notify_one();
    }

    /// The next step, without waiting.
    pub(super) fn next(&self) -> Next {
        let mut pending = self.lock();
        match pending.records.pop_front() {
            Some(record) => Next::Record(record),
            None if pending.closed => Next::End,
            None => Next::Pause,
        }
    }

    /// Blocks the thread until something is queued, the queue is closed, or `deadline`.
    pub(super) fn wait(&self, deadline: Option<Instant>) {
        let mut pending = self.lock();
        while pending.records.is_empty() && !pending.closed {
            let rest = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            pending = match rest {
                Some(Duration::ZERO) => return,
                Some(rest) => {
                    let woken = self.filled.wait_timeout(pending, rest);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let woken = self.filled.wait(pending);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    /// Blocks the thread between two tries; returns whether the queue is closed.
    pub(super) fn rest(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        let mut pending = self.lock();
        let was_closed = pending.closed;
        loop {
            let rest = end.saturating_duration_since(Instant::now());
            // `close` may wait for the end: try once more at once.
            if rest.is_zero() || pending.closed != was_closed {
                return pending.closed;
            }
            let woken = self.filled.wait_timeout(pending, rest);
            pending = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Frees the room of records that were written.
    pub(super) fn release(&self, records: usize, bytes: u64) {
        let mut pending = self.lock();
        pending.bytes = pending.bytes.saturating_sub(bytes);
        pending.unwritten = pending.unwritten.saturating_sub(records);
        pending.written += u64::try_from(records).unwrap_or(u64::MAX);
        drop(pending);
        self.moved.notify_waiters();
    }

    pub(super) fn set_disk(&self, disk: Disk) {
        self.lock().disk = disk;
        self.moved.notify_waiters();
    }

    /// Admits nothing more; what is queued is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
        self.moved.notify_waiters();
    }

    /// Notes that nothing more will be written; returns how many records were not written.
    pub(super) fn end(&self) -> u64 {
        let mut pending = self.lock();
        pending.ended = true;
        pending.records.clear();
        let lost = u64::try_from(pending.unwritten).unwrap_or(u64::MAX);
        drop(pending);
        self.moved.notify_waiters();
        lost
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Closed,
        "the gateway is shutting down; try another or try again later",
    )
}

fn thread_died() -> Error {
    Error::new(
        ErrorKind::LedgerUnavailable,
        "the message archive has failed, so requests are rejected; the operator must restart the \
         gateway",
    )
    .with_retry_after(Duration::from_secs(1))
}

fn disk_refuses() -> Error {
    Error::new(
        ErrorKind::LedgerUnavailable,
        "the message archive cannot be written at the moment, so requests are rejected; try again \
         shortly",
    )
    .with_retry_after(Duration::from_secs(1))
}
