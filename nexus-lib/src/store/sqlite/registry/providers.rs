use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::error::Failure;
use super::{carried, found};
use crate::error::{Error, ErrorKind};
use crate::secret::KeyHash;
use crate::secret::Sealed;
use crate::store::record::required;
use crate::store::{KeySecret, ProviderFields, ProviderWrite, SealedProvider, Version};
use crate::wire::{KeyId, ProviderId, ProviderLimits, TimerSettings, Timestamp};

const SELECT: &str = "
    SELECT p.id, p.name, p.kind, p.server_url, p.server_key, k.hash, k.mask, p.description, p.proxy_url,
        p.enabled, p.priority, p.weight, p.created_at, p.updated_at, p.max_concurrency, p.connect_ms,
        p.first_event_ms, p.idle_ms, p.protocols, p.key_id
    FROM providers AS p JOIN keys AS k ON k.id = p.key_id";

/// The same of a database that is older than keys: a key has the id of the first provider that
/// carries it.
const SELECT_BEFORE_KEYS: &str = "
    SELECT p.id, p.name, p.kind, p.server_url, p.server_key, p.client_key, p.client_key_mask, p.description,
        p.proxy_url, p.enabled, p.priority, p.weight, p.created_at, p.updated_at, p.max_concurrency,
        p.connect_ms, p.first_event_ms, p.idle_ms, p.protocols,
        (SELECT MIN(id) FROM providers AS first WHERE first.client_key = p.client_key)
    FROM providers AS p";

pub(super) fn load(view: &Connection, has_keys: bool) -> Result<Vec<SealedProvider>, Failure> {
    let select = if has_keys { SELECT } else { SELECT_BEFORE_KEYS };
    let mut statement = view.prepare_cached(&format!("{select} ORDER BY p.id"))?;
    let providers = statement.query_map([], read)?;
    Ok(providers.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn insert(
    connection: &Connection,
    write: &ProviderWrite,
) -> Result<SealedProvider, Failure> {
    let client_key = required(write.client_key.as_ref(), "personalized_key")?;
    let key_id = carried::join(connection, client_key, &write.fields.name)?;
    // Secrets are sealed for the id, which there must be first.
    connection.execute(
        "INSERT INTO providers (name, kind, server_url, server_key, key_id, description, enabled,
             priority, weight, created_at, updated_at)
         VALUES ('', '', '', x'', ?1, '', 0, 0, 1, ?2, ?2)",
        params![key_id.0, Timestamp::now().as_micros()],
    )?;
    let id = ProviderId(connection.last_insert_rowid());
    required(set(connection, id, write)?, "server_key")?;
    connection.execute(
        "UPDATE providers SET updated_at = created_at WHERE id = ?1",
        [id.0],
    )?;
    provider(connection, id)
}

pub(super) fn update(
    connection: &Connection,
    id: ProviderId,
    write: &ProviderWrite,
    expected: Option<Version>,
) -> Result<SealedProvider, Failure> {
    let carried_before = check(connection, id, expected)?;
    set(connection, id, write)?;
    if let Some(key) = &write.client_key {
        let key_id = carried::join(connection, key, &write.fields.name)?;
        connection.execute(
            "UPDATE providers SET key_id = ?2 WHERE id = ?1",
            params![id.0, key_id.0],
        )?;
        carried::leave(connection, carried_before)?;
    }
    provider(connection, id)
}

pub(super) fn delete(
    connection: &Connection,
    id: ProviderId,
    expected: Option<Version>,
) -> Result<(), Failure> {
    let carried = check(connection, id, expected)?;
    let rows = connection.execute("DELETE FROM providers WHERE id = ?1", [id.0])?;
    found(rows, || no_provider(id))?;
    carried::leave(connection, carried)
}

/// Looks whether the provider is as expected, and returns the key that it carries.
fn check(
    connection: &Connection,
    id: ProviderId,
    expected: Option<Version>,
) -> Result<KeyId, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT updated_at, key_id FROM providers WHERE id = ?1")?;
    let present = statement
        .query_row([id.0], |row| Ok((row.get(0)?, KeyId(row.get(1)?))))
        .optional()?;
    let (updated_at, key) = present.ok_or_else(|| no_provider(id))?;
    Version::of(Timestamp::from_micros(updated_at)).check(expected)?;
    Ok(key)
}

/// Sets all but the clients' key. Returns whether the provider's own key was among it.
fn set(
    connection: &Connection,
    id: ProviderId,
    write: &ProviderWrite,
) -> Result<Option<()>, Failure> {
    let sealed = write.seal(id)?;
    let fields = &write.fields;
    let rows = connection.execute(
        "UPDATE providers SET name = ?2, kind = ?3, server_url = ?4, description = ?5,
             enabled = ?6, priority = ?7, weight = ?8, updated_at = MAX(?9, updated_at + 1),
             max_concurrency = ?10, connect_ms = ?11, first_event_ms = ?12, idle_ms = ?13,
             protocols = ?14, server_key = COALESCE(?15, server_key), proxy_url = ?16
         WHERE id = ?1",
        params![
            id.0,
            fields.name,
            fields.kind,
            fields.server_url,
            fields.description,
            fields.enabled,
            fields.priority,
            fields.weight,
            Timestamp::now().as_micros(),
            fields.limits.max_concurrency,
            fields.limits.timers.connect_ms,
            fields.limits.timers.first_event_ms,
            fields.limits.timers.idle_ms,
            fields.protocols.map(|protocols| protocols.to_string()),
            sealed.server_key.as_ref().map(Sealed::as_bytes),
            sealed.proxy_url.as_ref().map(Sealed::as_bytes),
        ],
    )?;
    found(rows, || no_provider(id))?;
    Ok(sealed.server_key.map(drop))
}

fn provider(connection: &Connection, id: ProviderId) -> Result<SealedProvider, Failure> {
    let sql = format!("{SELECT} WHERE p.id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let record = statement.query_row([id.0], read).optional()?;
    Ok(record.ok_or_else(|| no_provider(id))?)
}

pub(super) fn require_provider(connection: &Connection, id: ProviderId) -> Result<(), Failure> {
    let there = connection
        .prepare_cached("SELECT 1 FROM providers WHERE id = ?1")?
        .exists([id.0])?;
    if there {
        return Ok(());
    }
    Err(no_provider(id).with_param("provider_id").into())
}

fn read(row: &Row<'_>) -> rusqlite::Result<SealedProvider> {
    let proxies: Option<Vec<u8>> = row.get(8)?;
    Ok(SealedProvider {
        id: ProviderId(row.get(0)?),
        fields: ProviderFields {
            name: row.get(1)?,
            kind: row.get(2)?,
            server_url: row.get(3)?,
            description: row.get(7)?,
            enabled: row.get(9)?,
            priority: row.get(10)?,
            weight: row.get(11)?,
            limits: ProviderLimits {
                max_concurrency: row.get(14)?,
                timers: TimerSettings {
                    connect_ms: row.get(15)?,
                    first_event_ms: row.get(16)?,
                    idle_ms: row.get(17)?,
                },
            },
            // What is no protocol any more is as good as not said.
            protocols: row
                .get::<_, Option<String>>(18)?
                .and_then(|words| words.parse().ok()),
        },
        server_key: Sealed::from_bytes(row.get::<_, Vec<u8>>(4)?),
        proxy_url: proxies.map(Sealed::from_bytes),
        key_id: KeyId(row.get(19)?),
        client_key: KeySecret {
            hash: KeyHash::from_bytes(row.get(5)?),
            mask: row.get(6)?,
        },
        created_at: Timestamp::from_micros(row.get(12)?),
        updated_at: Timestamp::from_micros(row.get(13)?),
    })
}

fn no_provider(id: ProviderId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no provider {id}"))
}
