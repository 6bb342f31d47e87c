use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::connection::{self, CHECKED_BYTES, MAGIC};
use super::error::fold;
use super::lock::beside;
use super::options::SqliteOptions;
use super::{registry, schema};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::MasterKey;
use crate::store::RegistryRecords;

/// What is in a store, as [`SqliteOptions::inspect`] finds it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Inspected {
    /// All that is registered.
    pub records: RegistryRecords,
    /// The key that opens their secrets; `None` where there is neither a secret nor a key.
    pub master_key: Option<MasterKey>,
}

impl SqliteOptions {
    /// Looks whether the store could be opened, and what is registered in it, without changing
    /// anything: neither database nor key is made, no schema brought up to date, no lock taken, no
    /// file left behind. `None` where there is no database yet. A running gateway is not disturbed.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), but for the lock.
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn inspect(self) -> Result<Option<Inspected>> {
        tokio::task::spawn_blocking(move || self.inspect_blocking())
            .await
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "looking at the store broke off").with_source(error)
            })?
    }

    fn inspect_blocking(self) -> Result<Option<Inspected>> {
        if self.is_in_memory() {
            return Ok(None);
        }
        let none = || self.check_begin().map(|()| None);
        let path = &*self.path;
        let unreadable = |error: std::io::Error| {
            let message = format!("{} cannot be read: {error}", path.display());
            Error::new(ErrorKind::StoreUnavailable, message).with_source(error)
        };
        let bytes = match fs::metadata(path) {
            Ok(file) => file.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return none(),
            Err(error) => return Err(unreadable(error)),
        };
        let mut head = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAGIC.len() as u64)
            .read_to_end(&mut head)
            .map_err(unreadable)?;
        if head.is_empty() {
            return none();
        }
        if head != MAGIC {
            return Err(connection::no_database(path));
        }
        let connection = open(path).map_err(fold)?;
        schema::check(&connection, path)?;
        if schema::is_unborn(&connection).map_err(fold)? {
            return none();
        }
        if bytes <= CHECKED_BYTES {
            connection::check_pages(&connection, path)?;
        }
        // Where nothing is sealed, nothing is registered that was.
        match schema::check_key(&connection, path, self.master_key)? {
            Some(key) => Ok(Some(Inspected {
                records: registry::load(&connection)?,
                master_key: Some(key),
            })),
            None => Ok(Some(Inspected::default())),
        }
    }
}

/// A connection that leaves no trace. Where no log is beside the database nobody has it open, and
/// it is read as it lies there: SQLite would make a log and its index to read it, which stay
/// behind, and may belong to another user than the gateway's.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if beside(path, "-wal").exists() {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(connection::BUSY_TIMEOUT)?;
        return Ok(connection);
    }
    // https://sqlite.org/uri.html
    let text = path.to_string_lossy();
    let escaped = text
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let uri = format!("file:{escaped}?immutable=1");
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
}
