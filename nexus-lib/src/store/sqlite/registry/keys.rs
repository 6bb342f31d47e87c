use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::error::Failure;
use super::{found, projects};
use crate::error::{Error, ErrorKind};
use crate::secret::KeyHash;
use crate::store::{KeyFields, KeyOrigin, KeyRecord, KeySecret, Version};
use crate::wire::{KeyId, ProjectId, Timestamp};

const SELECT: &str = "
    SELECT id, name, hash, mask, identity, origin, project_id, models, providers, enabled, expires_at,
        tags, created_at, updated_at, last_used_at
    FROM keys";

/// The same of a database that is older than keys; see `providers`.
const SELECT_BEFORE_KEYS: &str = "
    SELECT id, name, client_key, client_key_mask, client_key, 1, NULL, NULL, NULL, 1, NULL,
        NULL, created_at, created_at, NULL
    FROM providers WHERE id IN (SELECT MIN(id) FROM providers GROUP BY client_key)";

pub(super) fn load(view: &Connection, has_keys: bool) -> Result<Vec<KeyRecord>, Failure> {
    let select = if has_keys { SELECT } else { SELECT_BEFORE_KEYS };
    let mut statement = view.prepare_cached(&format!("{select} ORDER BY id"))?;
    let keys = statement.query_map([], read)?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn insert(
    connection: &Connection,
    fields: &KeyFields,
    secret: &KeySecret,
) -> Result<KeyRecord, Failure> {
    projects::require(connection, fields.project_id)?;
    let hash = secret.hash.as_bytes();
    let is_there = connection
        .prepare_cached("SELECT 1 FROM keys WHERE hash = ?1 OR previous_hash = ?1")?
        .exists([hash])?;
    if is_there {
        let message = "this key is there already; take another one";
        let conflict = Error::new(ErrorKind::Conflict, message);
        return Err(conflict.with_param("key").into());
    }
    connection.execute(
        "INSERT INTO keys (hash, mask, identity, origin, name, project_id, models, providers, enabled,
             expires_at, tags, created_at, updated_at)
         VALUES (?1, ?2, ?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
        params![
            hash,
            secret.mask,
            origin_code(KeyOrigin::Key),
            fields.name,
            fields.project_id.map(|id| id.0),
            json(&fields.models)?,
            json(&fields.providers)?,
            fields.enabled,
            fields.expires_at.map(Timestamp::as_micros),
            json(&Some(&fields.tags).filter(|tags| !tags.is_empty()))?,
            Timestamp::now().as_micros(),
        ],
    )?;
    key(connection, KeyId(connection.last_insert_rowid()))
}

pub(super) fn update(
    connection: &Connection,
    id: KeyId,
    fields: &KeyFields,
    expected: Option<Version>,
) -> Result<KeyRecord, Failure> {
    key(connection, id)?.version().check(expected)?;
    projects::require(connection, fields.project_id)?;
    connection.execute(
        "UPDATE keys SET name = ?2, project_id = ?3, models = ?4, providers = ?5, enabled = ?6,
             expires_at = ?7, tags = ?8, updated_at = MAX(?9, updated_at + 1)
         WHERE id = ?1",
        params![
            id.0,
            fields.name,
            fields.project_id.map(|id| id.0),
            json(&fields.models)?,
            json(&fields.providers)?,
            fields.enabled,
            fields.expires_at.map(Timestamp::as_micros),
            json(&Some(&fields.tags).filter(|tags| !tags.is_empty()))?,
            Timestamp::now().as_micros(),
        ],
    )?;
    key(connection, id)
}

pub(super) fn delete(
    connection: &Connection,
    id: KeyId,
    expected: Option<Version>,
) -> Result<(), Failure> {
    let present = key(connection, id)?;
    present.version().check(expected)?;
    if present.origin == KeyOrigin::Provider {
        let message = "providers carry this key; it goes with the last of them";
        return Err(Error::new(ErrorKind::Conflict, message).into());
    }
    let rows = connection.execute("DELETE FROM keys WHERE id = ?1", [id.0])?;
    found(rows, || no_key(id))
}

fn key(connection: &Connection, id: KeyId) -> Result<KeyRecord, Failure> {
    let sql = format!("{SELECT} WHERE id = ?1");
    let record = connection.query_row(&sql, [id.0], read).optional()?;
    Ok(record.ok_or_else(|| no_key(id))?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    let mut fields = KeyFields::new(row.get::<_, String>(1)?);
    fields.project_id = row.get::<_, Option<i64>>(6)?.map(ProjectId);
    fields.models = parsed(row, 7)?;
    fields.providers = parsed(row, 8)?;
    fields.enabled = row.get(9)?;
    fields.expires_at = row.get::<_, Option<i64>>(10)?.map(Timestamp::from_micros);
    fields.tags = parsed(row, 11)?.unwrap_or_default();
    let secret = KeySecret {
        hash: KeyHash::from_bytes(row.get(2)?),
        mask: row.get(3)?,
    };
    let created_at = Timestamp::from_micros(row.get(12)?);
    Ok(KeyRecord {
        identity: KeyHash::from_bytes(row.get(4)?),
        updated_at: Timestamp::from_micros(row.get(13)?),
        last_used_at: row.get::<_, Option<i64>>(14)?.map(Timestamp::from_micros),
        ..KeyRecord::new(
            KeyId(row.get(0)?),
            fields,
            secret,
            origin_of(row, 5)?,
            created_at,
        )
    })
}

/// Null where there is nothing.
fn json<T: Serialize>(value: &Option<T>) -> Result<Option<String>, Failure> {
    let text = value.as_ref().map(serde_json::to_string).transpose();
    Ok(text.map_err(|cause| {
        Error::new(
            ErrorKind::Internal,
            "a key's list cannot be written as JSON",
        )
        .with_source(cause)
    })?)
}

fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    let value = text.as_deref().map(serde_json::from_str).transpose();
    value.map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(cause))
    })
}

pub(super) const fn origin_code(origin: KeyOrigin) -> i64 {
    match origin {
        KeyOrigin::Key => 0,
        KeyOrigin::Provider => 1,
    }
}

fn origin_of(row: &Row<'_>, column: usize) -> rusqlite::Result<KeyOrigin> {
    match row.get(column)? {
        0 => Ok(KeyOrigin::Key),
        1 => Ok(KeyOrigin::Provider),
        code => {
            let cause = Box::new(FromSqlError::OutOfRange(code));
            Err(rusqlite::Error::FromSqlConversionFailure(
                column,
                Type::Integer,
                cause,
            ))
        }
    }
}

fn no_key(id: KeyId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no key {id}"))
}
