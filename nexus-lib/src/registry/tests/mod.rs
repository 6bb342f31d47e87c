//! The registry with a real store.

mod access;
mod ensure;
mod input;
mod refresh;

use std::sync::Arc;

use tempfile::TempDir;

use super::{ProviderSpec, Registry};
use crate::error::ErrorKind;
use crate::store::{NewModel, SqliteStore};
use crate::wire::ProviderId;

const URL: &str = "https://llm.example/v1";

async fn registry() -> (TempDir, SqliteStore, Registry) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nexus.db");
    let store = SqliteStore::open(path).await.unwrap();
    let kinds = ["openai", "demo"];
    let registry = Registry::open(Arc::new(store.clone()), kinds)
        .await
        .unwrap();
    (folder, store, registry)
}

fn spec(key: &str) -> ProviderSpec {
    ProviderSpec::new("A", URL, "sk-server", key)
}

fn model(provider_id: ProviderId, name: &str) -> NewModel {
    NewModel::new(provider_id, name)
}

fn is_known(registry: &Registry, key: &str) -> bool {
    match registry.authenticate(key.as_bytes()) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidApiKey);
            assert!(!error.to_string().contains(key));
            false
        }
    }
}
