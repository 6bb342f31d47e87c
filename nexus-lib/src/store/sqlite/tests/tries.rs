use std::sync::Arc;

use super::{Place, open_row, settlement};
use crate::call::Try;
use crate::store::{
    LedgerQueries, LedgerStore, LedgerWrite, RequestRecord, RequestState, Settlement,
};
use crate::wire::ProviderId;

fn a_try(provider: i64, status: Option<u16>, error: Option<&str>) -> Try {
    Try {
        provider_id: ProviderId(provider),
        provider: format!("p{provider}"),
        status,
        error: error.map(str::to_owned),
        started_at: "2026-01-31T08:00:00.125Z".parse().unwrap(),
        duration_ms: 7,
    }
}

#[tokio::test]
async fn tries_come_back_whether_a_row_is_settled_at_once_or_later() {
    let place = Place::new();
    let store = place.open().await;
    let tries = vec![
        a_try(
            1,
            None,
            Some("upstream_unreachable: no (cause: connection refused)"),
        ),
        a_try(2, Some(401), Some("upstream_auth_failed: no")),
    ];
    let end = Settlement {
        state: RequestState::Failed,
        status: Some(502),
        upstream_status: Some(401),
        attempts: 2,
        tries: Some(tries.clone()),
        ..settlement(1, 2)
    };
    let (at_once, later) = (open_row("c1"), open_row("c2"));
    let batch = vec![
        LedgerWrite::Whole(at_once.clone(), end.clone()),
        LedgerWrite::Open(later.clone()),
        LedgerWrite::Settle(later.request_id, end),
    ];
    store.append(Arc::new(batch)).await.unwrap();
    for row in [at_once, later] {
        let record = store.request(row.request_id).await.unwrap().unwrap();
        assert_eq!(record.row.request_id, row.request_id);
        assert_eq!(
            (record.row.status, record.upstream_status),
            (Some(502), Some(401))
        );
        assert_eq!(record.tries, tries);
    }
}

#[tokio::test]
async fn a_plain_row_writes_no_tries_and_still_tells_of_its_one() {
    let place = Place::new();
    let store = place.open().await;
    let row = open_row("c1");
    let whole = LedgerWrite::Whole(row.clone(), settlement(1, 2));
    store.append(Arc::new(vec![whole])).await.unwrap();
    let record = store.request(row.request_id).await.unwrap().unwrap();
    assert_eq!(record, RequestRecord::of(record.row.clone()));
    assert_eq!(record.upstream_status, Some(200));
    assert_eq!((record.tries.len(), record.tries[0].status), (1, Some(200)));
    store.close().await.unwrap();
    let raw = rusqlite::Connection::open(place.path()).unwrap();
    let sql = "SELECT COUNT(*) FROM ledger WHERE tries IS NULL AND upstream_status IS NULL";
    let plain: i64 = raw.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(plain, 1);
}
