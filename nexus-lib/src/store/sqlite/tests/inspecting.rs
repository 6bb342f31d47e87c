use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Place, SqliteStore, new_model, new_provider};
use crate::error::{ErrorKind, Result};
use crate::secret::MasterKey;
use crate::store::{LedgerStore, RegistryRecords, RegistryStore};

/// Every file of a folder with what is in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    entries.collect()
}

async fn inspect(place: &Place, key: &MasterKey) -> Result<Option<RegistryRecords>> {
    let options = SqliteStore::options(place.path()).master_key(key.clone());
    Ok(options.inspect().await?.map(|inspected| inspected.records))
}

async fn filled(place: &Place) -> SqliteStore {
    let store = place.open().await;
    let provider = store.insert_provider(new_provider("A", "key-a")).await;
    let id = provider.unwrap().id;
    store.insert_model(new_model(id, "gpt-4")).await.unwrap();
    store
}

#[tokio::test]
async fn looking_changes_nothing_be_the_store_open_or_closed() {
    let place = Place::new();
    let store = filled(&place).await;
    let expected = format!("{:?}", store.load().await.unwrap());
    let seen = inspect(&place, &place.key).await.unwrap().unwrap();
    assert_eq!(format!("{seen:?}"), expected);
    // The store that has it goes on.
    let other = store.insert_provider(new_provider("B", "key-b")).await;
    other.unwrap();
    store.close().await.unwrap();

    let before = files(place.folder.path());
    let seen = inspect(&place, &place.key).await.unwrap().unwrap();
    assert_eq!((seen.providers.len(), seen.models.len()), (2, 1));
    assert_eq!(files(place.folder.path()), before);
}

#[tokio::test]
async fn where_nothing_is_nothing_is_made() {
    let place = Place::new();
    let options = SqliteStore::options(place.path());
    assert!(options.clone().inspect().await.unwrap().is_none());
    fs::write(place.path(), "").unwrap();
    assert!(options.inspect().await.unwrap().is_none());
    assert_eq!(files(place.folder.path()).len(), 1);
}

#[tokio::test]
async fn what_would_be_refused_is_refused() {
    let place = Place::new();
    filled(&place).await.close().await.unwrap();
    let other = MasterKey::generate().unwrap();
    let error = inspect(&place, &other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreInvalid);
    // The key is looked for in a file, and there is none.
    let missing = SqliteStore::options(place.path()).inspect().await;
    let message = missing.unwrap_err().to_string();
    assert!(message.contains("master.key is missing"), "{message}");
    assert!(!place.folder.path().join("master.key").exists());
    fs::write(place.path(), "no database, but a text of some length").unwrap();
    let error = inspect(&place, &place.key).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreInvalid);
}
