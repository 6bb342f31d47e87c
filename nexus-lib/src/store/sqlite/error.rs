use std::time::Duration;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

/// When to retry after a temporary failure of the store.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The errors of work on the database, so that `?` works for both.
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Refused(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sqlite(error) => fold(error),
            Failure::Refused(error) => error,
        }
    }
}

impl Failure {
    /// Whether a row with the same unique values exists already.
    pub(super) fn is_duplicate(&self) -> bool {
        let Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) = self else {
            return false;
        };
        error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
    }
}

/// Converts an error of SQLite's, which stays the source.
pub(super) fn fold(error: rusqlite::Error) -> Error {
    use rusqlite::Error as E;
    let (kind, message) = match &error {
        E::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed => (
                ErrorKind::StoreUnavailable,
                "the database is locked by another program; try again",
            ),
            ErrorCode::DiskFull => (
                ErrorKind::StoreUnavailable,
                "the database's disk is full; free some space and try again",
            ),
            ErrorCode::OutOfMemory => (
                ErrorKind::StoreUnavailable,
                "out of memory for the database; try again",
            ),
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly => (
                ErrorKind::StoreUnavailable,
                "the database cannot be read or written; check its disk and permissions",
            ),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => (
                ErrorKind::StoreInvalid,
                "the database is damaged: restore it from a backup, or save what can be read with the \
                 `.recover` command of the sqlite3 shell",
            ),
            ErrorCode::ConstraintViolation => {
                (ErrorKind::Conflict, "this conflicts with stored data")
            }
            _ => (ErrorKind::Internal, "the database rejected a statement"),
        },
        E::FromSqlConversionFailure(..) | E::InvalidColumnType(..) => (
            ErrorKind::StoreInvalid,
            "the database contains a value that this program did not write",
        ),
        _ => (ErrorKind::Internal, "the database rejected a statement"),
    };
    let error = Error::new(kind, message).with_source(error);
    match kind {
        ErrorKind::StoreUnavailable => error.with_retry_after(RETRY_AFTER),
        _ => error,
    }
}
