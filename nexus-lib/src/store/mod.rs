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
mod registry;
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
pub use queries::{LedgerQueries, RecalledConversation};
pub use record::{
    ModelRecord, NewModel, ProviderFields, ProviderWrite, RegistryRecords, SealedProvider,
    SealedSecrets,
};
pub use registry::{RegistryStore, RevisionChange};
pub use row::{LedgerRow, LedgerWrite, OpenRow, RequestRecord, Settlement};
pub(crate) use series::Steps;
pub use series::{Bucket, SeriesBucket};
#[cfg(feature = "sqlite")]
pub use sqlite::{Durability, Inspected, SqliteOptions, SqliteStore};
pub use statistics::{
    ConversationTotals, KeyTotals, ModelTotals, ProviderTotals, RequestFilter, RowPage, Totals,
};
pub use version::Version;
pub use watch::StoreWatch;

/// A whole store: what a gateway's builder takes together. Whatever keeps all three parts is one.
pub trait Store: RegistryStore + LedgerStore + LedgerQueries {}

impl<T: RegistryStore + LedgerStore + LedgerQueries + ?Sized> Store for T {}
