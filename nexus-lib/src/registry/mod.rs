//! Providers, models and keys: what calls read, and what operators change.
//!
//! Reading is one pointer load: a [`Snapshot`] never changes, and holds everything that a request
//! needs made ready, down to the header with a provider's key. A write goes to the store first;
//! then what is stored is read back, made into a new snapshot, and swapped in if it is the newer
//! one. A request that has begun keeps the snapshot that it began with.
//!
//! All input is checked here, in [`ProviderSpec`] and for models likewise, whoever it comes from.
//!
//! ```
//! use std::sync::Arc;
//! use nexus_lib::registry::{ProviderSpec, Registry};
//! use nexus_lib::store::{NewModel, SqliteStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> nexus_lib::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
//! let registry = Registry::open(Arc::new(store), ["openai"]).await?;
//!
//! let spec = ProviderSpec::new("Local", "http://127.0.0.1:11434", "", "team-key").kind("openai");
//! let provider = registry.add_provider(spec).await?;
//! registry.add_model(NewModel::new(provider.id, "qwen3")).await?;
//!
//! let principal = registry.authenticate(b"team-key")?;
//! assert!(principal.grant().targets("qwen3").is_some());
//! assert!(registry.authenticate(b"another key").is_err());
//! # Ok(())
//! # }
//! ```

mod clients;
mod ensure;
mod follow;
mod kind;
mod live;
mod model;
mod record;
mod snapshot;
mod spec;
mod upstreams;

pub use ensure::ModelSpec;
pub use live::Registry;
pub(crate) use live::RegistryOptions;
pub use record::{ProviderRecord, Registered};
pub use snapshot::Snapshot;
pub use spec::ProviderSpec;
pub(crate) use upstreams::Upstreams;

#[cfg(test)]
mod tests;
