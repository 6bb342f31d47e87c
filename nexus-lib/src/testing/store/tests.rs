//! The stores of this crate keep the contract.

use super::StoreContract;
use crate::store::SqliteStore;

#[tokio::test]
async fn sqlite_in_memory() {
    let open = async || SqliteStore::in_memory().await.unwrap();
    StoreContract::of(open).check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicUsize::new(0);
    let open = async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = folder.path().join(number.to_string()).join("nexus.db");
        SqliteStore::open(path).await.unwrap()
    };
    StoreContract::of(open).check().await;
}

#[tokio::test]
async fn sqlite_behind_an_arc() {
    let open = async || std::sync::Arc::new(SqliteStore::in_memory().await.unwrap());
    StoreContract::of(open).check().await;
}
