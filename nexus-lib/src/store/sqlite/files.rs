//! Checks that the open files are still the ones that the next start will find.
//!
//! The operating system keeps a file for processes that have it open, even after it was deleted. So
//! a store whose database was removed, moved or replaced would continue as before, and everything
//! written would be lost at the next start. Comparing names, sizes and times detects this.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use rusqlite::Connection;

use super::connection::open_reader;
use super::lock::{Lock, beside};
use crate::error::{Error, ErrorKind, Result};

/// The overhead of each page in the write-ahead log, and of the log itself.
const FRAME_HEAD_BYTES: u64 = 24;
const LOG_HEAD_BYTES: u64 = 32;

/// The files of one open database.
pub(super) struct Files {
    path: PathBuf,
    /// Gone when the store is closed; has a handle of the database.
    lock: Weak<Lock>,
    known: Mutex<Known>,
    is_lost: AtomicBool,
}

/// What was found last.
struct Known {
    database: Seen,
    content: Content,
    /// The write-ahead log and its index, once they were seen.
    log: (PathBuf, Option<Seen>),
    index: (PathBuf, Option<Seen>),
    /// Permanent: an overwritten file does not recover.
    overwritten: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    identity: (u64, u64),
    bytes: u64,
    modified: Option<SystemTime>,
}

/// What is wrong with a file.
enum Loss {
    /// It is missing, but may come back.
    Gone(String),
    /// Another program changed its content.
    Overwritten(&'static str),
}

impl Files {
    /// The files of the database at `path`, which is locked by `lock` and open in `connection`.
    pub(super) fn new(
        path: &Path,
        lock: &Arc<Lock>,
        connection: &Connection,
    ) -> rusqlite::Result<Self> {
        let seen = lock.database().metadata().map(|file| Seen::of(&file));
        let nothing = Seen {
            identity: (0, 0),
            bytes: 0,
            modified: None,
        };
        let known = Known {
            database: seen.unwrap_or(nothing),
            content: Content::of(connection)?,
            log: (beside(path, "-wal"), None),
            index: (beside(path, "-shm"), None),
            overwritten: None,
        };
        Ok(Self {
            path: path.to_owned(),
            lock: Arc::downgrade(lock),
            known: Mutex::new(known),
            is_lost: AtomicBool::new(false),
        })
    }

    /// Whether the last check found a problem.
    ///
    /// # Errors
    /// An error of `kind` if so.
    pub(super) fn check(&self, kind: ErrorKind) -> Result<()> {
        match self.is_lost.load(Ordering::Acquire) {
            true => Err(Error::new(
                kind,
                "the database was removed, moved or changed by another program; ask the operator \
                 to check the gateway's log",
            )),
            false => Ok(()),
        }
    }

    /// Checks the files, and keeps the result for [`check`](Self::check). Blocks.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] while a file is missing, [`ErrorKind::StoreInvalid`]
    /// permanently if one was overwritten.
    pub(super) fn look(&self) -> Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let looked = match known.overwritten {
            Some(what) => Err(Loss::Overwritten(what)),
            None => self.compare(&mut known),
        };
        if let Err(Loss::Overwritten(what)) = looked {
            known.overwritten = Some(what);
        }
        drop(known);
        self.is_lost.store(looked.is_err(), Ordering::Release);
        let path = self.path.display();
        looked.map_err(|loss| match loss {
            Loss::Gone(what) => Error::new(
                ErrorKind::StoreUnavailable,
                format!(
                    "{path}: {what}. Put the same file back and it is used again; to go on with \
                     another one, restart the gateway"
                ),
            ),
            Loss::Overwritten(what) => Error::new(
                ErrorKind::StoreInvalid,
                format!(
                    "{path}: {what}. What it held may be lost: stop the gateway, restore the database \
                     from a backup, start it again"
                ),
            ),
        })
    }

    fn compare(&self, known: &mut Known) -> Result<(), Loss> {
        let Some(lock) = self.lock.upgrade() else {
            // The store is closed: the files may belong to another process.
            return Ok(());
        };
        let seen = find(&self.path, "the database")?;
        if seen.identity != known.database.identity {
            return Err(Loss::Gone("another file is in its place".to_owned()));
        }
        lock.renew(&self.path)
            .map_err(|error| Loss::Gone(error.to_string()))?;
        compare_beside(&mut known.index, "the index of its write-ahead log")?;
        let log = known.log.1;
        let now = compare_beside(&mut known.log, "its write-ahead log")?;
        if let (Some(log), Some(now)) = (log, now)
            && now.bytes < log.bytes
            && self.is_log_short(now.bytes)
        {
            return Err(Loss::Overwritten("its write-ahead log was truncated"));
        }
        if seen != known.database {
            self.compare_content(known, seen)?;
            known.database = seen;
        }
        Ok(())
    }

    /// Whether the log lacks frames that its index contains. A checkpointed log may be truncated.
    fn is_log_short(&self, bytes: u64) -> bool {
        let frames = open_reader(&self.path).and_then(|view| {
            let page_bytes = page_bytes(&view)?;
            let frames: i64 =
                view.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1))?;
            Ok((u64::try_from(frames).unwrap_or(0), page_bytes))
        });
        let Ok((frames, page_bytes)) = frames else {
            return true;
        };
        let whole = frames.saturating_mul(page_bytes + FRAME_HEAD_BYTES);
        frames > 0 && bytes < whole.saturating_add(LOG_HEAD_BYTES)
    }

    /// The file was modified: by a checkpoint, or by another program. A separate connection reads
    /// it again.
    fn compare_content(&self, known: &mut Known, seen: Seen) -> Result<(), Loss> {
        let content = open_reader(&self.path).and_then(|mut reader| {
            let view = reader.transaction()?;
            Content::of(&view)
        });
        let content = match content {
            Ok(content) => content,
            Err(error) => return trouble(&error),
        };
        let before = &known.content;
        if content.canary != before.canary {
            return Err(Loss::Overwritten("another database was written over it"));
        }
        if content.is_older_than(before) {
            return Err(Loss::Overwritten("an older copy was written over it"));
        }
        // Another program may have vacuumed it, which increases its schema version.
        let is_shorter = seen.bytes < known.database.bytes;
        if is_shorter && (content.schema == before.schema || seen.bytes < content.bytes) {
            return Err(Loss::Overwritten(
                "it was truncated, or an older copy was written over it",
            ));
        }
        known.content = content;
        Ok(())
    }
}

/// Identifies a database, and separates it from older copies of itself.
struct Content {
    /// Sealed in this database, and in no other.
    canary: Option<Vec<u8>>,
    /// These only increase.
    schema: i64,
    revision: i64,
    newest_row: Option<i64>,
    /// The length in its header.
    bytes: u64,
}

impl Content {
    fn of(view: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT canary, revision, (SELECT MAX(seq) FROM ledger) FROM meta";
        let (canary, revision, newest_row) =
            view.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let pages: i64 = view.pragma_query_value(None, "page_count", |row| row.get(0))?;
        Ok(Self {
            canary,
            schema: view.pragma_query_value(None, "schema_version", |row| row.get(0))?,
            revision,
            newest_row,
            bytes: u64::try_from(pages)
                .unwrap_or(0)
                .saturating_mul(page_bytes(view)?),
        })
    }

    fn is_older_than(&self, before: &Self) -> bool {
        self.schema < before.schema
            || self.revision < before.revision
            || self.newest_row < before.newest_row
    }
}

impl Seen {
    fn of(file: &Metadata) -> Self {
        Self {
            identity: identity(file),
            bytes: file.len(),
            modified: file.modified().ok(),
        }
    }
}

/// Two names with the same identity are one file.
#[cfg(unix)]
pub(super) fn identity(file: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Without one, a file is the same if its creation time is.
#[cfg(not(unix))]
pub(super) fn identity(file: &Metadata) -> (u64, u64) {
    let made = file.created().ok();
    let made = made.and_then(|made| made.duration_since(SystemTime::UNIX_EPOCH).ok());
    (0, made.map_or(0, |made| made.as_secs()))
}

fn find(path: &Path, what: &str) -> Result<Seen, Loss> {
    match fs::metadata(path) {
        Ok(file) => Ok(Seen::of(&file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Loss::Gone(format!("{what} was removed or moved away")))
        }
        Err(error) => Err(Loss::Gone(format!("{what} cannot be found: {error}"))),
    }
}

fn page_bytes(view: &Connection) -> rusqlite::Result<u64> {
    let bytes: i64 = view.pragma_query_value(None, "page_size", |row| row.get(0))?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// What it means if the file could not be read.
fn trouble(error: &rusqlite::Error) -> Result<(), Loss> {
    use rusqlite::ErrorCode as C;
    let code = error.sqlite_error_code();
    match code {
        // For example locked by another program: the next check will find out.
        Some(C::DatabaseBusy | C::DatabaseLocked | C::OutOfMemory) => Ok(()),
        Some(C::CannotOpen | C::SystemIoFailure) => {
            Err(Loss::Gone(format!("it cannot be read: {error}")))
        }
        _ => Err(Loss::Overwritten("it was truncated or overwritten")),
    }
}

/// Compares a file next to the database with its last known state, and returns its current one. A
/// file that was never seen need not exist.
fn compare_beside(
    (path, before): &mut (PathBuf, Option<Seen>),
    what: &str,
) -> Result<Option<Seen>, Loss> {
    let now = match find(path, what) {
        Ok(now) => now,
        Err(_) if before.is_none() => return Ok(None),
        Err(loss) => return Err(loss),
    };
    if before.is_some_and(|before| before.identity != now.identity) {
        return Err(Loss::Gone(format!(
            "another file is in the place of {what}"
        )));
    }
    *before = Some(now);
    Ok(Some(now))
}
