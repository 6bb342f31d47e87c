use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::watch;

use super::checkpoint::Checkpoints;
use super::error::fold;
use super::files::Files;
use super::lock::Lock;
use super::read_pool::ReadPool;
use super::writer::{OnDisk, Writer};
use super::{Disk, Inner, SqliteStore, connection, ledger, recover, registry, schema};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::MasterKey;

/// What a commit outlives. Either way a crash damages nothing: it may only undo the last commits,
/// whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Durability {
    /// The death of the process, by `kill -9` too: a commit is in the system's memory. A loss of
    /// power or a crash of the system may undo the commits of the last seconds. SQLite's
    /// `synchronous=NORMAL`.
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
        if self.is_in_memory() {
            return self.open_in_memory();
        }
        connection::make_folder(&self.path)?;
        if is_empty(&self.path) {
            // Looked at before anything is made.
            self.check_begin()?;
        }
        // Before the file is looked at, and until it is closed.
        let lock = Arc::new(Lock::acquire(&self.path)?);
        let may_begin = || self.check_begin();
        let mut connection = connection::open_writer(&self.path, self.durability, may_begin)?;
        let key = schema::unlock(&mut connection, &self.path, self.master_key)?;
        ledger::raise_ids(&connection)?;
        let revision = registry::revision(&connection)?;
        let gone = recover::owners(&connection)?;
        let files = Files::new(&self.path, &lock, &connection).map_err(fold)?;
        let readers = Arc::new(ReadPool::new(self.path.clone()));
        let checkpoints = Checkpoints::start(&mut connection, &self.path, self.durability)?;
        let on_disk = OnDisk {
            checkpoints,
            readers: Arc::clone(&readers),
            lock,
        };
        let writer = Writer::spawn(connection, Some(on_disk))?;
        Ok(SqliteStore {
            inner: Arc::new(Inner {
                path: self.path,
                master_key: key,
                revision: watch::Sender::new(revision),
                gone,
                is_kept: AtomicBool::new(false),
                writer,
                disk: Some(Disk { files, readers }),
            }),
        })
    }

    fn open_in_memory(self) -> Result<SqliteStore> {
        let mut connection = connection::open_in_memory()?;
        let key = match self.master_key {
            KeySource::Given(key) => key,
            // Nothing of it outlives the process, so neither must the key.
            KeySource::File(_) => MasterKey::generate()?,
        };
        let key = schema::unlock(&mut connection, &self.path, KeySource::Given(key))?;
        let writer = Writer::spawn(connection, None)?;
        Ok(SqliteStore {
            inner: Arc::new(Inner {
                path: self.path,
                master_key: key,
                revision: watch::Sender::new(0),
                gone: Vec::new(),
                is_kept: AtomicBool::new(false),
                writer,
                disk: None,
            }),
        })
    }

    /// Whether the path is SQLite's own name for a database that no file has.
    pub(super) fn is_in_memory(&self) -> bool {
        self.path.as_os_str() == IN_MEMORY
    }

    /// Refuses to make a new database beside the key of an older one: it would hide that the older
    /// one is missing.
    pub(super) fn check_begin(&self) -> Result<()> {
        let KeySource::File(file) = &self.master_key else {
            return Ok(());
        };
        if !file.exists() {
            return Ok(());
        }
        let (path, file) = (self.path.display(), file.display());
        Err(Error::new(
            ErrorKind::StoreInvalid,
            format!(
                "{path} is missing or empty, but the master key of a database is in {file}: restore the \
                 database from a backup, or move the key away to begin anew"
            ),
        ))
    }
}

/// What SQLite calls a database that no file has.
pub(super) const IN_MEMORY: &str = ":memory:";

fn is_empty(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(file) => file.is_file() && file.len() == 0,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
