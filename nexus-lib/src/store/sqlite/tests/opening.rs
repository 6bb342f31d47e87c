use std::sync::Arc;

use std::fs;
use std::task::Poll;

use rusqlite::Connection;

use super::{Place, SqliteStore, all_rows, new_provider, open_row, settlement};
use crate::error::ErrorKind;
use crate::secret::MasterKey;
use crate::store::{Durability, LedgerStore, LedgerWrite, RegistryStore, RequestState};

#[tokio::test]
async fn a_restart_keeps_everything() {
    let place = Place::new();
    let store = place.open().await;
    let provider = store
        .insert_provider(new_provider("A", "key-a"))
        .await
        .unwrap();
    let model = super::new_model(provider.id, "gpt-4");
    store.insert_model(model).await.unwrap();
    let whole = LedgerWrite::Whole(open_row("c1"), settlement(3, 4));
    store.append(Arc::new(vec![whole])).await.unwrap();
    let (before, rows) = (store.load().await.unwrap(), all_rows(&store).await);
    store.close().await.unwrap();

    let store = place.open().await;
    let after = store.load().await.unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!(
        after.providers[0].client_key,
        before.providers[0].client_key
    );
    assert_eq!(after.models, before.models);
    assert_eq!(all_rows(&store).await, rows);
}

#[tokio::test]
async fn what_was_appended_outlives_a_store_that_was_never_closed() {
    let place = Place::new();
    let store = place.open().await;
    store
        .append(Arc::new(vec![LedgerWrite::Open(open_row("c1"))]))
        .await
        .unwrap();
    // As a killed process leaves it: database and log, copied while the store is open.
    let copy = Place::new();
    for name in ["nexus.db", "nexus.db-wal"] {
        fs::copy(
            place.folder.path().join(name),
            copy.folder.path().join(name),
        )
        .unwrap();
    }
    let killed = SqliteStore::options(copy.path()).master_key(place.key.clone());
    assert_eq!(all_rows(&killed.open().await.unwrap()).await.len(), 1);
}

#[tokio::test]
async fn everything_missing_is_made_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/nexus.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store
        .insert_provider(new_provider("A", "key-a"))
        .await
        .unwrap();

    for name in ["nexus.db", "nexus.db-wal", "nexus.db-shm", "master.key"] {
        let file = path.with_file_name(name);
        let metadata = fs::metadata(&file).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(metadata.permissions().mode() & 0o077, 0, "{name}");
        }
        assert!(metadata.is_file());
    }
    store.close().await.unwrap();
    assert!(
        !path.with_file_name("nexus.db-wal").exists(),
        "folded in at the close"
    );
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.load().await.unwrap().providers.len(), 1);
}

#[tokio::test]
async fn no_secret_is_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nexus.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let new = new_provider("A", "client-canary-key-0002");
    let record = store.insert_provider(new).await.unwrap();
    let files_hold = |text: &str| {
        let mut read = 0;
        let held = fs::read_dir(folder.path()).unwrap().any(|entry| {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            read += bytes.len();
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        });
        assert!(read > 0);
        held
    };
    assert!(
        files_hold("https://api.openai.com/v1"),
        "the search finds what is there"
    );
    for secret in ["sk-server-canary-0001", "client-canary-key-0002"] {
        assert!(!files_hold(secret), "{secret} in a file of the open store");
        assert!(!format!("{record:?} {store:?}").contains(secret));
    }
    store.close().await.unwrap();
    for secret in ["sk-server-canary-0001", "client-canary-key-0002"] {
        assert!(
            !files_hold(secret),
            "{secret} in a file of the closed store"
        );
    }
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let place = Place::new();
    place.open().await.close().await.unwrap();

    let other = SqliteStore::options(place.path()).master_key(MasterKey::generate().unwrap());
    let error = other.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreInvalid);
    assert!(error.to_string().contains("master key"), "{error}");
    place.open().await;
}

#[tokio::test]
async fn a_missing_key_file_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nexus.db");
    SqliteStore::open(&path)
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    let key_file = path.with_file_name("master.key");
    fs::remove_file(&key_file).unwrap();

    let error = SqliteStore::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreInvalid);
    assert!(error.to_string().contains("restore it"), "{error}");
    assert!(!key_file.exists());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let place = Place::new();
    place.open().await.close().await.unwrap();
    let raw = Connection::open(place.path()).unwrap();
    raw.pragma_update(None, "user_version", 999).unwrap();
    drop(raw);

    refuses_untouched(&place, "schema 999").await;
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let place = Place::new();
    fs::write(place.path(), "a letter to nobody, longer than a header").unwrap();
    refuses_untouched(&place, "no SQLite database").await;

    fs::write(
        place.path(),
        b"SQLite format 3\0 and then rubbish".repeat(300),
    )
    .unwrap();
    refuses_untouched(&place, "damaged").await;
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_alone() {
    let place = Place::new();
    let store = place.open().await;
    let rows = (0..500).map(|_| LedgerWrite::Whole(open_row("c"), settlement(1, 1)));
    store.append(Arc::new(rows.collect())).await.unwrap();
    store.close().await.unwrap();
    let mut bytes = fs::read(place.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xA5);
    fs::write(place.path(), bytes).unwrap();

    refuses_untouched(&place, "damaged").await;
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let place = Place::new();
    let raw = Connection::open(place.path()).unwrap();
    raw.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(raw);
    refuses_untouched(&place, "another program").await;
}

async fn refuses_untouched(place: &Place, message: &str) {
    let before = fs::read(place.path()).unwrap();
    let options = SqliteStore::options(place.path()).master_key(place.key.clone());
    let error = options.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreInvalid, "{error:?}");
    assert!(error.to_string().contains(message), "{error}");
    assert!(
        fs::read(place.path()).unwrap() == before,
        "the file has changed"
    );
}

#[tokio::test]
async fn a_database_has_one_store_at_a_time() {
    let place = Place::new();
    let store = place.open().await;
    let open = LedgerWrite::Open(open_row("c1"));
    store.append(Arc::new(vec![open])).await.unwrap();

    let refused = |path: std::path::PathBuf| {
        let options = SqliteStore::options(path).master_key(place.key.clone());
        async {
            let error = options.open().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
            assert!(error.to_string().contains("nexus.db.lock"), "{error}");
            assert!(error.to_string().contains("stop that one"), "{error}");
        }
    };
    refused(place.path()).await;
    #[cfg(unix)]
    {
        let link = place.folder.path().join("link.db");
        std::os::unix::fs::symlink(place.path(), &link).unwrap();
        refused(link).await;
    }
    // Other programs may read.
    let reader = Connection::open(place.path()).unwrap();
    let count = reader.query_row("SELECT COUNT(*) FROM ledger", [], |row| {
        row.get::<_, i64>(0)
    });
    assert_eq!(count.unwrap(), 1);
    drop(reader);
    assert_eq!(all_rows(&store).await[0].state, RequestState::Open);

    store.close().await.unwrap();
    place.open().await;
}

#[tokio::test]
async fn a_closed_store_refuses_and_closes_again() {
    let place = Place::new();
    let store = place.open().await;
    store.ping().await.unwrap();
    let clone = store.clone();
    let (one, two) = tokio::join!(store.close(), clone.close());
    assert!(one.is_ok() && two.is_ok());
    store.close().await.unwrap();

    assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(store.load().await.unwrap_err().kind(), ErrorKind::Closed);
    let write = vec![LedgerWrite::Open(open_row("c"))];
    assert_eq!(
        store.append(Arc::new(write)).await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}

#[tokio::test]
async fn the_last_handles_drop_finishes_what_was_queued() {
    let place = Place::new();
    let store = place.open().await;
    let inner = std::sync::Arc::clone(&store.inner);
    // Polled once, an append is queued; then its future and the store are dropped.
    let mut append = store.append(Arc::new(vec![LedgerWrite::Open(open_row("c"))]));
    // The thread may be quick enough to answer at once: no matter.
    let first = std::future::poll_fn(|context| Poll::Ready(append.as_mut().poll(context)));
    let _ = first.await;
    drop(append);
    let mut ended = inner.writer.ended();
    drop((store, inner));
    assert!(ended.changed().await.is_err(), "the thread ends by itself");
    assert_eq!(all_rows(&place.open().await).await.len(), 1);
}

#[tokio::test]
async fn durability_chooses_how_a_commit_waits_for_the_disk() {
    for (durability, expected) in [(Durability::Process, 1), (Durability::Power, 2)] {
        let place = Place::new();
        let options = SqliteStore::options(place.path()).master_key(place.key.clone());
        let store = options.durability(durability).open().await.unwrap();
        let synchronous: i64 = store
            .write(|connection| {
                Ok(connection.pragma_query_value(None, "synchronous", |row| row.get(0))?)
            })
            .await
            .unwrap();
        assert_eq!(synchronous, expected);
    }
}
