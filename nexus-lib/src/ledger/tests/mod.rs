//! The queue and its writer, over a store that follows a script.

mod feed;
mod outage;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, mpsc};

use super::{Entry, UsageLedger};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{
    Bucket, ConversationTotals, LedgerQueries, LedgerRow, LedgerStore, LedgerWrite, OpenRow,
    Owners, RecalledConversation, RequestFilter, RequestRecord, RequestState, RowPage,
    SeriesBucket, Settlement, Totals,
};
use crate::wire::{
    ConversationId, GatewayId, ProviderId, RequestId, TimeRange, TimeZone, Timestamp, Usage,
    UsageSource,
};

/// Keeps batches, and writes each only when it is let.
struct GatedStore {
    gate: Semaphore,
    batches: Mutex<Vec<Vec<LedgerWrite>>>,
    /// Told when a batch has arrived at the gate.
    arrivals: mpsc::Sender<usize>,
    verdict: Mutex<Option<ErrorKind>>,
    /// A request whose rows no store would take.
    poison: Mutex<Option<RequestId>>,
}

impl GatedStore {
    fn new() -> (Arc<Self>, mpsc::Receiver<usize>) {
        let (arrivals, arrived) = mpsc::channel(64);
        let gate = Semaphore::new(0);
        let (batches, verdict, poison) = Default::default();
        (
            Arc::new(Self {
                gate,
                batches,
                arrivals,
                verdict,
                poison,
            }),
            arrived,
        )
    }

    fn let_through(&self, batches: usize) {
        self.gate.add_permits(batches);
    }

    fn answer(&self, verdict: Option<ErrorKind>) {
        *self.verdict.lock().unwrap() = verdict;
    }

    fn written(&self) -> Vec<Vec<&'static str>> {
        let name = |write: &LedgerWrite| match write {
            LedgerWrite::Open(_) => "open",
            LedgerWrite::Settle(..) => "settle",
            LedgerWrite::Whole(..) => "whole",
        };
        self.batches
            .lock()
            .unwrap()
            .iter()
            .map(|batch| batch.iter().map(name).collect())
            .collect()
    }
}

#[async_trait]
impl LedgerStore for GatedStore {
    async fn append(&self, batch: Arc<Vec<LedgerWrite>>) -> Result<()> {
        self.arrivals.send(batch.len()).await.unwrap();
        self.gate.acquire().await.unwrap().forget();
        if let Some(kind) = *self.verdict.lock().unwrap() {
            return Err(Error::new(kind, "refused by the test"));
        }
        let poison = *self.poison.lock().unwrap();
        if batch.iter().any(|write| Some(request_id(write)) == poison) {
            return Err(Error::new(ErrorKind::Internal, "poisoned by the test"));
        }
        self.batches.lock().unwrap().push(batch.to_vec());
        Ok(())
    }
    async fn recover(&self, _: Owners) -> Result<u64> {
        Ok(0)
    }
}

#[async_trait]
impl LedgerQueries for GatedStore {
    async fn totals(&self, _: TimeRange) -> Result<Totals> {
        Ok(Totals::default())
    }
    async fn series(&self, _: Bucket, _: TimeRange, _: &TimeZone) -> Result<Vec<SeriesBucket>> {
        Ok(Vec::new())
    }
    async fn recall_conversations(
        &self,
        _: Timestamp,
        _: Duration,
        _: usize,
    ) -> Result<Vec<RecalledConversation>> {
        unreachable!()
    }

    async fn conversation(
        &self,
        _: &ConversationId,
        _: RowPage,
    ) -> Result<Option<ConversationTotals>> {
        Ok(None)
    }
    async fn request(&self, _: RequestId) -> Result<Option<RequestRecord>> {
        Ok(None)
    }
    async fn requests(
        &self,
        _: RequestFilter,
        _: Option<RequestId>,
        _: u32,
    ) -> Result<Vec<LedgerRow>> {
        Ok(Vec::new())
    }
}

fn request_id(write: &LedgerWrite) -> RequestId {
    match write {
        LedgerWrite::Open(row) | LedgerWrite::Whole(row, _) => row.request_id,
        LedgerWrite::Settle(id, _) => *id,
    }
}

fn row() -> OpenRow {
    OpenRow {
        request_id: RequestId::new(),
        owner: GatewayId::new(),
        conversation_id: ConversationId::begun_by(RequestId::new()),
        provider_id: ProviderId(1),
        provider: "p".into(),
        model: "m".into(),
        upstream_model: None,
        operation: "chat.completion",
        stream: false,
        started_at: Timestamp::now(),
        key_id: None,
        key: None,
        project_id: None,
    }
}

fn completed() -> Settlement {
    Settlement {
        state: RequestState::Completed,
        provider_id: ProviderId(1),
        provider: "p".into(),
        upstream_model: None,
        usage_source: UsageSource::None,
        usage: Usage::default(),
        status: Some(200),
        answered_by: None,
        upstream_status: None,
        attempts: 1,
        tries: None,
        first_token_ms: Some(1),
        duration_ms: 2,
        mark: None,
        error: None,
    }
}

async fn open(ledger: &UsageLedger) -> Entry {
    let mut entry = ledger.open(row()).await.unwrap();
    entry.begin();
    entry
}

#[tokio::test]
async fn rows_that_meet_in_a_batch_are_written_once() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    let first = open(&ledger).await;
    assert_eq!(arrived.recv().await, Some(1));
    // The first batch is at the store: these two wait together for the next one.
    let second = open(&ledger).await;
    let whole = second.settle(completed());
    let late = first.settle(completed());
    store.let_through(2);
    whole.durable().await.unwrap();
    late.durable().await.unwrap();
    assert_eq!(store.written(), [vec!["open"], vec!["whole", "settle"]]);
}

#[tokio::test]
async fn request_that_ends_before_its_row_was_begun_is_one_row() {
    let (store, _arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    store.let_through(1);
    let entry = ledger.open(row()).await.unwrap();
    entry.settle(completed()).durable().await.unwrap();
    assert_eq!(store.written(), [vec!["whole"]]);
}

#[tokio::test]
async fn request_that_is_dropped_is_settled() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    store.let_through(2);
    let begun = open(&ledger).await;
    arrived.recv().await.unwrap();
    drop(begun);
    arrived.recv().await.unwrap();
    drop(ledger.open(row()).await.unwrap());
    store.let_through(1);
    ledger.close().await.unwrap();
    assert_eq!(
        store.written(),
        [vec!["open"], vec!["settle"], vec!["whole"]]
    );
    let batches = store.batches.lock().unwrap();
    for write in batches.iter().flatten() {
        if let LedgerWrite::Settle(_, settlement) | LedgerWrite::Whole(_, settlement) = write {
            assert_eq!(settlement.state, RequestState::Cancelled);
        }
    }
}

#[tokio::test]
async fn rows_of_tasks_that_are_ready_share_a_batch() {
    let (store, _arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    store.let_through(8);
    let chats = (0..8).map(|_| async {
        let entry = ledger.open(row()).await.unwrap();
        entry.settle(completed()).durable().await.unwrap();
    });
    futures_util::future::join_all(chats).await;
    assert_eq!(store.written(), [vec!["whole"; 8]]);
}

#[tokio::test]
async fn nobody_is_told_before_the_store_has_it() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    let mut entry = open(&ledger).await;
    arrived.recv().await;
    let early = futures_util::future::poll_immediate(entry.opened()).await;
    assert!(early.is_none(), "the row is not durable yet");
    store.let_through(1);
    entry.opened().await.unwrap();
    drop(entry.settle(completed()));
}

#[tokio::test]
async fn close_writes_what_is_queued_and_admits_nothing_more() {
    let (store, mut arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    let (first, second) = (open(&ledger).await, open(&ledger).await);
    arrived.recv().await;
    drop((first.settle(completed()), second.settle(completed())));
    store.let_through(8);
    ledger.close().await.unwrap();
    let rows: usize = store.written().iter().map(Vec::len).sum();
    assert!(rows >= 2);
    assert_eq!(
        ledger.open(row()).await.err().unwrap().kind(),
        ErrorKind::Closed
    );
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_call_that_outlives_the_ledger_is_told_and_does_not_hang() {
    let (store, _arrived) = GatedStore::new();
    let ledger = UsageLedger::start(store.clone()).await.unwrap();
    let late = ledger.open(row()).await.unwrap();
    ledger.close().await.unwrap();
    let refused = late.settle(completed()).durable().await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::LedgerUnavailable);
}
