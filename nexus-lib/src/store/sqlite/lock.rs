use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// Keeps a database to one store: a second one would settle the first one's open rows as interrupted.
///
/// An advisory lock of the system on a file beside the database, which goes with the process however
/// that ends. The file stays: whoever removed it could let two in. Not on the database itself, where
/// SQLite has locks of its own, which closing any other handle of the file would lose. Programs that only
/// read the database know nothing of it and are not kept out.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the database at `path`, which need not exist yet; its folder must.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when another store has it, or it cannot be had at all.
    pub(super) fn acquire(path: &Path) -> Result<Self> {
        let lock_path = beside(path, ".lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let unavailable = |message: String| Error::new(ErrorKind::StoreUnavailable, message);
        let file = options.open(&lock_path).map_err(|error| {
            let message = format!("{} cannot be made: {error}", lock_path.display());
            unavailable(message).with_source(error)
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(unavailable(format!(
                "{} is in use by another gateway, which holds {}: stop that one, or use another \
                 database",
                path.display(),
                lock_path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unavailable(format!(
                "{} cannot be locked: {error}; use a local disk",
                lock_path.display()
            ))
            .with_source(error)),
        }
    }
}

/// The file that goes with the database at `path`: one, by whatever link the database is reached.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = OsString::from(real);
    name.push(suffix);
    name.into()
}
