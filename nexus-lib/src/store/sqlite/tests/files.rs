//! Files that are taken away from a store that runs, and those that must not be made beside others.

use std::fs;
use std::sync::Arc;

use rusqlite::Connection;

use super::{Place, SqliteStore, all_rows, new_provider, open_row, settlement};
use crate::error::ErrorKind;
use crate::store::{LedgerStore, LedgerWrite, RegistryStore};

fn rows(count: usize) -> Arc<Vec<LedgerWrite>> {
    let row = |_| LedgerWrite::Whole(open_row("c"), settlement(1, 2));
    Arc::new((0..count).map(row).collect())
}

/// A store with rows that has been asked once, so that it has seen all of its files.
async fn store(place: &Place) -> SqliteStore {
    let store = place.open().await;
    store.append(rows(500)).await.unwrap();
    store.ping().await.unwrap();
    store
}

/// Moves all that is in the log into the database.
fn fold(place: &Place) {
    let other = Connection::open(place.path()).unwrap();
    let checkpoint = "PRAGMA wal_checkpoint(FULL)";
    other.query_row(checkpoint, [], |_| Ok(())).unwrap();
}

async fn assert_lost(store: &SqliteStore, kind: ErrorKind, what: &str) {
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), kind, "{what}: {error}");
    assert!(error.to_string().contains(what), "{what}: {error}");
    let refused = store.append(rows(1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::StoreInvalid, "{what}");
    let new = new_provider("B", "key-b");
    let refused = store.insert_provider(new).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::StoreUnavailable, "{what}");
}

#[tokio::test]
async fn file_that_is_moved_away_stops_writes_until_it_is_back() {
    for (suffix, what) in [
        ("", "the database was removed or moved"),
        ("-wal", "write-ahead log was removed or moved"),
        ("-shm", "index of its write-ahead log was removed"),
    ] {
        let place = Place::new();
        let store = store(&place).await;
        let name = place.folder.path().join(format!("nexus.db{suffix}"));
        let away = place.folder.path().join("away");
        fs::rename(&name, &away).unwrap();
        assert_lost(&store, ErrorKind::StoreUnavailable, what).await;
        // A copy is another file.
        fs::copy(&away, &name).unwrap();
        assert_lost(&store, ErrorKind::StoreUnavailable, "another file").await;
        fs::rename(&away, &name).unwrap();
        store.ping().await.unwrap();
        store.append(rows(1)).await.unwrap();
        assert_eq!(all_rows(&store).await.len(), 501);
        store.close().await.unwrap();
        assert_eq!(all_rows(&place.open().await).await.len(), 501);
    }
}

#[tokio::test]
async fn folder_that_is_moved_away_stops_writes() {
    let place = Place::new();
    let folder = place.folder.path().join("data");
    let options = SqliteStore::options(folder.join("nexus.db")).master_key(place.key.clone());
    let store = options.open().await.unwrap();
    store.ping().await.unwrap();
    fs::rename(&folder, place.folder.path().join("old")).unwrap();
    assert_lost(&store, ErrorKind::StoreUnavailable, "removed or moved").await;
}

#[tokio::test]
async fn database_that_is_cut_or_written_over_is_not_used_again() {
    type Change = fn(&Place, Vec<u8>);
    let cut: Change = |place, bytes| fs::write(place.path(), &bytes[..bytes.len() / 2]).unwrap();
    let empty: Change = |place, _| fs::write(place.path(), "").unwrap();
    let older: Change = |place, _| {
        let backup = fs::read(place.folder.path().join("backup")).unwrap();
        fs::write(place.path(), backup).unwrap();
    };
    let other: Change = |place, bytes| {
        let another = Place::new();
        let raw = Connection::open(another.path()).unwrap();
        raw.execute_batch("CREATE TABLE notes (bytes BLOB)")
            .unwrap();
        for _ in 0..50 {
            raw.execute("INSERT INTO notes VALUES (zeroblob(9000))", [])
                .unwrap();
        }
        drop(raw);
        let another = fs::read(another.path()).unwrap();
        assert!(another.len() > bytes.len());
        fs::write(place.path(), another).unwrap();
    };
    let rubbish: Change = |place, bytes| fs::write(place.path(), vec![0xA5; bytes.len()]).unwrap();
    for change in [cut, empty, older, other, rubbish] {
        let place = Place::new();
        let store = store(&place).await;
        fold(&place);
        fs::copy(place.path(), place.folder.path().join("backup")).unwrap();
        store.append(rows(500)).await.unwrap();
        fold(&place);
        store.ping().await.unwrap();
        let bytes = fs::read(place.path()).unwrap();
        change(&place, bytes.clone());
        assert_lost(&store, ErrorKind::StoreInvalid, "restore the database").await;
        // What came over it is not known to be whole, whatever it looks like now.
        fs::write(place.path(), bytes).unwrap();
        assert_lost(&store, ErrorKind::StoreInvalid, "start it again").await;
    }
}

#[tokio::test]
async fn older_copy_of_the_same_length_is_known_by_its_rows() {
    let place = Place::new();
    let store = store(&place).await;
    fold(&place);
    let backup = fs::read(place.path()).unwrap();
    store.append(rows(1)).await.unwrap();
    fold(&place);
    store.ping().await.unwrap();
    assert_eq!(
        fs::metadata(place.path()).unwrap().len(),
        backup.len() as u64
    );
    fs::write(place.path(), backup).unwrap();
    assert_lost(&store, ErrorKind::StoreInvalid, "an older copy").await;
}

#[tokio::test]
async fn log_that_is_cut_stops_writes_for_good() {
    let place = Place::new();
    let store = store(&place).await;
    let log = place.folder.path().join("nexus.db-wal");
    fs::OpenOptions::new()
        .write(true)
        .open(log)
        .unwrap()
        .set_len(4096)
        .unwrap();
    assert_lost(
        &store,
        ErrorKind::StoreInvalid,
        "write-ahead log was truncated",
    )
    .await;
}

#[tokio::test]
async fn what_other_programs_may_do_stops_nothing() {
    let place = Place::new();
    let store = store(&place).await;
    let other = Connection::open(place.path()).unwrap();
    for step in [
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "VACUUM",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "SELECT COUNT(*) FROM ledger",
        "UPDATE meta SET revision = revision + 1",
        "PRAGMA wal_checkpoint(RESTART)",
    ] {
        let mut statement = other.prepare(step).unwrap();
        let _ = statement.query([]).unwrap().next().unwrap().is_some();
        store
            .ping()
            .await
            .unwrap_or_else(|error| panic!("{step}: {error}"));
        store.append(rows(100)).await.unwrap();
        store
            .ping()
            .await
            .unwrap_or_else(|error| panic!("{step}: {error}"));
    }
    drop(other);
    store.ping().await.unwrap();
    assert_eq!(all_rows(&store).await.len(), 1100);
}

#[tokio::test]
async fn ledger_that_grows_and_is_folded_stops_nothing() {
    let place = Place::new();
    let store = store(&place).await;
    for _ in 0..10 {
        store.append(rows(300)).await.unwrap();
        store.ping().await.unwrap();
        fold(&place);
        store.ping().await.unwrap();
    }
}

#[tokio::test]
async fn lock_whose_file_was_removed_is_taken_again() {
    let place = Place::new();
    let store = store(&place).await;
    let lock = place.folder.path().join("nexus.db.lock");
    fs::remove_file(&lock).unwrap();
    store.ping().await.unwrap();
    assert!(lock.exists());
    let options = SqliteStore::options(place.path()).master_key(place.key.clone());
    let error = options.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    // Somebody else was quicker.
    fs::remove_file(&lock).unwrap();
    let taken = fs::File::create(&lock).unwrap();
    taken.try_lock().unwrap();
    assert_lost(
        &store,
        ErrorKind::StoreUnavailable,
        "in use by another gateway",
    )
    .await;
    drop(taken);
    store.ping().await.unwrap();
    store.append(rows(1)).await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_name_of_the_same_file_does_not_get_past_the_lock() {
    let place = Place::new();
    let store = store(&place).await;
    let link = place.folder.path().join("link.db");
    fs::hard_link(place.path(), &link).unwrap();
    let options = SqliteStore::options(&link).master_key(place.key.clone());
    let error = options.clone().open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "{error}");
    assert!(error.to_string().contains("another gateway"), "{error}");
    store.append(rows(1)).await.unwrap();
    store.close().await.unwrap();
    drop(options.open().await.unwrap());
}

#[tokio::test]
async fn no_database_is_begun_beside_the_key_of_an_older_one() {
    for is_there in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nexus.db");
        let store = SqliteStore::open(&path).await.unwrap();
        store.close().await.unwrap();
        fs::remove_file(&path).unwrap();
        if is_there {
            fs::write(&path, "").unwrap();
        }
        let refused = SqliteStore::open(&path).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::StoreInvalid);
        for word in ["missing or empty", "restore", "begin anew"] {
            assert!(refused.to_string().contains(word), "{refused}");
        }
        assert_eq!(path.exists(), is_there, "nothing is made");
        let inspected = SqliteStore::options(&path).inspect().await.unwrap_err();
        assert_eq!(inspected.to_string(), refused.to_string());
        // Without the key it is a new one.
        fs::remove_file(path.with_file_name("master.key")).unwrap();
        SqliteStore::open(&path).await.unwrap();
    }
}

#[tokio::test]
async fn database_in_memory_makes_no_file_and_shares_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let here = fs::read_dir(".").unwrap().count();
    let (one, two) = (
        SqliteStore::in_memory().await.unwrap(),
        SqliteStore::options(":memory:")
            .master_key_file(folder.path().join("master.key"))
            .open()
            .await
            .unwrap(),
    );
    one.insert_provider(new_provider("A", "key")).await.unwrap();
    one.append(rows(20)).await.unwrap();
    let (ledger, asked) = tokio::join!(all_rows(&one), one.ping());
    assert_eq!(ledger.len(), 20);
    asked.unwrap();
    assert_eq!(one.load().await.unwrap().providers.len(), 1);
    assert!(two.load().await.unwrap().providers.is_empty());
    one.close().await.unwrap();
    assert_eq!(one.ping().await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(one.load().await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(fs::read_dir(".").unwrap().count(), here);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
