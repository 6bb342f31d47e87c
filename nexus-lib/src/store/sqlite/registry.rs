use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use secrecy::{ExposeSecret, SecretString};

use super::SqliteStore;
use super::error::Failure;
use super::seals::Seals;
use crate::call::KeyHash;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{
    ModelRecord, NewModel, NewProvider, ProviderRecord, ProviderUpdate, RegistryRecords,
    RegistryStore, Version,
};
use crate::wire::{ModelId, ProviderId, ProviderLimits, TimerSettings, Timestamp, mask};

const PROVIDER_COLUMNS: &str = "id, name, kind, server_url, server_key, client_key,
    client_key_mask, description, proxy_url, enabled, priority, weight, created_at, updated_at,
    max_concurrency, connect_ms, first_event_ms, idle_ms, protocols";

const MODEL_COLUMNS: &str =
    "id, provider_id, model_name, upstream_model, description, created_at, updated_at";

#[async_trait]
impl RegistryStore for SqliteStore {
    async fn load(&self) -> Result<RegistryRecords> {
        let seals = self.inner.seals.clone();
        self.read(move |view| load(view, &seals)).await
    }

    async fn insert_provider(&self, new: NewProvider) -> Result<ProviderRecord> {
        let seals = self.inner.seals.clone();
        self.write(move |connection| {
            let id = insert_provider(connection, &new)?;
            set_server_key(connection, &seals, id, &new.server_key)?;
            set_proxies(connection, &seals, id, new.proxy_url.as_ref())?;
            raise_revision(connection)?;
            provider(connection, &seals, id)
        })
        .await
    }

    async fn update_provider(
        &self,
        id: ProviderId,
        update: ProviderUpdate,
        expected: Option<Version>,
    ) -> Result<ProviderRecord> {
        let seals = self.inner.seals.clone();
        self.write(move |connection| {
            check_provider(connection, id, expected)?;
            update_provider(connection, id, &update)?;
            set_proxies(connection, &seals, id, update.proxy_url.as_ref())?;
            if let Some(key) = &update.server_key {
                set_server_key(connection, &seals, id, key)?;
            }
            if let Some(key) = &update.personalized_key {
                set_client_key(connection, id, key)?;
            }
            raise_revision(connection)?;
            provider(connection, &seals, id)
        })
        .await
    }

    async fn delete_provider(&self, id: ProviderId, expected: Option<Version>) -> Result<()> {
        self.write(move |connection| {
            check_provider(connection, id, expected)?;
            let rows = connection.execute("DELETE FROM providers WHERE id = ?1", [id.0])?;
            found(rows, || no_provider(id))?;
            raise_revision(connection)
        })
        .await
    }

    async fn insert_model(&self, new: NewModel) -> Result<ModelRecord> {
        self.write(move |connection| {
            require_provider(connection, new.provider_id)?;
            let sql = "
                INSERT INTO models (provider_id, model_name, upstream_model, description,
                    created_at, updated_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
            let values = params![
                new.provider_id.0,
                new.model_name,
                new.upstream_model,
                new.description,
                Timestamp::now().as_micros(),
            ];
            unless_duplicate(connection.execute(sql, values), &new)?;
            let id = ModelId(connection.last_insert_rowid());
            raise_revision(connection)?;
            model(connection, id)
        })
        .await
    }

    async fn update_model(
        &self,
        id: ModelId,
        new: NewModel,
        expected: Option<Version>,
    ) -> Result<ModelRecord> {
        self.write(move |connection| {
            model(connection, id)?.version().check(expected)?;
            require_provider(connection, new.provider_id)?;
            let sql = "
                UPDATE models SET provider_id = ?2, model_name = ?3, upstream_model = ?4,
                    description = ?5, updated_at = MAX(?6, updated_at + 1)
                WHERE id = ?1";
            let values = params![
                id.0,
                new.provider_id.0,
                new.model_name,
                new.upstream_model,
                new.description,
                Timestamp::now().as_micros(),
            ];
            unless_duplicate(connection.execute(sql, values), &new)?;
            raise_revision(connection)?;
            model(connection, id)
        })
        .await
    }

    async fn delete_model(&self, id: ModelId, expected: Option<Version>) -> Result<()> {
        self.write(move |connection| {
            model(connection, id)?.version().check(expected)?;
            let rows = connection.execute("DELETE FROM models WHERE id = ?1", [id.0])?;
            found(rows, || no_model(id))?;
            raise_revision(connection)
        })
        .await
    }
}

fn check_provider(
    connection: &Connection,
    id: ProviderId,
    expected: Option<Version>,
) -> Result<(), Failure> {
    let mut statement =
        connection.prepare_cached("SELECT updated_at FROM providers WHERE id = ?1")?;
    let updated_at: Option<i64> = statement.query_row([id.0], |row| row.get(0)).optional()?;
    let updated_at = updated_at.ok_or_else(|| no_provider(id))?;
    Version::of(Timestamp::from_micros(updated_at)).check(expected)?;
    Ok(())
}

pub(super) fn load(view: &Connection, seals: &Seals) -> Result<RegistryRecords, Failure> {
    let revision: i64 = view.query_row("SELECT revision FROM meta", [], |row| row.get(0))?;
    let sql = format!("SELECT {PROVIDER_COLUMNS} FROM providers ORDER BY id");
    let mut statement = view.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut providers = Vec::new();
    while let Some(row) = rows.next()? {
        providers.push(read_provider(row, seals)?);
    }
    let sql = format!("SELECT {MODEL_COLUMNS} FROM models ORDER BY id");
    let mut statement = view.prepare_cached(&sql)?;
    let models = statement.query_map([], read_model)?;
    Ok(RegistryRecords {
        revision: u64::try_from(revision).unwrap_or(0),
        providers,
        models: models.collect::<rusqlite::Result<_>>()?,
    })
}

/// Inserts without what is sealed: that needs the id.
fn insert_provider(connection: &Connection, new: &NewProvider) -> Result<ProviderId, Failure> {
    let key = new.personalized_key.expose_secret();
    connection.execute(
        "INSERT INTO providers (name, kind, server_url, server_key, client_key, client_key_mask,
             description, enabled, priority, weight, created_at, updated_at,
             max_concurrency, connect_ms, first_event_ms, idle_ms, protocols)
         VALUES (?1, ?2, ?3, x'', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            new.name,
            new.kind,
            new.server_url,
            KeyHash::of(key.as_bytes()).as_bytes(),
            mask(key),
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

fn set_client_key(
    connection: &Connection,
    id: ProviderId,
    key: &SecretString,
) -> Result<(), Failure> {
    let key = key.expose_secret();
    connection.execute(
        "UPDATE providers SET client_key = ?2, client_key_mask = ?3 WHERE id = ?1",
        params![id.0, KeyHash::of(key.as_bytes()).as_bytes(), mask(key)],
    )?;
    Ok(())
}

fn raise_revision(connection: &Connection) -> Result<(), Failure> {
    connection.execute("UPDATE meta SET revision = revision + 1", [])?;
    Ok(())
}

fn provider(
    connection: &Connection,
    seals: &Seals,
    id: ProviderId,
) -> Result<ProviderRecord, Failure> {
    let sql = format!("SELECT {PROVIDER_COLUMNS} FROM providers WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id.0])?;
    match rows.next()? {
        Some(row) => read_provider(row, seals),
        None => Err(no_provider(id).into()),
    }
}

fn require_provider(connection: &Connection, id: ProviderId) -> Result<(), Failure> {
    let there = connection
        .prepare_cached("SELECT 1 FROM providers WHERE id = ?1")?
        .exists([id.0])?;
    if there {
        return Ok(());
    }
    Err(no_provider(id).with_param("provider_id").into())
}

fn model(connection: &Connection, id: ModelId) -> Result<ModelRecord, Failure> {
    let sql = format!("SELECT {MODEL_COLUMNS} FROM models WHERE id = ?1");
    let record = connection.query_row(&sql, [id.0], read_model).optional()?;
    Ok(record.ok_or_else(|| no_model(id))?)
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

fn read_model(row: &Row<'_>) -> rusqlite::Result<ModelRecord> {
    Ok(ModelRecord {
        id: ModelId(row.get(0)?),
        provider_id: ProviderId(row.get(1)?),
        model_name: row.get(2)?,
        upstream_model: row.get(3)?,
        description: row.get(4)?,
        created_at: Timestamp::from_micros(row.get(5)?),
        updated_at: Timestamp::from_micros(row.get(6)?),
    })
}

fn found(rows: usize, missing: impl FnOnce() -> Error) -> Result<(), Failure> {
    if rows > 0 {
        return Ok(());
    }
    Err(missing().into())
}

fn unless_duplicate(result: rusqlite::Result<usize>, new: &NewModel) -> Result<(), Failure> {
    let Err(error) = result.map_err(Failure::from) else {
        return Ok(());
    };
    if !error.is_duplicate() {
        return Err(error);
    }
    let message = format!(
        "provider {} has a model `{}` already; change that one or take another name",
        new.provider_id, new.model_name
    );
    let conflict = Error::new(ErrorKind::Conflict, message).with_param("model_name");
    Err(conflict.into())
}

fn no_provider(id: ProviderId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no provider {id}"))
}

fn no_model(id: ModelId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no model {id}"))
}
