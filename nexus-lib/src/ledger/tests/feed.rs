//! Committed rows on their way to a sink.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::future::poll_immediate;
use tokio::sync::{Semaphore, mpsc};

use super::{GatedStore, completed, row};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{LedgerParts, LedgerSink, UsageLedger};
use crate::observe::Observers;
use crate::store::{LedgerQueries, LedgerRow, LedgerStore, SqliteStore};
use crate::wire::RequestId;

/// What a sink was given: the requests, and whether it took them.
type Given = (Vec<RequestId>, bool);

/// Reports what it is given, and takes it when it is let.
struct Sink {
    gate: Semaphore,
    refuses: AtomicBool,
    panics: AtomicBool,
    given: mpsc::Sender<Given>,
    max_waiting: u64,
}

impl Sink {
    fn new(max_waiting: u64) -> (Arc<Self>, mpsc::Receiver<Given>) {
        let (given, rows) = mpsc::channel(64);
        let sink = Self {
            gate: Semaphore::new(0),
            refuses: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            given,
            max_waiting,
        };
        (Arc::new(sink), rows)
    }
}

#[async_trait]
impl LedgerSink for Arc<Sink> {
    async fn take(&self, rows: &[LedgerRow]) -> Result<()> {
        self.gate.acquire().await.unwrap().forget();
        let refuses = self.refuses.load(Ordering::SeqCst);
        let ids = rows.iter().map(|row| row.request_id).collect();
        self.given.send((ids, !refuses)).await.unwrap();
        assert!(
            !self.panics.swap(false, Ordering::SeqCst),
            "as the test wants"
        );
        match refuses {
            true => Err(Error::new(ErrorKind::Internal, "refused by the test")),
            false => Ok(()),
        }
    }

    fn max_waiting(&self) -> u64 {
        self.max_waiting
    }
}

async fn start<S: LedgerStore + LedgerQueries>(store: S, sink: &Arc<Sink>) -> Result<UsageLedger> {
    let store = Arc::new(store);
    UsageLedger::over(LedgerParts {
        store: store.clone(),
        queries: store,
        observers: Observers::default(),
        sink: Some(Arc::new(Arc::clone(sink))),
    })
    .await
}

async fn request(ledger: &UsageLedger) -> RequestId {
    let row = row();
    let id = row.request_id;
    let entry = ledger.open(row).await.unwrap();
    entry.settle(completed()).durable().await.unwrap();
    id
}

#[tokio::test]
async fn a_sink_gets_each_row_in_order_and_all_of_them_before_the_ledger_closes() {
    let (sink, mut given) = Sink::new(100);
    let store = SqliteStore::in_memory().await.unwrap();
    let ledger = start(store, &sink).await.unwrap();
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.push(request(&ledger).await);
    }
    sink.gate.add_permits(100);
    ledger.close().await.unwrap();
    let mut seen = Vec::new();
    while let Ok((rows, true)) = given.try_recv() {
        seen.extend(rows);
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn rows_that_a_sink_refuses_come_again() {
    let (sink, mut given) = Sink::new(100);
    let store = SqliteStore::in_memory().await.unwrap();
    let ledger = start(store, &sink).await.unwrap();
    sink.refuses.store(true, Ordering::SeqCst);
    let first = request(&ledger).await;
    sink.gate.add_permits(1);
    assert_eq!(given.recv().await, Some((vec![first], false)));
    sink.refuses.store(false, Ordering::SeqCst);
    sink.panics.store(true, Ordering::SeqCst);
    sink.gate.add_permits(1);
    assert_eq!(
        given.recv().await.unwrap().0,
        [first],
        "refused, then panicked over"
    );
    sink.gate.add_permits(1);
    assert_eq!(given.recv().await, Some((vec![first], true)));
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_slow_sink_holds_up_admission_and_no_ending() {
    let (sink, mut given) = Sink::new(2);
    let store = SqliteStore::in_memory().await.unwrap();
    let ledger = start(store, &sink).await.unwrap();
    let open = ledger.open(row()).await.unwrap();
    for _ in 0..2 {
        request(&ledger).await;
    }
    let mut late = Box::pin(ledger.open(row()));
    assert!(poll_immediate(&mut late).await.is_none(), "two rows wait");
    assert!(
        ledger.check_writes().is_ok(),
        "it is slow, and does not fail"
    );
    open.settle(completed()).durable().await.unwrap();

    sink.gate.add_permits(100);
    late.await.unwrap().settle(completed());
    let mut taken = 0;
    while taken < 3 {
        taken += given.recv().await.unwrap().0.len();
    }
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_sink_that_fails_and_is_far_behind_stops_admission() {
    let (sink, mut given) = Sink::new(1);
    let store = SqliteStore::in_memory().await.unwrap();
    let ledger = start(store, &sink).await.unwrap();
    sink.refuses.store(true, Ordering::SeqCst);
    request(&ledger).await;
    sink.gate.add_permits(1);
    given.recv().await.unwrap();
    let refused = ledger.open(row()).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::LedgerUnavailable);
    assert!(refused.retry_after().is_some());
    assert!(ledger.check_writes().is_err());

    sink.refuses.store(false, Ordering::SeqCst);
    sink.gate.add_permits(100);
    assert!(given.recv().await.unwrap().1, "it takes rows again");
    while ledger.check_writes().is_err() {
        tokio::task::yield_now().await;
    }
    request(&ledger).await;
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_store_without_an_outbox_feeds_no_sink() {
    let (sink, _given) = Sink::new(1);
    let (store, _arrived) = GatedStore::new();
    let refused = start(store, &sink).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
}
