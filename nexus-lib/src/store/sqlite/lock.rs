use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::files::identity;
use crate::error::{Error, ErrorKind, Result};

/// Limits a database to one store: a second one would settle the first one's open rows as
/// interrupted.
///
/// Two advisory locks of the operating system, which end with the process in any case. One is on a
/// file next to the database, which stays. On Linux another one is on the database itself, so that
/// a hard link does not bypass it; on other systems it would interfere with SQLite's own locks.
/// Programs that only read the database ignore both.
pub(super) struct Lock {
    path: PathBuf,
    file: Mutex<File>,
    /// Held open as long as SQLite has the database open: closing any handle of it loses SQLite's
    /// own locks.
    database: File,
}

impl Lock {
    /// Takes the lock of the database at `path`, which is created empty if it is missing; its
    /// folder must exist.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when another store has it, or it cannot be acquired at all.
    pub(super) fn acquire(path: &Path) -> Result<Self> {
        let lock_path = beside(path, ".lock");
        let file = take(path, &lock_path)?;
        let database = open_database(path).map_err(|error| {
            let message = format!("{} cannot be opened: {error}", path.display());
            unavailable(message).with_source(error)
        })?;
        #[cfg(target_os = "linux")]
        if let Err(TryLockError::WouldBlock) = database.try_lock() {
            // Not closed: if the other store is in this process, SQLite would lose its locks.
            std::mem::forget(database);
            return Err(in_use(path, "the same file by another name"));
        }
        Ok(Self {
            path: lock_path,
            file: Mutex::new(file),
            database,
        })
    }

    /// A handle of the database, to examine it.
    pub(super) fn database(&self) -> &File {
        &self.database
    }

    /// Takes the lock again if its file was removed.
    ///
    /// # Errors
    /// Those of [`acquire`](Self::acquire).
    pub(super) fn renew(&self, database: &Path) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let held = file.metadata().map(|held| identity(&held)).ok();
        let found = fs::metadata(&self.path).map(|found| identity(&found)).ok();
        if held.is_some() && held == found {
            return Ok(());
        }
        *file = take(database, &self.path)?;
        let path = self.path.display();
        tracing::warn!(%path, "the lock file was removed, and was created again");
        Ok(())
    }
}

fn take(database: &Path, lock_path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    make_private(&mut options);
    let file = options.open(lock_path).map_err(|error| {
        let message = format!("{} cannot be made: {error}", lock_path.display());
        unavailable(message).with_source(error)
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(in_use(database, &lock_path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(unavailable(format!(
            "{} cannot be locked: {error}; use a local disk",
            lock_path.display()
        ))
        .with_source(error)),
    }
}

/// Creates the file if it is missing.
fn open_database(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    make_private(&mut options);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::open(path),
        opened => opened,
    }
}

fn make_private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

fn unavailable(message: String) -> Error {
    Error::new(ErrorKind::StoreUnavailable, message)
}

fn in_use(path: &Path, what: &str) -> Error {
    unavailable(format!(
        "{} is in use by another gateway, which holds {what}: stop that one, or use another database",
        path.display(),
    ))
}

/// The companion file of the database at `path`: always the same one, whatever link leads to the
/// database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = OsString::from(real);
    name.push(suffix);
    name.into()
}
