use rusqlite::{Connection, OptionalExtension, Row, params};
use secrecy::{ExposeSecret, SecretString};

use super::super::error::Failure;
use super::super::seals::Seals;
use super::{carried, found};
use crate::call::KeyHash;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{NewProvider, ProviderRecord, ProviderUpdate, Version};
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

pub(super) fn load(
    view: &Connection,
    seals: &Seals,
    has_keys: bool,
) -> Result<Vec<ProviderRecord>, Failure> {
    let select = if has_keys { SELECT } else { SELECT_BEFORE_KEYS };
    let mut statement = view.prepare_cached(&format!("{select} ORDER BY p.id"))?;
    let mut rows = statement.query([])?;
    let mut providers = Vec::new();
    while let Some(row) = rows.next()? {
        providers.push(read_provider(row, seals)?);
    }
    Ok(providers)
}

pub(super) fn insert(
    connection: &Connection,
    seals: &Seals,
    new: &NewProvider,
) -> Result<ProviderRecord, Failure> {
    let id = insert_provider(connection, new)?;
    set_server_key(connection, seals, id, &new.server_key)?;
    set_proxies(connection, seals, id, new.proxy_url.as_ref())?;
    provider(connection, seals, id)
}

pub(super) fn update(
    connection: &Connection,
    seals: &Seals,
    id: ProviderId,
    update: &ProviderUpdate,
    expected: Option<Version>,
) -> Result<ProviderRecord, Failure> {
    let carried_before = check(connection, id, expected)?;
    update_provider(connection, id, update)?;
    set_proxies(connection, seals, id, update.proxy_url.as_ref())?;
    if let Some(key) = &update.server_key {
        set_server_key(connection, seals, id, key)?;
    }
    if let Some(key) = &update.personalized_key {
        let key_id = carried::join(connection, key, &update.name)?;
        connection.execute(
            "UPDATE providers SET key_id = ?2 WHERE id = ?1",
            params![id.0, key_id.0],
        )?;
        carried::leave(connection, carried_before)?;
    }
    provider(connection, seals, id)
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

/// Inserts without what is sealed: that needs the id.
fn insert_provider(connection: &Connection, new: &NewProvider) -> Result<ProviderId, Failure> {
    let key_id = carried::join(connection, &new.personalized_key, &new.name)?;
    connection.execute(
        "INSERT INTO providers (name, kind, server_url, server_key, key_id, description, enabled, priority, weight, created_at, updated_at,
             max_concurrency, connect_ms, first_event_ms, idle_ms, protocols)
         VALUES (?1, ?2, ?3, x'', ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            new.name,
            new.kind,
            new.server_url,
            key_id.0,
            new.description,
            new.enabled,
            new.priority,
            new.weight,
            Timestamp::now().as_micros(),
            new.limits.max_concurrency,
            new.limits.timers.connect_ms,
            new.limits.timers.first_event_ms,
            new.limits.timers.idle_ms,
            new.protocols.map(|protocols| protocols.to_string()),
        ],
    )?;
    Ok(ProviderId(connection.last_insert_rowid()))
}

fn update_provider(
    connection: &Connection,
    id: ProviderId,
    update: &ProviderUpdate,
) -> Result<(), Failure> {
    let rows = connection.execute(
        "UPDATE providers SET name = ?2, kind = ?3, server_url = ?4, description = ?5,
             enabled = ?6, priority = ?7, weight = ?8, updated_at = MAX(?9, updated_at + 1),
             max_concurrency = ?10, connect_ms = ?11, first_event_ms = ?12, idle_ms = ?13,
             protocols = ?14
         WHERE id = ?1",
        params![
            id.0,
            update.name,
            update.kind,
            update.server_url,
            update.description,
            update.enabled,
            update.priority,
            update.weight,
            Timestamp::now().as_micros(),
            update.limits.max_concurrency,
            update.limits.timers.connect_ms,
            update.limits.timers.first_event_ms,
            update.limits.timers.idle_ms,
            update.protocols.map(|protocols| protocols.to_string()),
        ],
    )?;
    found(rows, || no_provider(id))
}

fn set_server_key(
    connection: &Connection,
    seals: &Seals,
    id: ProviderId,
    key: &SecretString,
) -> Result<(), Failure> {
    let sealed = seals.server_key.seal(id.0, key.expose_secret())?;
    connection.execute(
        "UPDATE providers SET server_key = ?2 WHERE id = ?1",
        params![id.0, sealed],
    )?;
    Ok(())
}

fn set_proxies(
    connection: &Connection,
    seals: &Seals,
    id: ProviderId,
    proxies: Option<&SecretString>,
) -> Result<(), Failure> {
    let sealed = proxies.map(|proxies| seals.proxy_url.seal(id.0, proxies.expose_secret()));
    connection.execute(
        "UPDATE providers SET proxy_url = ?2 WHERE id = ?1",
        params![id.0, sealed.transpose()?],
    )?;
    Ok(())
}

fn provider(
    connection: &Connection,
    seals: &Seals,
    id: ProviderId,
) -> Result<ProviderRecord, Failure> {
    let sql = format!("{SELECT} WHERE p.id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id.0])?;
    match rows.next()? {
        Some(row) => read_provider(row, seals),
        None => Err(no_provider(id).into()),
    }
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

fn read_provider(row: &Row<'_>, seals: &Seals) -> Result<ProviderRecord, Failure> {
    let id: i64 = row.get(0)?;
    let sealed = row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?;
    let proxies = row.get_ref(8)?.as_blob_or_null();
    let proxies = proxies.map_err(rusqlite::Error::from)?;
    Ok(ProviderRecord {
        id: ProviderId(id),
        name: row.get(1)?,
        kind: row.get(2)?,
        server_url: row.get(3)?,
        server_key: seals.server_key.open(id, sealed)?,
        key_id: KeyId(row.get(19)?),
        client_key: KeyHash::from_bytes(row.get(5)?),
        client_key_mask: row.get(6)?,
        description: row.get(7)?,
        proxy_url: proxies
            .map(|sealed| seals.proxy_url.open(id, sealed))
            .transpose()?,
        enabled: row.get(9)?,
        priority: row.get(10)?,
        weight: row.get(11)?,
        created_at: Timestamp::from_micros(row.get(12)?),
        updated_at: Timestamp::from_micros(row.get(13)?),
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
    })
}

fn no_provider(id: ProviderId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no provider {id}"))
}
