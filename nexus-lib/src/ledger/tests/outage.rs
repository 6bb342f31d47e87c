//! Behaviour while the store cannot write.

use super::{GatedStore, completed, open, row};
use crate::error::ErrorKind;
use crate::ledger::{Entry, UsageLedger};

/// Asserts that nothing is admitted, and that the error has a `retry_after`.
async fn admits_nothing(ledger: &UsageLedger) {
    let refused = ledger.open(row()).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::LedgerUnavailable);
    assert!(refused.retry_after().is_some());
}

async fn is_told(entry: &mut Entry) {
    let refused = entry.opened().await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::LedgerUnavailable);
}

#[tokio::test]
async fn admission_stops_while_the_store_refuses_and_nothing_is_lost() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    store.answer(Some(ErrorKind::StoreUnavailable));
    let entry = open(&ledger).await;
    arrived.recv().await;
    store.let_through(1);
    // The second arrival of the same batch: the first was rejected by then.
    arrived.recv().await;
    admits_nothing(&ledger).await;
    let settled = entry.settle(completed());

    store.answer(None);
    store.let_through(2);
    settled.durable().await.unwrap();
    assert_eq!(store.written(), [vec!["open"], vec!["settle"]]);
    open(&ledger).await.settle(completed());
}

#[tokio::test]
async fn rows_that_can_never_be_written_are_told_so() {
    let (store, _arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    store.answer(Some(ErrorKind::Internal));
    store.let_through(1);
    is_told(&mut open(&ledger).await).await;
}

#[tokio::test(start_paused = true)]
async fn store_that_does_not_come_back_is_not_waited_for_without_end() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    let (mut first, start) = (open(&ledger).await, tokio::time::Instant::now());
    arrived.recv().await;
    let mut second = open(&ledger).await;
    is_told(&mut first).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    is_told(&mut second).await;
    admits_nothing(&ledger).await;

    // The store recovers: what was queued is written, and others are served.
    store.let_through(3);
    drop(first.settle(completed()));
    second.settle(completed());
    while ledger.open(row()).await.is_err() {
        tokio::task::yield_now().await;
    }
    ledger.close().await.unwrap();
    assert_eq!(
        store.written(),
        [vec!["open"], vec!["whole", "settle", "whole"]],
        "each row once; the last one is the entry that was admitted and dropped"
    );
}

#[tokio::test(start_paused = true)]
async fn each_batch_has_the_whole_patience() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    for _ in 0..3 {
        let mut entry = open(&ledger).await;
        arrived.recv().await;
        tokio::time::sleep(std::time::Duration::from_secs(9)).await;
        store.let_through(1);
        entry.opened().await.unwrap();
        entry.settle(completed());
        arrived.recv().await;
        store.let_through(1);
    }
}

#[tokio::test(start_paused = true)]
async fn damaged_store_is_told_at_once_and_its_rows_are_kept() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    store.answer(Some(ErrorKind::StoreInvalid));
    let mut entry = open(&ledger).await;
    store.let_through(1);
    let start = tokio::time::Instant::now();
    is_told(&mut entry).await;
    assert!(start.elapsed().is_zero());
    arrived.recv().await;
    admits_nothing(&ledger).await;

    arrived.recv().await;
    store.answer(None);
    store.let_through(2);
    entry.settle(completed());
    ledger.close().await.unwrap();
    assert_eq!(store.written(), [vec!["open"], vec!["settle"]]);
}

#[tokio::test(start_paused = true)]
async fn damaged_store_does_not_keep_a_ledger_from_closing() {
    let (store, _arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    store.answer(Some(ErrorKind::StoreInvalid));
    store.let_through(64);
    is_told(&mut open(&ledger).await).await;
    ledger.close().await.unwrap();
    assert!(store.written().is_empty());
}

#[tokio::test]
async fn a_row_that_no_store_would_take_costs_no_other_its_place() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    let first = open(&ledger).await;
    arrived.recv().await;
    let poisoned = row();
    *store.poison.lock().unwrap() = Some(poisoned.request_id);
    let second = open(&ledger).await;
    let poisoned = ledger.open(poisoned).await.unwrap().settle(completed());
    // All three at once, then each alone.
    drop((first.settle(completed()), second.settle(completed())));
    store.let_through(5);
    poisoned.durable().await.unwrap_err();
    assert_eq!(store.written(), [["open"], ["whole"], ["settle"]]);
    open(&ledger).await.settle(completed());
}

#[tokio::test]
async fn who_waits_for_room_is_told_of_a_stall() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    let mut entries = vec![open(&ledger).await];
    arrived.recv().await;
    let mut late = Box::pin(loop {
        let mut admission = Box::pin(ledger.open(row()));
        match futures_util::future::poll_immediate(&mut admission).await {
            Some(admitted) => entries.push(admitted.unwrap()),
            None => break admission,
        }
    });
    store.answer(Some(ErrorKind::StoreUnavailable));
    store.let_through(1);
    let refused = late.as_mut().await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::LedgerUnavailable);

    store.answer(None);
    store.let_through(64);
    entries.remove(0).opened().await.unwrap();
    entries
        .into_iter()
        .for_each(|entry| drop(entry.settle(completed())));
}
