use std::sync::Arc;

use futures_util::future::poll_immediate;

use super::append;
use super::rows::{all, end, only, open};
use crate::store::{LedgerQueries, LedgerStore, LedgerWrite as Write, RequestState, Settlement};
use crate::wire::{ProviderId, TimeRange};

/// How many rows a batch has that is written wholly or not at all.
const BATCH: usize = 64;

pub(super) async fn once(store: &(impl LedgerStore + LedgerQueries)) {
    let row = open();
    let id = row.request_id;
    append(store, [Write::Open(row.clone())]).await;
    let opened = only(store).await;
    assert_eq!(
        opened.state,
        RequestState::Open,
        "a row that is begun is open"
    );
    assert_eq!(opened.request_id, id);
    assert_eq!(opened.started_at, row.started_at);

    let settlement = Settlement {
        provider_id: ProviderId(2),
        provider: "two".into(),
        upstream_model: Some("upstream".into()),
        error: Some("code: message".into()),
        ..end(&row, 10, 20)
    };
    append(store, [Write::Settle(id, settlement.clone())]).await;
    let settled = only(store).await;
    assert_eq!(settled.state, RequestState::Completed);
    assert_eq!(settled.usage, settlement.usage);
    assert_eq!(settled.usage_source, settlement.usage_source);
    assert_eq!(
        (
            settled.provider_id,
            &*settled.provider,
            settled.upstream_model.as_deref()
        ),
        (ProviderId(2), "two", Some("upstream")),
        "a settled row names the provider that answered"
    );
    assert_eq!(
        (
            settled.status,
            settled.attempts,
            settled.first_token_ms,
            settled.duration_ms
        ),
        (Some(200), 1, Some(12), Some(34))
    );
    assert_eq!(settled.error.as_deref(), Some("code: message"));

    let sums = store
        .totals(TimeRange::ALL)
        .await
        .expect("totals can be read");
    let again = end(&row, 100, 200);
    append(
        store,
        [
            Write::Settle(id, again.clone()),
            Write::Open(row.clone()),
            Write::Whole(row, again),
        ],
    )
    .await;
    assert_eq!(only(store).await, settled, "the first settlement stays");
    let later = store
        .totals(TimeRange::ALL)
        .await
        .expect("totals can be read");
    assert_eq!(
        later, sums,
        "a settlement that changes nothing is in no sum"
    );
}

pub(super) async fn whole(store: &(impl LedgerStore + LedgerQueries)) {
    let (first, second) = (open(), open());
    append(
        store,
        [
            Write::Whole(first.clone(), end(&first, 5, 6)),
            Write::Open(second.clone()),
            Write::Whole(second.clone(), end(&second, 5, 6)),
        ],
    )
    .await;
    let rows = all(store).await;
    let [later, earlier] = &rows[..] else {
        panic!("two requests have two rows: {rows:?}");
    };
    let mut expected = earlier.clone();
    expected.request_id = second.request_id;
    expected.conversation_id = second.request_id.to_string();
    expected.started_at = second.started_at;
    assert_eq!(
        *later, expected,
        "a whole row equals one that was opened and settled"
    );
}

pub(super) async fn without_a_row(store: &(impl LedgerStore + LedgerQueries)) {
    let row = open();
    append(store, [Write::Settle(row.request_id, end(&row, 1, 1))]).await;
    append(store, []).await;
    let rows = all(store).await;
    assert!(rows.is_empty(), "a settlement alone makes no row: {rows:?}");
    let totals = store
        .totals(TimeRange::ALL)
        .await
        .expect("totals can be read");
    assert_eq!(totals.requests, 0, "a settlement alone is in no sum");
}

pub(super) async fn in_order(store: &(impl LedgerStore + LedgerQueries)) {
    let (one, other) = (open(), open());
    append(
        store,
        [
            Write::Open(one.clone()),
            Write::Settle(one.request_id, end(&one, 1, 2)),
            Write::Settle(one.request_id, end(&one, 3, 4)),
            Write::Settle(other.request_id, end(&other, 5, 6)),
            Write::Open(other),
        ],
    )
    .await;
    let rows = all(store).await;
    let seen: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| (row.state, row.usage.prompt_tokens))
        .collect();
    assert_eq!(
        seen,
        [(RequestState::Completed, 1), (RequestState::Open, 0)],
        "a batch is written in its order"
    );
}

/// Drops an append after its first poll, and looks when a later one is written.
pub(super) async fn atomically<S: LedgerStore + LedgerQueries>(store: Arc<S>) {
    for _ in 0..8 {
        let before = all(&*store).await.len();
        let batch: Vec<_> = (0..BATCH).map(|_| Write::Open(open())).collect();
        drop(poll_immediate(store.append(Arc::new(batch))).await);
        append(&*store, [Write::Open(open())]).await;
        let written = all(&*store).await.len() - before - 1;
        assert!(
            written == 0 || written == BATCH,
            "a batch is written wholly or not at all, and not {written} of {BATCH} rows"
        );
    }
}
