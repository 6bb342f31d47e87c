//! A service of an application's own on a ledger, without a gateway or a registry around it.

use std::sync::Arc;

use futures_util::StreamExt;
use nexus_lib::call::{
    Attempt, Call, Grant, Metered, MeteredBody, Operation, Principal, Reply, RequestBody,
};
use nexus_lib::store::{LedgerRow, RequestFilter, RequestState};
use nexus_lib::wire::{ChatChunk, RequestId, Usage};
use nexus_lib::{Error, ErrorKind, Result, SqliteStore, UsageLedger};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{PLAIN, STREAM};

async fn ledger(folder: &tempfile::TempDir) -> UsageLedger {
    let store = SqliteStore::open(folder.path().join("nexus.db")).await;
    UsageLedger::start(store.unwrap()).await.unwrap()
}

fn call(body: &'static str) -> Call {
    let principal = Principal::new("app", Arc::new(Grant::default()));
    let body = RequestBody::scan(body.into()).unwrap();
    Call::new(RequestId::new(), principal, Operation::ChatCompletion, body)
}

async fn hello(attempt: Attempt) -> Result<Reply> {
    let chunks = [
        ChatChunk::of_text("Hel"),
        ChatChunk::of_text("lo"),
        ChatChunk::finished("stop"),
        ChatChunk::of_usage(Usage::of(3, 2)),
    ];
    Reply::chunks(&attempt, futures_util::stream::iter(chunks.map(Ok))).await
}

async fn only_row(ledger: &UsageLedger) -> LedgerRow {
    let rows = ledger.requests(RequestFilter::default(), None, 10).await;
    let [row] = <[LedgerRow; 1]>::try_from(rows.unwrap()).unwrap();
    row
}

#[tokio::test]
async fn its_calls_are_on_the_ledger_before_their_answers_are() {
    for body in [PLAIN, STREAM] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder).await;
        let mut service = ledger.layer("mine").unwrap().layer(service_fn(hello));
        let metered: Metered = service
            .ready()
            .await
            .unwrap()
            .call(call(body))
            .await
            .unwrap();
        match metered.body {
            MeteredBody::Full(bytes) => assert!(bytes.windows(5).any(|words| words == b"Hello")),
            MeteredBody::Stream(mut events) => {
                assert_eq!(only_row(&ledger).await.state, RequestState::Open);
                while let Some(event) = events.next().await {
                    event.unwrap();
                }
            }
        }
        let row = only_row(&ledger).await;
        assert_eq!(
            (row.state, &*row.provider, &*row.model),
            (RequestState::Completed, "mine", "m")
        );
        assert_eq!((row.usage.total_tokens, row.attempts), (5, 1));
        assert_eq!(row.key.as_deref(), Some("app"));
        ledger.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_fails_or_is_dropped_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(&folder).await;
    let failing = service_fn(async |_: Attempt| -> Result<Reply> {
        Err(Error::new(ErrorKind::UpstreamInvalid, "no model is loaded"))
    });
    let service = ledger.layer("mine").unwrap().layer(failing);
    let error = service.oneshot(call(PLAIN)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpstreamInvalid);
    assert_eq!(only_row(&ledger).await.state, RequestState::Failed);

    let folder = tempfile::tempdir().unwrap();
    let ledger = self::ledger(&folder).await;
    let layer = ledger.layer("mine").unwrap();
    let metered = layer.layer(service_fn(hello)).oneshot(call(STREAM));
    drop(metered.await.unwrap());
    layer.close().await.unwrap();
    ledger.close().await.unwrap();
    assert_eq!(only_row(&ledger).await.state, RequestState::Cancelled);
}
