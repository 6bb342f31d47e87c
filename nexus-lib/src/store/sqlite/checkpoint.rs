use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::Durability;
use super::connection::open_checkpointer;
use super::error::fold;
use crate::error::{Error, ErrorKind, Result};

/// Pages (of 4 KiB) after which the write-ahead log is checkpointed.
const DUE: u32 = 4000;

/// Pages at which a commit waits for the checkpoint, so that the log is bounded however slow the
/// disk is.
const LONGEST_LOG: u32 = 4 * DUE;

/// Checkpoints the write-ahead log on its own thread, so that no commit waits for the disk on
/// behalf of thousands.
///
/// The log only restarts when all of it was checkpointed and nothing was written since. So the
/// writing thread checkpoints the few new pages between two commits.
pub(super) struct Checkpoints {
    shared: Arc<Shared>,
    /// Requests a checkpoint; the thread ends when this is dropped.
    requests: SyncSender<()>,
    thread: JoinHandle<()>,
    /// The log length at which the next checkpoint is due.
    due: u32,
    /// The log length when last checked.
    length: u32,
    under_way: bool,
}

struct Shared {
    /// The log's length in pages after the last commit.
    log_pages: AtomicU32,
    /// The requested checkpoint is done.
    done: AtomicBool,
    connection: Mutex<Connection>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves what no reader needs any more from the log to the database. Commits continue
    /// meanwhile.
    fn fold(&self) {
        let folded = self
            .lock()
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = folded {
            let error = fold(error);
            tracing::warn!(
                error = error.report(),
                "the write-ahead log could not be truncated"
            );
        }
    }
}

impl Checkpoints {
    /// Replaces SQLite's own checkpoints, which run within a commit of `writer`.
    pub(super) fn start(
        writer: &mut Connection,
        path: &Path,
        durability: Durability,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            log_pages: AtomicU32::new(0),
            done: AtomicBool::new(false),
            connection: Mutex::new(open_checkpointer(path, durability).map_err(fold)?),
        });
        let told = Arc::clone(&shared);
        let hook = move |_: &mut _, pages| {
            let pages = u32::try_from(pages).unwrap_or(0);
            told.log_pages.store(pages, Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(fold)?;
        let (requests, requested) = mpsc::sync_channel(1);
        let asked = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("nexus-checkpoint".to_owned())
            .spawn(move || {
                while requested.recv().is_ok() {
                    asked.fold();
                    asked.done.store(true, Ordering::Release);
                }
            })
            .map_err(|error| {
                Error::new(ErrorKind::StoreUnavailable, "no thread for the store")
                    .with_source(error)
            })?;
        Ok(Self {
            shared,
            requests,
            thread,
            due: DUE,
            length: 0,
            under_way: false,
        })
    }

    /// Must be called by the writing thread between commits.
    pub(super) fn after_commit(&mut self) {
        let pages = self.shared.log_pages.load(Ordering::Relaxed);
        if pages < self.length {
            self.due = DUE;
        }
        self.length = pages;
        if self.under_way {
            if !self.shared.done.load(Ordering::Acquire) && pages < LONGEST_LOG {
                return;
            }
            self.shared.fold();
            self.under_way = false;
            // If a reader has prevented a restart of the log, do not retry at every commit.
            self.due = pages.saturating_add(DUE);
        } else if pages >= self.due {
            self.shared.done.store(false, Ordering::Relaxed);
            self.under_way = self.requests.try_send(()).is_ok();
        }
    }

    /// Awaits the running checkpoint, and closes the file. Blocks.
    pub(super) fn close(self) {
        drop(self.requests);
        if self.thread.join().is_err() {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database with a table, and its checkpoints.
    fn place() -> (tempfile::TempDir, Connection, Checkpoints) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nexus.db");
        let mut writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (bytes BLOB)")
            .unwrap();
        let checkpoints = Checkpoints::start(&mut writer, &path, Durability::Process).unwrap();
        (folder, writer, checkpoints)
    }

    /// Commits about 100 pages; returns the log's length.
    fn commit(writer: &Connection, checkpoints: &mut Checkpoints) -> u32 {
        writer
            .execute("INSERT INTO t VALUES (zeroblob(400000))", [])
            .unwrap();
        checkpoints.after_commit();
        checkpoints.length
    }

    #[test]
    fn commits_go_on_during_a_checkpoint_and_the_log_begins_anew_after_it() {
        let (_folder, writer, mut checkpoints) = place();
        let shared = Arc::clone(&checkpoints.shared);
        let held = shared.lock();
        while commit(&writer, &mut checkpoints) < 2 * DUE {}
        assert!(checkpoints.under_way);
        drop(held);
        let mut length = 2 * DUE;
        while length >= DUE {
            assert!(length < LONGEST_LOG + 200, "{length}");
            length = commit(&writer, &mut checkpoints);
        }
        checkpoints.close();
    }

    #[test]
    fn reader_that_stays_keeps_the_log_and_holds_nobody_up() {
        let (folder, writer, mut checkpoints) = place();
        let reader = Connection::open(folder.path().join("nexus.db")).unwrap();
        reader
            .execute_batch("BEGIN; SELECT COUNT(*) FROM t")
            .unwrap();
        while commit(&writer, &mut checkpoints) < 2 * LONGEST_LOG {}
        reader.execute_batch("COMMIT").unwrap();
        let mut commits = 0;
        while commit(&writer, &mut checkpoints) >= DUE {
            commits += 1;
            assert!(commits < 2 * DUE / 100, "the log never begins anew");
        }
        checkpoints.close();
    }
}
