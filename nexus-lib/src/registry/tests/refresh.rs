use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{is_known, registry, spec};
use crate::error::{ErrorKind, Result};
use crate::registry::Registry;
use crate::secret::MasterKey;
use crate::store::{
    ModelRecord, NewModel, ProviderWrite, RegistryRecords, RegistryStore, RevisionChange,
    SealedProvider, SqliteStore, Version,
};
use crate::testing::DEADLINE;
use crate::wire::{ModelId, ProviderId};

#[tokio::test]
async fn another_gateways_change_comes_by_itself() {
    let (_folder, store, registry) = registry().await;
    let other = Registry::open(Arc::new(store.clone()), ["openai"]).await;
    let other = other.unwrap();
    let id = other.add_provider(spec("one")).await.unwrap().id;
    until(|| is_known(&registry, "one")).await;
    // And the other way round, with what a revocation must reach.
    registry.delete_provider(id).await.unwrap();
    until(|| !is_known(&other, "one")).await;
}

/// Gives way until `is_so`; background tasks run meanwhile.
async fn until(is_so: impl Fn() -> bool) {
    let turned = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, turned).await.unwrap();
}

#[tokio::test]
async fn a_dropped_registry_lets_its_store_go() {
    let (folder, store, registry) = registry().await;
    let other = Registry::open(Arc::new(store), ["openai"]).await.unwrap();
    drop((registry, other));
    // One store at a time has the database.
    let path = folder.path().join("nexus.db");
    let opened = async {
        while SqliteStore::open(&path).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, opened).await.unwrap();
}

#[tokio::test]
async fn a_store_without_a_key_needs_one() {
    let store = || Arc::new(SlowFirstLoad::default());
    let error = Registry::open(store(), ["openai"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    let key = MasterKey::generate().unwrap();
    Registry::open_with_key(store(), ["openai"], key)
        .await
        .unwrap();
}

#[tokio::test]
async fn another_master_key_than_the_stores_is_refused() {
    let (_folder, store, _registry) = registry().await;
    let other = MasterKey::generate().unwrap();
    let opened = Registry::open_with_key(Arc::new(store), ["openai"], other).await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::StoreInvalid);
}

#[tokio::test]
async fn an_update_finds_what_another_gateway_has_just_added() {
    let (_folder, store, registry) = registry().await;
    let other = Registry::open(Arc::new(store), ["openai"]).await.unwrap();
    let added = other.add_provider(spec("two")).await.unwrap().id;
    registry
        .update_provider(added, spec("three"))
        .await
        .unwrap();
    assert!(is_known(&registry, "three"));
}

/// Answers its first load late: with what it read before the second one.
#[derive(Default)]
struct SlowFirstLoad {
    first: AtomicBool,
    go_on: Arc<Notify>,
    /// How often it was watched: it says each time that it has gone back.
    watched: AtomicUsize,
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
    fn watch(&self, _: u64) -> RevisionChange {
        self.watched.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(1) })
    }
    async fn insert_provider(&self, _: ProviderWrite) -> Result<SealedProvider> {
        unimplemented!()
    }
    async fn update_provider(
        &self,
        _: ProviderId,
        _: ProviderWrite,
        _: Option<Version>,
    ) -> Result<SealedProvider> {
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
        go_on: Arc::clone(&go_on),
        ..SlowFirstLoad::default()
    });
    let key = MasterKey::generate().unwrap();
    let registry = Registry::open_with_key(Arc::clone(&store) as _, [], key).await;
    let registry = registry.unwrap();
    store.first.store(true, Ordering::SeqCst);
    let later = async {
        registry.refresh().await.unwrap();
        go_on.notify_one();
    };
    let (older, ()) = tokio::join!(registry.refresh(), later);
    older.unwrap();
    assert_eq!(registry.snapshot().revision(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_went_back_is_not_asked_without_end() {
    let store = Arc::new(SlowFirstLoad::default());
    let key = MasterKey::generate().unwrap();
    let registry = Registry::open_with_key(Arc::clone(&store) as _, [], key).await;
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let watched = store.watched.load(Ordering::SeqCst);
    assert!(
        (2..=11).contains(&watched),
        "{watched} times in ten seconds"
    );
    drop(registry);
}
