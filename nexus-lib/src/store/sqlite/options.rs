use std::path::PathBuf;
use std::sync::Arc;

use super::checkpoint::Checkpoints;
use super::lock::Lock;
use super::read_pool::ReadPool;
use super::seals::Seals;
use super::writer::Writer;
use super::{Inner, SqliteStore, connection, ledger, schema};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::MasterKey;

/// What a commit outlives. Either way a crash damages nothing: it may only undo the last commits, whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// The death of the process, by `kill -9` too: a commit is in the system's memory. A loss of power
    /// or a crash of the system may undo the commits of the last seconds. SQLite's `synchronous=NORMAL`.
    #[default]
    Process,
    /// A loss of power too: a commit is on the disk, for which it waits, often for milliseconds.
    /// SQLite's `synchronous=FULL`.
    Power,
}

/// What can be chosen when a [`SqliteStore`] is opened.
#[derive(Debug, Clone)]
#[must_use = "nothing is opened before `open`"]
pub struct SqliteOptions {
    pub(super) path: PathBuf,
    pub(super) master_key: KeySource,
    pub(super) durability: Durability,
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub(super) enum KeySource {
    Given(MasterKey),
    File(PathBuf),
}

impl SqliteOptions {
    pub(super) fn new(path: PathBuf) -> Self {
        let key_file = path.with_file_name("master.key");
        Self {
            path,
            master_key: KeySource::File(key_file),
            durability: Durability::default(),
        }
    }

    /// Seals with this key; no key file is read or made.
    pub fn master_key(mut self, key: MasterKey) -> Self {
        self.master_key = KeySource::Given(key);
        self
    }

    /// Keeps the master key in this file instead of `master.key` beside the database.
    pub fn master_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.master_key = KeySource::File(path.into());
        self
    }

    /// What a commit outlives: the death of the process, unless said otherwise.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Opens the store.
    ///
    /// # Errors
    /// See [`SqliteStore::open`].
    ///
    /// # Cancel safety
    /// A dropped future leaves a file that is either whole or not yet begun.
    pub async fn open(self) -> Result<SqliteStore> {
        tokio::task::spawn_blocking(move || self.open_blocking())
            .await
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "opening the store broke off").with_source(error)
            })?
    }

    fn open_blocking(self) -> Result<SqliteStore> {
        connection::make_folder(&self.path)?;
        // Before the file is looked at, and until it is closed.
        let lock = Lock::acquire(&self.path)?;
        let mut connection = connection::open_writer(&self.path, self.durability)?;
        let key = schema::unlock(&mut connection, &self.path, self.master_key)?;
        ledger::raise_ids(&connection)?;
        let readers = Arc::new(ReadPool::new(self.path.clone()));
        let checkpoints = Checkpoints::start(&mut connection, &self.path, self.durability)?;
        let writer = Writer::spawn(connection, checkpoints, Arc::clone(&readers), lock)?;
        Ok(SqliteStore {
            inner: Arc::new(Inner {
                path: self.path,
                seals: Seals::new(&key),
                writer,
                readers,
            }),
        })
    }
}
