use std::future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    KeyFields, KeyRecord, KeySecret, ModelRecord, NewModel, ProjectFields, ProjectRecord,
    ProviderWrite, RegistryRecords, SealedProvider, Version,
};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{MasterKey, Sealed};
use crate::wire::{KeyId, ModelId, ProjectId, ProviderId};

/// What [`RegistryStore::watch`] returns.
pub type RevisionChange = Pin<Box<dyn Future<Output = Result<u64>> + Send>>;

/// Keeps providers, models, keys and projects.
///
/// A store never sees a secret. Providers' keys reach it sealed (see [`ProviderWrite`]), clients'
/// keys as their hash and mask; it keeps and returns these bytes as they are.
///
/// # Contract
/// - Adding a provider adds the key of origin [`Provider`](super::KeyOrigin::Provider) that its
///   clients send, named after it, or joins the existing one. Such a key is removed with its last
///   provider.
/// - A write is durable when its future resolves, and raises the revision by one. Ids are never
///   used again.
/// - `expected` is compared with the row's [`Version`] in the same transaction; `None` accepts any.
///   Each change of a row changes its version.
/// - Every method is atomic and cancel-safe: after a dropped future, the write has happened
///   completely or not at all.
///
/// # Errors
/// `NotFound` for an unknown id, `Conflict` for a second model of the same name under one provider,
/// for a client key that another key has, and for deleting what others still need,
/// `PreconditionFailed` when a row is not as expected, `StoreUnavailable` when the store cannot be
/// reached.
#[async_trait]
pub trait RegistryStore: Send + Sync + 'static {
    /// Everything, at one revision; each list ordered by id.
    async fn load(&self) -> Result<RegistryRecords>;

    /// Resolves with the present revision as soon as it differs from `revision`, whichever gateway
    /// made the change. The future must not keep the store open. By default it never resolves: for
    /// a store that one gateway has alone.
    ///
    /// # Errors
    /// `Closed` when the store has been closed. After any other error, the registry tries again.
    fn watch(&self, revision: u64) -> RevisionChange {
        let _ = revision;
        Box::pin(future::pending())
    }

    /// The master key that belongs to this store, if it has one, such as a key file beside the
    /// database. It is used where the application gives none.
    async fn master_key(&self) -> Result<Option<MasterKey>> {
        Ok(None)
    }

    /// Keeps `new` as the [check](crate::secret::KeyCheck) of the master key, unless one is kept
    /// already, and returns the one that is kept. A gateway with another master key is refused
    /// before it seals anything. By default nothing is kept: a wrong key is noticed when a
    /// provider's key does not open.
    async fn key_check(&self, new: Sealed) -> Result<Sealed> {
        Ok(new)
    }

    /// Adds a provider.
    async fn insert_provider(&self, write: ProviderWrite) -> Result<SealedProvider>;

    /// Replaces a provider's fields and proxies, if it is still as `expected`; keys that the write
    /// does not set keep their values.
    async fn update_provider(
        &self,
        id: ProviderId,
        write: ProviderWrite,
        expected: Option<Version>,
    ) -> Result<SealedProvider>;

    /// Removes a provider and its models, if it is still as `expected`. The ledger's rows stay.
    async fn delete_provider(&self, id: ProviderId, expected: Option<Version>) -> Result<()>;

    /// Adds a model to a provider.
    async fn insert_model(&self, new: NewModel) -> Result<ModelRecord>;

    /// Replaces a model's fields, if it is still as `expected`; its provider may change.
    async fn update_model(
        &self,
        id: ModelId,
        new: NewModel,
        expected: Option<Version>,
    ) -> Result<ModelRecord>;

    /// Removes a model, if it is still as `expected`.
    async fn delete_model(&self, id: ModelId, expected: Option<Version>) -> Result<()>;

    /// Adds a key of origin [`Key`](super::KeyOrigin::Key). A store that keeps none but those that
    /// providers carry need not have this method, nor those below.
    async fn insert_key(&self, fields: KeyFields, secret: KeySecret) -> Result<KeyRecord> {
        let _ = (fields, secret);
        Err(no_keys())
    }

    /// Replaces a key's fields, if it is still as `expected`. What a client shows stays.
    async fn update_key(
        &self,
        id: KeyId,
        fields: KeyFields,
        expected: Option<Version>,
    ) -> Result<KeyRecord> {
        let _ = (id, fields, expected);
        Err(no_keys())
    }

    /// Removes a key of origin [`Key`](super::KeyOrigin::Key), if it is still as `expected`. The ledger's
    /// rows stay.
    async fn delete_key(&self, id: KeyId, expected: Option<Version>) -> Result<()> {
        let _ = (id, expected);
        Err(no_keys())
    }

    /// Adds a project.
    async fn insert_project(&self, fields: ProjectFields) -> Result<ProjectRecord> {
        let _ = fields;
        Err(no_keys())
    }

    /// Replaces a project's fields, if it is still as `expected`.
    async fn update_project(
        &self,
        id: ProjectId,
        fields: ProjectFields,
        expected: Option<Version>,
    ) -> Result<ProjectRecord> {
        let _ = (id, fields, expected);
        Err(no_keys())
    }

    /// Removes a project that has no keys, if it is still as `expected`. The ledger's rows stay.
    async fn delete_project(&self, id: ProjectId, expected: Option<Version>) -> Result<()> {
        let _ = (id, expected);
        Err(no_keys())
    }
}

fn no_keys() -> Error {
    let message = "this store keeps no keys and projects besides its providers' keys";
    Error::new(ErrorKind::Unprocessable, message)
}

#[async_trait]
impl<T: RegistryStore + ?Sized> RegistryStore for Arc<T> {
    async fn load(&self) -> Result<RegistryRecords> {
        (**self).load().await
    }

    fn watch(&self, revision: u64) -> RevisionChange {
        (**self).watch(revision)
    }

    async fn master_key(&self) -> Result<Option<MasterKey>> {
        (**self).master_key().await
    }

    async fn key_check(&self, new: Sealed) -> Result<Sealed> {
        (**self).key_check(new).await
    }

    async fn insert_provider(&self, write: ProviderWrite) -> Result<SealedProvider> {
        (**self).insert_provider(write).await
    }

    async fn update_provider(
        &self,
        id: ProviderId,
        write: ProviderWrite,
        expected: Option<Version>,
    ) -> Result<SealedProvider> {
        (**self).update_provider(id, write, expected).await
    }

    async fn delete_provider(&self, id: ProviderId, expected: Option<Version>) -> Result<()> {
        (**self).delete_provider(id, expected).await
    }

    async fn insert_model(&self, new: NewModel) -> Result<ModelRecord> {
        (**self).insert_model(new).await
    }

    async fn update_model(
        &self,
        id: ModelId,
        new: NewModel,
        expected: Option<Version>,
    ) -> Result<ModelRecord> {
        (**self).update_model(id, new, expected).await
    }

    async fn delete_model(&self, id: ModelId, expected: Option<Version>) -> Result<()> {
        (**self).delete_model(id, expected).await
    }

    async fn insert_key(&self, fields: KeyFields, secret: KeySecret) -> Result<KeyRecord> {
        (**self).insert_key(fields, secret).await
    }

    async fn update_key(
        &self,
        id: KeyId,
        fields: KeyFields,
        expected: Option<Version>,
    ) -> Result<KeyRecord> {
        (**self).update_key(id, fields, expected).await
    }

    async fn delete_key(&self, id: KeyId, expected: Option<Version>) -> Result<()> {
        (**self).delete_key(id, expected).await
    }

    async fn insert_project(&self, fields: ProjectFields) -> Result<ProjectRecord> {
        (**self).insert_project(fields).await
    }

    async fn update_project(
        &self,
        id: ProjectId,
        fields: ProjectFields,
        expected: Option<Version>,
    ) -> Result<ProjectRecord> {
        (**self).update_project(id, fields, expected).await
    }

    async fn delete_project(&self, id: ProjectId, expected: Option<Version>) -> Result<()> {
        (**self).delete_project(id, expected).await
    }
}
