use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::fold;
use super::lock::beside;
use super::{Durability, schema};
use crate::error::{Error, ErrorKind, Result};

/// SQLite up to 3.51.2 can corrupt a write-ahead log that two connections write or checkpoint at
/// once.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long a statement waits for another process that locks the database. Short, since all other
/// writes wait too: the ledger retries by itself, and asks clients to retry.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// Databases up to this size are checked completely when they are opened; larger ones only where
/// they are read.
pub(super) const CHECKED_BYTES: u64 = 8 << 20;

pub(super) const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Creates the folder of the database if it is missing.
pub(super) fn make_folder(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| unreachable_file(path, error))
}

/// Opens the one writing connection, and migrates the schema. `may_begin` allows creating a new
/// database.
pub(super) fn open_writer(
    path: &Path,
    durability: Durability,
    may_begin: impl FnOnce() -> Result<()>,
) -> Result<Connection> {
    check_version()?;
    let bytes = prepare_file(path).map_err(|error| unreachable_file(path, error))??;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fold)?;
    // Until the file is known to be ours, closing must not checkpoint a log into it. If there is
    // none, closing removes the empty one that opening has created.
    let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    connection.set_db_config(keep_log, has_log).map_err(fold)?;
    configure(&connection).map_err(fold)?;
    schema::check(&connection, path)?;
    if schema::is_unborn(&connection).map_err(fold)? {
        may_begin()?;
    }
    if bytes <= CHECKED_BYTES {
        check_pages(&connection, path)?;
    }
    enable_log(&connection, path, durability)?;
    schema::migrate(&mut connection)?;
    connection.set_db_config(keep_log, false).map_err(fold)?;
    Ok(connection)
}

/// Opens an in-memory database for its one connection.
pub(super) fn open_in_memory() -> Result<Connection> {
    check_version()?;
    let mut connection = Connection::open_in_memory().map_err(fold)?;
    configure(&connection).map_err(fold)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

fn check_version() -> Result<()> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::new(
            ErrorKind::StoreInvalid,
            format!(
                "SQLite {} can corrupt a database; build with 3.51.3 or newer",
                rusqlite::version()
            ),
        ));
    }
    Ok(())
}

/// Opens one of the read-only connections.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    Ok(connection)
}

/// Opens the connection that checkpoints the write-ahead log.
pub(super) fn open_checkpointer(
    path: &Path,
    durability: Durability,
) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    synchronize(&connection, durability)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)
}

fn enable_log(connection: &Connection, path: &Path, durability: Durability) -> Result<()> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(fold)?;
    if mode != "wal" {
        return Err(Error::new(
            ErrorKind::StoreUnavailable,
            format!(
                "{} is on a file system that cannot keep a write-ahead log; use a local disk",
                path.display()
            ),
        ));
    }
    synchronize(connection, durability).map_err(fold)
}

fn synchronize(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Process => "NORMAL",
        Durability::Power => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)
}

/// Creates the file if it is missing and returns its size; rejects, in the inner result, what
/// cannot be a database.
fn prepare_file(path: &Path) -> io::Result<Result<u64>> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => return Ok(Ok(0)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let metadata = fs::metadata(path)?;
    let mut head = Vec::new();
    if metadata.is_file() {
        let limit = MAGIC.len() as u64;
        File::open(path)?.take(limit).read_to_end(&mut head)?;
    }
    if metadata.is_file() && (head.is_empty() || head == MAGIC) {
        return Ok(Ok(metadata.len()));
    }
    Ok(Err(no_database(path)))
}

pub(super) fn no_database(path: &Path) -> Error {
    Error::new(
        ErrorKind::StoreInvalid,
        format!(
            "{} is no SQLite database and was left as it is: restore it from a backup, or move it away \
             to begin anew",
            path.display()
        ),
    )
}

pub(super) fn check_pages(connection: &Connection, path: &Path) -> Result<()> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(fold)?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::StoreInvalid,
        format!(
            "{} is damaged and was left as it is: restore it from a backup, or save what can be read \
             with the `.recover` command of the sqlite3 shell",
            path.display()
        ),
    )
    // The last line contains the place; those before name the database again.
    .with_source(verdict.lines().last().unwrap_or_default()))
}

fn unreachable_file(path: &Path, error: io::Error) -> Error {
    let message = format!("{} cannot be opened: {error}", path.display());
    Error::new(ErrorKind::StoreUnavailable, message).with_source(error)
}
