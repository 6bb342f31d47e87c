use std::sync::Arc;

use futures_util::future::join_all;

use super::append;
use super::rows::{OWNER, all, end, only, open};
use crate::ledger::UsageLedger;
use crate::store::{
    LedgerQueries, LedgerStore, LedgerWrite as Write, OpenRow, Owners, RequestState,
};
use crate::wire::{GatewayId, TimeRange, Usage};

/// How many requests each of two ledgers has at once.
const REQUESTS: u64 = 50;

async fn recover(store: &impl LedgerStore, owners: Owners) -> u64 {
    let recovered = store.recover(owners).await;
    recovered.expect("open rows can be recovered")
}

pub(super) async fn recovery(store: &(impl LedgerStore + LedgerQueries)) {
    let lost = open();
    let living = OpenRow {
        owner: GatewayId::new(),
        ..open()
    };
    append(store, [&lost, &living].map(|row| Write::Open(row.clone()))).await;
    assert_eq!(
        recover(store, Owners::Gone).await,
        0,
        "gateways that write to this store may live"
    );
    let unknown = Owners::Gateway(GatewayId::new());
    assert_eq!(
        recover(store, unknown).await,
        0,
        "a gateway without rows has none to recover"
    );

    let gone = Owners::Gateway(OWNER);
    assert_eq!(
        recover(store, gone).await,
        1,
        "a gateway that is gone has its open row recovered"
    );
    assert_eq!(recover(store, gone).await, 0, "a row is recovered once");
    // What the gateway says later, should it live after all.
    append(store, [Write::Settle(lost.request_id, end(&lost, 9, 9))]).await;
    append(
        store,
        [Write::Settle(living.request_id, end(&living, 1, 1))],
    )
    .await;
    let rows = all(store).await;
    let states: Vec<_> = rows.iter().map(|row| row.state).collect();
    assert_eq!(
        states,
        [RequestState::Completed, RequestState::Interrupted],
        "a row of another gateway is left alone, and a recovered one stays as it is"
    );
    assert_eq!(rows[1].usage, Usage::default());
    assert!(rows[1].error.is_some(), "an interrupted row says so");
    let totals = store
        .totals(TimeRange::ALL)
        .await
        .expect("totals can be read");
    assert_eq!(
        (totals.requests, totals.errors, totals.total_tokens),
        (2, 1, 2),
        "an interrupted request is a request and an error"
    );
}

pub(super) async fn two_ledgers<S: LedgerStore + LedgerQueries>(store: Arc<S>) {
    let start = async || {
        let ledger = UsageLedger::start(store.clone()).await;
        ledger.expect("a ledger starts on the store")
    };
    let first = start().await;
    let row = of(&first);
    let entry = first.open(row.clone()).await;
    let mut entry = entry.expect("a request is admitted");
    entry.opened().await.expect("a row is opened");
    let second = start().await;
    assert_ne!(first.owner(), second.owner());
    assert_eq!(
        only(&*store).await.state,
        RequestState::Open,
        "a ledger that starts leaves alone what another has open"
    );

    let requests = (0..REQUESTS).flat_map(|number| [(&first, number), (&second, number)]);
    join_all(requests.map(|(ledger, number)| request(ledger, number))).await;
    let settled = entry.settle(end(&row, 1, 1));
    settled.durable().await.expect("a row is settled");
    for ledger in [&first, &second] {
        ledger.close().await.expect("a ledger closes");
    }
    let rows = all(&*store).await;
    let is_done = rows.iter().all(|row| row.state == RequestState::Completed);
    assert!(is_done, "every request of both ledgers is settled");
    let totals = store
        .totals(TimeRange::ALL)
        .await
        .expect("totals can be read");
    let tokens = 2 * (0..REQUESTS).sum::<u64>() + 1;
    assert_eq!(
        (totals.requests, totals.prompt_tokens),
        (2 * REQUESTS + 1, tokens),
        "sums have the requests of both ledgers"
    );
}

fn of(ledger: &UsageLedger) -> OpenRow {
    OpenRow {
        owner: ledger.owner(),
        ..open()
    }
}

/// Every other one is opened before it is settled.
async fn request(ledger: &UsageLedger, number: u64) {
    let row = of(ledger);
    let settlement = end(&row, number, 0);
    let entry = ledger.open(row).await;
    let mut entry = entry.expect("a request is admitted");
    if number.is_multiple_of(2) {
        entry.opened().await.expect("a row is opened");
    }
    let settled = entry.settle(settlement);
    settled.durable().await.expect("a row is settled");
}
