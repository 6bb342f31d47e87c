//! Rows that a sink is still to take, through a crash.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{OWNER, Place, open_row, settlement};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{LedgerParts, LedgerSink, UsageLedger};
use crate::observe::Observers;
use crate::store::{LedgerOutbox, LedgerRow, LedgerStore, LedgerWrite, OpenRow, RequestState};
use crate::wire::RequestId;

struct Sink {
    takes: bool,
    given: mpsc::Sender<(RequestId, RequestState)>,
}

#[async_trait]
impl LedgerSink for Sink {
    async fn take(&self, rows: &[LedgerRow]) -> Result<()> {
        for row in rows {
            // Once the test has ended, nobody listens.
            let _ = self.given.send((row.request_id, row.state)).await;
        }
        match self.takes {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Internal, "refused by the test")),
        }
    }
}

type Given = mpsc::Receiver<(RequestId, RequestState)>;

async fn start(store: super::SqliteStore, takes: bool) -> (UsageLedger, Given) {
    let (given, rows) = mpsc::channel(64);
    let store = Arc::new(store);
    let ledger = UsageLedger::over(LedgerParts {
        store: store.clone(),
        queries: store,
        observers: Observers::default(),
        sink: Some(Arc::new(Sink { takes, given })),
    });
    (ledger.await.unwrap(), rows)
}

#[tokio::test]
async fn rows_that_were_not_taken_before_a_crash_come_after_it() {
    let place = Place::new();
    let store = place.open().await;
    let mut ended = store.inner.writer.ended();
    let (ledger, mut given) = start(store, false).await;
    let of = |row: OpenRow| OpenRow {
        owner: ledger.owner(),
        ..row
    };
    let (lost, done) = (of(open_row("c1")), of(open_row("c2")));
    let ids = (lost.request_id, done.request_id);
    let mut open = ledger.open(lost).await.unwrap();
    open.opened().await.unwrap();
    let entry = ledger.open(done).await.unwrap();
    entry.settle(settlement(1, 1)).durable().await.unwrap();
    assert_eq!(given.recv().await, Some((ids.1, RequestState::Completed)));

    // Nothing is closed. A crash drops no entry either: a dropped one would be settled.
    std::mem::forget(open);
    drop(ledger);
    while ended.changed().await.is_ok() {}
    let (ledger, mut given) = start(place.open().await, true).await;
    assert_eq!(given.recv().await, Some((ids.1, RequestState::Completed)));
    assert_eq!(given.recv().await, Some((ids.0, RequestState::Interrupted)));
    ledger.close().await.unwrap();
    assert!(
        given.try_recv().is_err(),
        "each of them once, as they were taken"
    );
}

#[tokio::test]
async fn rows_that_were_taken_and_not_released_come_again() {
    let place = Place::new();
    let store = place.open().await;
    store.keep().await.unwrap();
    let row = open_row("c");
    let whole = LedgerWrite::Whole(row.clone(), settlement(1, 1));
    store.append(Arc::new(vec![whole])).await.unwrap();
    let before = store.kept(0, 10).await.unwrap();
    assert_eq!(
        (before.rows.len(), before.rows[0].request_id),
        (1, row.request_id)
    );
    assert_eq!(row.owner, OWNER);
    store.close().await.unwrap();

    let store = place.open().await;
    assert_eq!(store.kept(0, 10).await.unwrap(), before);
    store.release(before.last).await.unwrap();
    // No sink in this run: what is settled now is not kept.
    let late = LedgerWrite::Whole(open_row("c"), settlement(1, 1));
    store.append(Arc::new(vec![late])).await.unwrap();
    assert_eq!(store.kept(0, 10).await.unwrap(), Default::default());
}
