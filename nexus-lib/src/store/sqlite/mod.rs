//! The embedded store: one SQLite file.
//!
//! One thread owns the connection that writes and runs one job after the other, each a transaction
//! of its own; another thread folds its write-ahead log into the file; readers have a few
//! connections of their own and, by the write-ahead log, never wait for it. Nothing here blocks a
//! worker of the runtime, and dropping a store blocks nobody: its thread finishes what is queued
//! and ends by itself.
//!
//! One store at a time has a database; its lock goes with the process. Others may read it
//! meanwhile. Should a file be removed, moved or written over under it, nothing is written any
//! more: see `files`.
//!
//! Refused at the opening, with the file left as it was: a file that is no database or is damaged,
//! one of another program, one with a newer schema, one whose secrets the given master key does not
//! open; and to make a new one beside the key file of an older one.

mod append;
mod checkpoint;
mod connection;
mod conversation;
mod error;
mod files;
mod inspect;
mod latencies;
mod ledger;
mod ledger_row;
mod lock;
mod options;
mod outbox;
mod read_pool;
mod recalled;
mod recover;
mod registry;
mod schema;
mod start;
mod statistics;
mod tries;
mod usage_by_key;
mod usage_by_time;
mod writer;

pub use inspect::Inspected;
pub use options::{Durability, SqliteOptions};

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use tokio::sync::watch;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::MasterKey;
use error::Failure;
use files::Files;
use read_pool::ReadPool;
use recover::RowOwner;
use writer::Writer;

/// A [`Store`](crate::Store) in one SQLite file. A clone is the same store.
///
/// ```
/// use nexus_lib::store::{LedgerStore, Owners, SqliteStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> nexus_lib::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("nexus.db");
/// let store = SqliteStore::open(path).await?;
/// assert_eq!(store.recover(Owners::Gone).await?, 0);
/// store.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    master_key: MasterKey,
    /// The registry's revision, as committed.
    revision: watch::Sender<u64>,
    /// The gateways that had open rows when the store was opened: as one process has it at a time,
    /// they are gone, and the ids of others are new.
    gone: Vec<RowOwner>,
    /// Whether settled rows are noted in the outbox.
    is_kept: AtomicBool,
    writer: Writer,
    /// None where the database is in memory: then its one connection reads, too.
    disk: Option<Disk>,
}

/// What a database in a file has besides the connection that writes.
struct Disk {
    files: Files,
    readers: Arc<ReadPool>,
}

impl SqliteStore {
    /// Opens the database at `path`, making it, its folders and the file `master.key` beside it
    /// where they are missing. [`options`](Self::options) says more.
    ///
    /// A file of up to 8 MiB is checked in full first; of a larger one, for which that would take
    /// too long, only head and schema. Damage elsewhere is reported by whatever meets it, and stops
    /// the ledger.
    ///
    /// # Errors
    /// [`ErrorKind::StoreInvalid`](crate::ErrorKind::StoreInvalid) when the file or the key is not
    /// what it should be, [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable) when the file
    /// cannot be reached or another store has it open,
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) when others can read the key.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::options(path).open().await
    }

    /// A database that is in memory alone, and gone with the store: for tests and trials. Its
    /// master key is a new one. The same as opening `:memory:`.
    ///
    /// Reads wait for writes here, and for each other.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) when there are no random bytes for the
    /// key.
    pub async fn in_memory() -> Result<Self> {
        Self::open(options::IN_MEMORY).await
    }

    /// What can be chosen at the opening of the database at `path`.
    pub fn options(path: impl Into<PathBuf>) -> SqliteOptions {
        SqliteOptions::new(path.into())
    }

    /// Where the database is; `:memory:` for one that no file has.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs `work` in a transaction of its own on the writing thread.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.check_files()?;
        self.inner.writer.write(work).await
    }

    /// Refuses where the next start would not find what is written.
    fn check_files(&self) -> Result<()> {
        match &self.inner.disk {
            Some(disk) => disk.files.check(ErrorKind::StoreUnavailable),
            None => Ok(()),
        }
    }

    /// Runs `work` on one unchanging view of the database.
    async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        match &self.inner.disk {
            Some(disk) => disk.readers.read(work).await,
            None => self.inner.writer.write(work).await,
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    fn is_kept(&self) -> bool {
        self.inner.is_kept.load(Ordering::Acquire)
    }

    /// It also looks whether the files are still the ones that were opened: from the moment when
    /// they are not, nothing is written any more.
    async fn check(&self) -> Result<()> {
        self.inner.writer.check_open()?;
        let inner = Arc::clone(&self.inner);
        let look = move || inner.disk.as_ref().map_or(Ok(()), |disk| disk.files.look());
        let looked = tokio::task::spawn_blocking(look).await;
        looked.map_err(|error| {
            Error::new(ErrorKind::Internal, "a look at the store broke off").with_source(error)
        })??;
        self.read(move |view| {
            view.query_row("SELECT revision FROM meta", [], |_| Ok(()))?;
            Ok(())
        })
        .await
    }

    /// # Cancel safety
    /// A dropped future may leave the store half closed; calling again finishes it.
    async fn end(&self) -> Result<()> {
        if let Some(disk) = &self.inner.disk {
            // Readers first, so that the writer's connection is the last one: it then folds the
            // write-ahead log into the database and removes it.
            disk.readers.close().await;
        }
        self.inner.writer.close().await
    }
}

#[cfg(test)]
mod tests;
