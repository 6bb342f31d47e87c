use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::error::{Failure, fold};
use super::latencies;
use super::options::KeySource;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{KeyCheck, MasterKey, Sealed};

/// Each step raises `user_version` by one. Steps that were released are never edited.
const MIGRATIONS: &[(&str, Fill)] = &[
    (include_str!("migrations/0001.sql"), nothing),
    (include_str!("migrations/0002.sql"), nothing),
    (include_str!("migrations/0003.sql"), latencies::fill),
    (include_str!("migrations/0004.sql"), nothing),
    (include_str!("migrations/0005.sql"), nothing),
    (include_str!("migrations/0006.sql"), nothing),
];

/// What a step does besides its SQL.
type Fill = fn(&Connection) -> rusqlite::Result<()>;

fn nothing(_: &Connection) -> rusqlite::Result<()> {
    Ok(())
}

/// `NXUS`: marks the file as this program's, for `file(1)` and for [`check`].
const APPLICATION_ID: i32 = 0x4E58_5553;

/// Refuses a database that is another program's or a newer version's, without changing it.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<()> {
    let (application_id, version, objects) = connection
        .query_row(
            "SELECT application_id, user_version, (SELECT COUNT(*) FROM sqlite_schema)
             FROM pragma_application_id, pragma_user_version",
            [],
            |row| {
                let objects: i64 = row.get(2)?;
                Ok((row.get::<_, i32>(0)?, row.get::<_, i64>(1)?, objects))
            },
        )
        .map_err(|error| {
            let invalid = fold(error);
            let message = format!("{}: {invalid}", path.display());
            Error::new(invalid.kind(), message).with_source(invalid)
        })?;
    if objects > 0 && application_id != APPLICATION_ID {
        let message = format!("{} is the database of another program", path.display());
        return Err(Error::new(ErrorKind::StoreInvalid, message));
    }
    let newest = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version > newest {
        let message = format!(
            "{} has schema {version}, this program knows up to {newest}: use a newer one",
            path.display()
        );
        return Err(Error::new(ErrorKind::StoreInvalid, message));
    }
    Ok(())
}

/// Whether not even the first step was taken.
pub(super) fn is_unborn(connection: &Connection) -> rusqlite::Result<bool> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version == 0)
}

/// Takes the steps that are missing, each in a transaction of its own, and gives the connection the
/// functions that writing needs.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    latencies::register(connection).map_err(fold)?;
    for (step, (sql, fill)) in (1i64..).zip(MIGRATIONS) {
        migrate_to(connection, step, sql, *fill).map_err(fold)?;
    }
    Ok(())
}

fn migrate_to(
    connection: &mut Connection,
    step: i64,
    sql: &str,
    fill: Fill,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read under the lock: another process may have been here in between.
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < step {
        transaction.execute_batch(sql)?;
        fill(&transaction)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", step)?;
    }
    transaction.commit()
}

/// Gets the master key and makes sure that it opens what is sealed in the database.
pub(super) fn unlock(
    connection: &mut Connection,
    path: &Path,
    source: KeySource,
) -> Result<MasterKey> {
    let kept = key_check(connection).map_err(fold)?;
    let key = match source {
        KeySource::Given(key) => key,
        KeySource::File(file) => match MasterKey::load(&file)? {
            Some(key) => key,
            // A new key would open nothing, and its file would hide that the old one is missing.
            None if kept.is_some() => return Err(key_missing(path, &file)),
            None => MasterKey::load_or_create(&file)?,
        },
    };
    let check = KeyCheck::new(&key);
    let kept = match kept {
        Some(kept) => kept,
        None => {
            let new = check.seal()?;
            let keep = |connection: &mut Connection| -> Result<Sealed, Failure> {
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let kept = keep_check(&transaction, &new)?;
                transaction.commit()?;
                Ok(kept)
            };
            keep(connection).map_err(Error::from)?
        }
    };
    verify(&check, &kept, path)?;
    Ok(key)
}

/// The same without making or changing anything: `None` where nothing is sealed, and no key there.
pub(super) fn check_key(
    connection: &Connection,
    path: &Path,
    source: KeySource,
) -> Result<Option<MasterKey>> {
    let kept = key_check(connection).map_err(fold)?;
    let key = match source {
        KeySource::Given(key) => key,
        KeySource::File(file) => match MasterKey::load(&file)? {
            Some(key) => key,
            None if kept.is_some() => return Err(key_missing(path, &file)),
            None => return Ok(None),
        },
    };
    if let Some(kept) = kept {
        verify(&KeyCheck::new(&key), &kept, path)?;
    }
    Ok(Some(key))
}

fn key_missing(path: &Path, file: &Path) -> Error {
    let (path, file) = (path.display(), file.display());
    Error::new(
        ErrorKind::StoreInvalid,
        format!("{path} holds keys sealed with a master key, but {file} is missing: restore it"),
    )
}

fn verify(check: &KeyCheck, kept: &Sealed, path: &Path) -> Result<()> {
    check.verify(kept).map_err(|error| {
        let message = format!("{}: {error}; start with that one", path.display());
        Error::new(error.kind(), message)
    })
}

/// Keeps `new` as the check of the master key unless there is one, and returns the one kept.
pub(super) fn keep_check(connection: &Connection, new: &Sealed) -> Result<Sealed, Failure> {
    connection.execute(
        "UPDATE meta SET canary = ?1 WHERE canary IS NULL",
        [new.as_bytes()],
    )?;
    let kept = key_check(connection)?;
    Ok(kept.unwrap_or_else(|| new.clone()))
}

fn key_check(connection: &Connection) -> rusqlite::Result<Option<Sealed>> {
    let kept: Option<Option<Vec<u8>>> = connection
        .query_row("SELECT canary FROM meta", [], |row| row.get(0))
        .optional()?;
    Ok(kept.flatten().map(Sealed::from_bytes))
}
