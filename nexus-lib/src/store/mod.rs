//! What persists, behind a small trait.
//!
//! [`SqliteStore`] is the default: one file, nothing else to run. A store keeps two things: the
//! registry's records and the ledger's rows. Both halves are dyn-safe traits of their own, so that
//! the ledger can be used without a registry.

mod client;
mod latency;
mod record;
mod row;
mod series;
mod sqlite;
mod statistics;
mod version;
mod watch;

pub use crate::wire::RequestState;
pub use client::{KeyFields, KeyOrigin, KeyRecord, KeySecret, ProjectFields, ProjectRecord};
pub use latency::{Histogram, Percentiles};
pub use record::{
    ModelRecord, NewModel, NewProvider, ProviderRecord, ProviderUpdate, RegistryRecords,
};
pub use row::{LedgerRow, LedgerWrite, OpenRow, RequestRecord, Settlement};
pub(crate) use series::Steps;
pub use series::{Bucket, SeriesBucket};
pub use sqlite::{Durability, SqliteOptions, SqliteStore};
pub use statistics::{
    ConversationTotals, KeyTotals, ModelTotals, ProviderTotals, RequestFilter, RowPage, Totals,
};
pub use version::Version;
pub use watch::StoreWatch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::{
    ConversationId, KeyId, ModelId, ProjectId, ProviderId, RequestId, ThreadMark, TimeRange,
    TimeZone, Timestamp,
};

/// Keeps providers, models, keys and projects.
///
/// # Contract
/// - What is handed in and out is clear text; what is at rest is not: an implementation seals
///   provider keys (authenticated encryption, bound to the provider's id) and never stores a
///   client's key, only its hash and its mask.
/// - Adding a provider makes the key of origin [`Provider`](KeyOrigin::Provider) that its clients show, named after
///   it, or joins the one that is there. A key of that origin goes with the last provider that carries it.
/// - A write is durable when its future resolves, and raises the revision by one.
/// - `expected` is compared with the row's [`Version`] in the same transaction; `None` is any. Each change
///   of a row gives it another version.
/// - Every method is atomic and cancel-safe: after a dropped future, the write has happened wholly or
///   not at all.
///
/// # Errors
/// `NotFound` for an id that is not there, `Conflict` for a second model of one name under one
/// provider, for a client key that is another key's, and for deleting what others still need, `PreconditionFailed` when a row is not as expected, `StoreUnavailable` when the store cannot be reached just now.
#[async_trait]
pub trait RegistryStore: Send + Sync + 'static {
    /// Everything, at one revision; providers and models ordered by id.
    async fn load(&self) -> Result<RegistryRecords>;
    /// Adds a provider.
    async fn insert_provider(&self, new: NewProvider) -> Result<ProviderRecord>;
    /// Replaces a provider's fields, if it is still as `expected`; keys that are `None` keep their values.
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
    /// Adds a key of origin [`Key`](KeyOrigin::Key). A store that keeps none but those that providers carry
    /// need not have this method, nor those below.
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
    /// Removes a key of origin [`Key`](KeyOrigin::Key), if it is still as `expected`. The ledger's rows stay.
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

/// Keeps the ledger.
///
/// # Contract
/// - [`append`](Self::append) is one transaction and durable (through a crash of the process) when its
///   future resolves.
/// - A settlement is idempotent: one for a row that is already settled changes nothing.
/// - Rows are never changed otherwise, and never deleted.
/// - A row whose id [`RequestId::new`] did not make, of version 7 and of 60 bits before all others', may be
///   left out, with an error in the log; the rest of its batch is written. Where the store holds ids
///   from before, it calls [`RequestId::rise_above`] when it opens.
#[async_trait]
pub trait LedgerStore: Send + Sync + 'static {
    /// Writes a batch, in order, all or nothing. Shared, so that a batch that could not be written
    /// can be tried again.
    async fn append(&self, batch: Arc<Vec<LedgerWrite>>) -> Result<()>;
    /// Settles as interrupted whatever an earlier process left open; returns how many there were.
    async fn interrupt_open(&self) -> Result<u64>;
    /// Sums over requests that started in `range`.
    async fn totals(&self, range: TimeRange) -> Result<Totals>;
    /// Sums by minute, hour or day of a time zone, of every bucket that has a moment of `range`; the first
    /// and the last have only what lies in it, so that the sums are those of [`totals`](Self::totals). Those
    /// without requests are there with zeros. A range without an end ends now, and one without a
    /// beginning has the last 60 minutes, 48 hours or 30 days. `Unprocessable` for more than
    /// [`Bucket::MOST`] buckets, and for a time zone that is not known.
    async fn series(
        &self,
        bucket: Bucket,
        range: TimeRange,
        zone: &TimeZone,
    ) -> Result<Vec<SeriesBucket>>;
    /// The thread marks of calls that ended within `memory` before `now`, with their conversations and
    /// when they ended, oldest first; of more than `most`, the newest.
    async fn threads(
        &self,
        now: Timestamp,
        memory: Duration,
        most: usize,
    ) -> Result<Vec<(ThreadMark, ConversationId, Timestamp)>>;
    /// One conversation's sums, and a page of its rows, oldest first; `None` when no request carries that
    /// id.
    async fn conversation(
        &self,
        id: &ConversationId,
        page: RowPage,
    ) -> Result<Option<ConversationTotals>>;
    /// One row, with what came of each request to a provider; `None` when there is none.
    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>>;
    /// A page of at most `limit` rows that match `filter`, newest first, older than `before`.
    async fn requests(
        &self,
        filter: RequestFilter,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>>;
}

/// A whole store.
#[async_trait]
pub trait Store: RegistryStore + LedgerStore {
    /// Whether the store answers, and can be trusted to keep what it takes: it reads something small. A
    /// gateway asks about once a second, and admits no request while it fails.
    async fn ping(&self) -> Result<()>;
    /// Finishes what is queued and lets go of files and connections. Later calls fail.
    async fn close(&self) -> Result<()>;
}
