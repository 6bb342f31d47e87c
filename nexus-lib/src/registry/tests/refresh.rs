use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{is_known, registry, spec};
use crate::error::Result;
use crate::registry::Registry;
use crate::store::{
    ModelRecord, NewModel, NewProvider, ProviderRecord, ProviderUpdate, RegistryRecords,
    RegistryStore, Version,
};
use crate::wire::{ModelId, ProviderId};

#[tokio::test]
async fn another_gateways_change_comes_with_a_refresh() {
    let (_folder, store, registry) = registry().await;
    let other = Registry::open(Arc::new(store), ["openai"]).await.unwrap();
    let id = other.add_provider(spec("one")).await.unwrap().id;
    assert!(!is_known(&registry, "one"));
    registry.refresh().await.unwrap();
    assert!(is_known(&registry, "one"));

    let added = other.add_provider(spec("two")).await.unwrap().id;
    registry
        .update_provider(added, spec("three"))
        .await
        .unwrap();
    assert!(is_known(&registry, "three") && added > id);
}

/// Answers its first load late: with what it read before the second one.
struct SlowFirstLoad {
    first: AtomicBool,
    go_on: Arc<Notify>,
}

#[async_trait]
impl RegistryStore for SlowFirstLoad {
    async fn load(&self) -> Result<RegistryRecords> {
        let first = self.first.swap(false, Ordering::SeqCst);
        if first {
            self.go_on.notified().await;
        }
        Ok(RegistryRecords {
            revision: if first { 1 } else { 2 },
            ..RegistryRecords::default()
        })
    }
    async fn insert_provider(&self, _: NewProvider) -> Result<ProviderRecord> {
        unimplemented!()
    }
    async fn update_provider(
        &self,
        _: ProviderId,
        _: ProviderUpdate,
        _: Option<Version>,
    ) -> Result<ProviderRecord> {
        unimplemented!()
    }
    async fn delete_provider(&self, _: ProviderId, _: Option<Version>) -> Result<()> {
        unimplemented!()
    }
    async fn insert_model(&self, _: NewModel) -> Result<ModelRecord> {
        unimplemented!()
    }
    async fn update_model(
        &self,
        _: ModelId,
        _: NewModel,
        _: Option<Version>,
    ) -> Result<ModelRecord> {
        unimplemented!()
    }
    async fn delete_model(&self, _: ModelId, _: Option<Version>) -> Result<()> {
        unimplemented!()
    }
}

#[tokio::test]
async fn an_older_load_that_ends_later_replaces_nothing() {
    let go_on = Arc::new(Notify::new());
    let store = Arc::new(SlowFirstLoad {
        first: false.into(),
        go_on: Arc::clone(&go_on),
    });
    let registry = Registry::open(Arc::clone(&store) as _, []).await.unwrap();
    store.first.store(true, Ordering::SeqCst);
    let later = async {
        registry.refresh().await.unwrap();
        go_on.notify_one();
    };
    let (older, ()) = tokio::join!(registry.refresh(), later);
    older.unwrap();
    assert_eq!(registry.snapshot().revision(), 2);
}
