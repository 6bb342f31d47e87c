//! The registry's tables.

mod carried;
mod keys;
mod models;
mod projects;
mod providers;

use async_trait::async_trait;
use rusqlite::Connection;

use super::error::Failure;
use super::writer::closed;
use super::{SqliteStore, schema};
use crate::error::{Error, Result};
use crate::secret::{MasterKey, Sealed};
use crate::store::{
    KeyFields, KeyRecord, KeySecret, ModelRecord, NewModel, ProjectFields, ProjectRecord,
    ProviderWrite, RegistryRecords, RegistryStore, RevisionChange, SealedProvider, Version,
};
use crate::wire::{KeyId, ModelId, ProjectId, ProviderId};

/// The first schema that has keys.
const KEYS_SCHEMA: i64 = 6;

#[async_trait]
impl RegistryStore for SqliteStore {
    async fn load(&self) -> Result<RegistryRecords> {
        self.read(load).await
    }

    fn watch(&self, revision: u64) -> RevisionChange {
        let mut committed = self.inner.revision.subscribe();
        Box::pin(async move {
            let changed = committed.wait_for(|present| *present != revision).await;
            changed.map(|present| *present).map_err(|_| closed())
        })
    }

    async fn master_key(&self) -> Result<Option<MasterKey>> {
        Ok(Some(self.inner.master_key.clone()))
    }

    async fn key_check(&self, new: Sealed) -> Result<Sealed> {
        self.write(move |connection| schema::keep_check(connection, &new))
            .await
    }

    async fn insert_provider(&self, write: ProviderWrite) -> Result<SealedProvider> {
        self.change(move |connection| providers::insert(connection, &write))
            .await
    }

    async fn update_provider(
        &self,
        id: ProviderId,
        write: ProviderWrite,
        expected: Option<Version>,
    ) -> Result<SealedProvider> {
        self.change(move |connection| providers::update(connection, id, &write, expected))
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
        self.check_files()?;
        let committed = self.inner.revision.clone();
        let change = move |connection: &Connection| {
            let done = work(connection)?;
            connection.execute("UPDATE meta SET revision = revision + 1", [])?;
            Ok((done, revision(connection)?))
        };
        let tell = move |(_, revision): &(T, u64)| {
            committed.send_replace(*revision);
        };
        let (done, _) = self.inner.writer.write_then(change, tell).await?;
        Ok(done)
    }
}

/// Rises with every write.
pub(super) fn revision(view: &Connection) -> Result<u64, Failure> {
    let revision: i64 = view.query_row("SELECT revision FROM meta", [], |row| row.get(0))?;
    Ok(u64::try_from(revision).unwrap_or(0))
}

/// Reads databases of earlier schemas too, which are looked at before they are migrated.
pub(super) fn load(view: &Connection) -> Result<RegistryRecords, Failure> {
    let schema: i64 = view.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let has_keys = schema >= KEYS_SCHEMA;
    Ok(RegistryRecords {
        revision: revision(view)?,
        providers: providers::load(view, has_keys)?,
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
