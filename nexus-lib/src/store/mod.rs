//! What persists, behind a small trait.
//!
//! [`SqliteStore`] is the default: one file, nothing else to run. A store keeps the registry's
//! records ([`RegistryStore`]), writes the ledger's rows ([`LedgerStore`]), and answers questions
//! about them ([`LedgerQueries`]). Each part is a dyn-safe trait of its own, so that a gateway can
//! take them from different places, and a ledger can be written without a registry. An `Arc` of a
//! part is one, too.

mod client;
mod latency;
mod ledger;
mod outbox;
mod queries;
mod record;
mod row;
mod series;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statistics;
mod version;
mod watch;

pub use crate::wire::RequestState;
pub use client::{KeyFields, KeyOrigin, KeyRecord, KeySecret, ProjectFields, ProjectRecord};
pub use latency::{Histogram, Percentiles};
pub use ledger::{LedgerStore, Owners};
pub use outbox::{KeptRows, LedgerOutbox};
pub use queries::{LedgerQueries, RecalledThread};
pub use record::{
    ModelRecord, NewModel, NewProvider, ProviderRecord, ProviderUpdate, RegistryRecords,
};
pub use row::{LedgerRow, LedgerWrite, OpenRow, RequestRecord, Settlement};
pub(crate) use series::Steps;
pub use series::{Bucket, SeriesBucket};
#[cfg(feature = "sqlite")]
pub use sqlite::{Durability, SqliteOptions, SqliteStore};
pub use statistics::{
    ConversationTotals, KeyTotals, ModelTotals, ProviderTotals, RequestFilter, RowPage, Totals,
};
pub use version::Version;
pub use watch::StoreWatch;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::{KeyId, ModelId, ProjectId, ProviderId};

/// Keeps providers, models, keys and projects.
///
/// # Contract
/// - What is handed in and out is clear text; what is at rest is not: an implementation seals
///   provider keys (authenticated encryption, bound to the provider's id) and never stores a
///   client's key, only its hash and its mask.
/// - Adding a provider makes the key of origin [`Provider`](KeyOrigin::Provider) that its clients
///   show, named after it, or joins the one that is there. A key of that origin goes with the last
///   provider that carries it.
/// - A write is durable when its future resolves, and raises the revision by one.
/// - `expected` is compared with the row's [`Version`] in the same transaction; `None` is any. Each
///   change of a row gives it another version.
/// - Every method is atomic and cancel-safe: after a dropped future, the write has happened wholly
///   or not at all.
///
/// # Errors
/// `NotFound` for an id that is not there, `Conflict` for a second model of one name under one
/// provider, for a client key that is another key's, and for deleting what others still need,
/// `PreconditionFailed` when a row is not as expected, `StoreUnavailable` when the store cannot be
/// reached just now.
#[async_trait]
pub trait RegistryStore: Send + Sync + 'static {
    /// Everything, at one revision; providers and models ordered by id.
    async fn load(&self) -> Result<RegistryRecords>;
    /// Adds a provider.
    async fn insert_provider(&self, new: NewProvider) -> Result<ProviderRecord>;
    /// Replaces a provider's fields, if it is still as `expected`; keys that are `None` keep their
    /// values.
    async fn update_provider(
        &self,
        id: ProviderId,
        update: ProviderUpdate,
        expected: Option<Version>,
    ) -> Result<ProviderRecord>;
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
    /// Adds a key of origin [`Key`](KeyOrigin::Key). A store that keeps none but those that
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
    /// Removes a key of origin [`Key`](KeyOrigin::Key), if it is still as `expected`. The ledger's
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

/// A whole store: what a gateway's builder takes together. Whatever keeps all three parts is one.
pub trait Store: RegistryStore + LedgerStore + LedgerQueries {}

impl<T: RegistryStore + LedgerStore + LedgerQueries + ?Sized> Store for T {}
