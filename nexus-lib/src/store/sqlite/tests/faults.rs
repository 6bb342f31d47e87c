//! A database that cannot be written, or not be read.

use std::fs;
use std::sync::Arc;

use rusqlite::Connection;

use super::{Place, all_rows, open_row, settlement};
use crate::error::ErrorKind;
use crate::store::{LedgerStore, LedgerWrite};

#[tokio::test]
async fn a_lock_of_another_program_is_waited_for_briefly_and_undoes_nothing() {
    let place = Place::new();
    let store = place.open().await;
    let other = Connection::open(place.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let batch = Arc::new(vec![LedgerWrite::Whole(open_row("c"), settlement(1, 2))]);
    let error = store.append(Arc::clone(&batch)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    assert!(error.retry_after().is_some());
    assert!(all_rows(&store).await.is_empty(), "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    store.append(batch).await.unwrap();
    assert_eq!(all_rows(&store).await.len(), 1);
}

#[tokio::test]
async fn a_full_disk_undoes_nothing_and_is_written_again_when_there_is_room() {
    let place = Place::new();
    let store = place.open().await;
    let room = |pages: Option<i64>| {
        store.write(move |connection| {
            let pages = match pages {
                Some(pages) => pages,
                None => connection.pragma_query_value(None, "page_count", |row| row.get(0))?,
            };
            let set = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
            connection.pragma_update_and_check(None, "max_page_count", pages, set)?;
            Ok(())
        })
    };
    room(None).await.unwrap();
    let batch = || {
        let rows = (0..50).map(|_| LedgerWrite::Whole(open_row("c"), settlement(1, 2)));
        Arc::new(rows.collect::<Vec<_>>())
    };
    let mut written = 0;
    let (error, refused) = loop {
        let batch = batch();
        match store.append(Arc::clone(&batch)).await {
            Ok(()) => written += batch.len(),
            Err(error) => break (error, batch),
        }
    };
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    assert!(error.to_string().contains("full"), "{error}");
    assert_eq!(all_rows(&store).await.len(), written);
    room(Some(1 << 20)).await.unwrap();
    store.append(Arc::clone(&refused)).await.unwrap();
    assert_eq!(all_rows(&store).await.len(), written + refused.len());
}

#[tokio::test]
async fn damage_that_is_met_later_is_told_as_damage() {
    let place = Place::new();
    let store = place.open().await;
    let batch = |_| LedgerWrite::Whole(open_row("c"), settlement(1, 2));
    store
        .append(Arc::new((0..50).map(batch).collect()))
        .await
        .unwrap();
    // So large that it is not read in full at the opening.
    store
        .write(|connection| {
            connection.execute_batch(
                "CREATE TABLE padding (bytes BLOB); INSERT INTO padding VALUES (zeroblob(9 << 20))",
            )?;
            Ok(())
        })
        .await
        .unwrap();
    store.close().await.unwrap();
    let raw = Connection::open(place.path()).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'ledger_by_conversation'";
    let root: usize = raw
        .query_row(root, [], |row| Ok(row.get::<_, u32>(0)? as usize))
        .unwrap();
    drop(raw);
    let mut bytes = fs::read(place.path()).unwrap();
    let page = root * 4096;
    bytes[page - 4096..page].fill(0xA5);
    fs::write(place.path(), &bytes).unwrap();

    let store = place.open().await;
    let error = store.append(Arc::new(vec![batch(0)])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreInvalid, "{error:?}");
    assert!(error.to_string().contains("backup"), "{error}");
}
