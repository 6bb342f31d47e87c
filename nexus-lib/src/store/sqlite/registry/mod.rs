//! The registry's tables.

mod carried;
mod keys;
mod models;
mod projects;
mod providers;

use async_trait::async_trait;
use rusqlite::Connection;

use super::SqliteStore;
use super::error::Failure;
use super::seals::Seals;
use crate::error::{Error, Result};
use crate::store::{
    KeyFields, KeyRecord, KeySecret, ModelRecord, NewModel, NewProvider, ProjectFields,
    ProjectRecord, ProviderRecord, ProviderUpdate, RegistryRecords, RegistryStore, Version,
};
use crate::wire::{KeyId, ModelId, ProjectId, ProviderId};

/// The first schema that has keys.
const KEYS_SCHEMA: i64 = 6;

#[async_trait]
impl RegistryStore for SqliteStore {
    async fn load(&self) -> Result<RegistryRecords> {
        let seals = self.inner.seals.clone();
        self.read(move |view| load(view, &seals)).await
    }

    async fn insert_provider(&self, new: NewProvider) -> Result<ProviderRecord> {
        let seals = self.inner.seals.clone();
        self.change(move |connection| providers::insert(connection, &seals, &new))
            .await
    }

    async fn update_provider(
        &self,
        id: ProviderId,
        update: ProviderUpdate,
        expected: Option<Version>,
    ) -> Result<ProviderRecord> {
        let seals = self.inner.seals.clone();
        self.change(move |connection| providers::update(connection, &seals, id, &update, expected))
            .await
    }

    async fn delete_provider(&self, id: ProviderId, expected: Option<Version>) -> Result<()> {
        self.change(move |connection| providers::delete(connection, id, expected))
            .await
    }

    async fn insert_model(&self, new: NewModel) -> Result<ModelRecord> {
        self.change(move |connection| models::insert(connection, &new))
            .await
    }

    async fn update_model(
        &self,
        id: ModelId,
        new: NewModel,
        expected: Option<Version>,
    ) -> Result<ModelRecord> {
        self.change(move |connection| models::update(connection, id, &new, expected))
            .await
    }

    async fn delete_model(&self, id: ModelId, expected: Option<Version>) -> Result<()> {
        self.change(move |connection| models::delete(connection, id, expected))
            .await
    }

    async fn insert_key(&self, fields: KeyFields, secret: KeySecret) -> Result<KeyRecord> {
        self.change(move |connection| keys::insert(connection, &fields, &secret))
            .await
    }

    async fn update_key(
        &self,
        id: KeyId,
        fields: KeyFields,
        expected: Option<Version>,
    ) -> Result<KeyRecord> {
        self.change(move |connection| keys::update(connection, id, &fields, expected))
            .await
    }

    async fn delete_key(&self, id: KeyId, expected: Option<Version>) -> Result<()> {
        self.change(move |connection| keys::delete(connection, id, expected))
            .await
    }

    async fn insert_project(&self, fields: ProjectFields) -> Result<ProjectRecord> {
        self.change(move |connection| projects::insert(connection, &fields))
            .await
    }

    async fn update_project(
        &self,
        id: ProjectId,
        fields: ProjectFields,
        expected: Option<Version>,
    ) -> Result<ProjectRecord> {
        self.change(move |connection| projects::update(connection, id, &fields, expected))
            .await
    }

    async fn delete_project(&self, id: ProjectId, expected: Option<Version>) -> Result<()> {
        self.change(move |connection| projects::delete(connection, id, expected))
            .await
    }
}

impl SqliteStore {
    /// Runs `work` in a transaction of its own, which raises the revision.
    async fn change<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.write(move |connection| {
            let done = work(connection)?;
            connection.execute("UPDATE meta SET revision = revision + 1", [])?;
            Ok(done)
        })
        .await
    }
}

/// Reads databases of earlier schemas too, which are looked at before they are migrated.
pub(super) fn load(view: &Connection, seals: &Seals) -> Result<RegistryRecords, Failure> {
    let revision: i64 = view.query_row("SELECT revision FROM meta", [], |row| row.get(0))?;
    let schema: i64 = view.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let has_keys = schema >= KEYS_SCHEMA;
    Ok(RegistryRecords {
        revision: u64::try_from(revision).unwrap_or(0),
        providers: providers::load(view, seals, has_keys)?,
        models: models::load(view)?,
        keys: keys::load(view, has_keys)?,
        projects: match has_keys {
            true => projects::load(view)?,
            false => Vec::new(),
        },
    })
}

/// Refuses where no row was changed.
fn found(rows: usize, missing: impl FnOnce() -> Error) -> Result<(), Failure> {
    if rows > 0 {
        return Ok(());
    }
    Err(missing().into())
}
