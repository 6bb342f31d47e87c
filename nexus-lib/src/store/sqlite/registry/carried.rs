//! The keys that providers carry: made with the first of them, gone with the last.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::error::Failure;
use super::keys::origin_code;
use crate::error::{Error, ErrorKind};
use crate::store::{KeyOrigin, KeySecret};
use crate::wire::{KeyId, Timestamp};

/// The key with this hash, for one provider more to carry.
pub(super) fn join(connection: &Connection, key: &KeySecret, name: &str) -> Result<KeyId, Failure> {
    let hash = key.hash;
    let provider = origin_code(KeyOrigin::Provider);
    let present: Option<(i64, i64)> = connection
        .query_row(
            "SELECT id, origin FROM keys WHERE hash = ?1 OR previous_hash = ?1",
            [hash.as_bytes()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match present {
        Some((id, origin)) if origin == provider => return Ok(KeyId(id)),
        Some(_) => {
            let message = "this is a key of its own; take another text for `personalized_key`";
            let conflict = Error::new(ErrorKind::Conflict, message);
            return Err(conflict.with_param("personalized_key").into());
        }
        None => {}
    }
    connection.execute(
        "INSERT INTO keys (name, hash, mask, identity, origin, enabled, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?2, ?4, 1, ?5, ?5)",
        params![
            name,
            hash.as_bytes(),
            key.mask,
            provider,
            Timestamp::now().as_micros(),
        ],
    )?;
    Ok(KeyId(connection.last_insert_rowid()))
}

/// Removes a key that no provider carries any more.
pub(super) fn leave(connection: &Connection, id: KeyId) -> Result<(), Failure> {
    connection.execute(
        "DELETE FROM keys WHERE id = ?1 AND origin = ?2
             AND NOT EXISTS (SELECT 1 FROM providers WHERE key_id = ?1)",
        params![id.0, origin_code(KeyOrigin::Provider)],
    )?;
    Ok(())
}
