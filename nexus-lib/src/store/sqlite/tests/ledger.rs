use std::sync::Arc;

use super::{Place, SqliteStore, all_rows, open_row, settlement};
use crate::error::ErrorKind;
use crate::store::{
    LedgerQueries, LedgerRow, LedgerStore, LedgerWrite, OpenRow, Owners, RequestState, RowPage,
};
use crate::wire::{ConversationId, GatewayId, ProviderId, RequestId, Usage, UsageSource};

async fn only_row(store: &SqliteStore) -> LedgerRow {
    let mut rows = all_rows(store).await;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

#[tokio::test]
async fn a_row_opens_and_settles() {
    let place = Place::new();
    let store = place.open().await;
    let row = open_row("c1");
    store
        .append(Arc::new(vec![LedgerWrite::Open(row.clone())]))
        .await
        .unwrap();

    let open = only_row(&store).await;
    assert_eq!(open.request_id, row.request_id);
    assert_eq!(open.started_at, row.started_at);
    assert_eq!(
        (open.state, open.usage_source),
        (RequestState::Open, UsageSource::None)
    );
    assert_eq!((open.usage, open.duration_ms), (Usage::default(), None));

    let mut end = settlement(10, 20);
    (end.provider_id, end.provider) = (ProviderId(2), "Other".into());
    end.upstream_model = Some("gpt-4-2026".into());
    end.error = Some("code: message".into());
    store
        .append(Arc::new(vec![LedgerWrite::Settle(
            row.request_id,
            end.clone(),
        )]))
        .await
        .unwrap();
    let expected = LedgerRow {
        provider_id: ProviderId(2),
        provider: "Other".to_owned(),
        upstream_model: Some("gpt-4-2026".to_owned()),
        state: RequestState::Completed,
        usage_source: UsageSource::Reported,
        usage: end.usage,
        status: Some(200),
        attempts: 1,
        first_token_ms: Some(12),
        duration_ms: Some(34),
        error: Some("code: message".to_owned()),
        ..open
    };
    assert_eq!(only_row(&store).await, expected);
}

#[tokio::test]
async fn whatever_settled_first_stays() {
    let place = Place::new();
    let store = place.open().await;
    let row = open_row("c1");
    let id = row.request_id;
    let first = vec![
        LedgerWrite::Open(row.clone()),
        LedgerWrite::Settle(id, settlement(1, 2)),
    ];
    store.append(Arc::new(first)).await.unwrap();
    let settled = only_row(&store).await;

    let again = vec![
        LedgerWrite::Settle(id, settlement(100, 200)),
        LedgerWrite::Open(row.clone()),
        LedgerWrite::Whole(row, settlement(100, 200)),
    ];
    store.append(Arc::new(again)).await.unwrap();
    assert_eq!(only_row(&store).await, settled);
}

#[tokio::test]
async fn a_whole_row_equals_one_that_was_opened_and_settled() {
    let place = Place::new();
    let store = place.open().await;
    let row = open_row("c1");
    let mut end = settlement(5, 6);
    end.state = RequestState::Failed;
    end.status = None;
    store
        .append(Arc::new(vec![LedgerWrite::Whole(row.clone(), end.clone())]))
        .await
        .unwrap();
    let whole = only_row(&store).await;

    let other = Place::new();
    let store = other.open().await;
    let writes = vec![LedgerWrite::Open(row.clone()), LedgerWrite::Whole(row, end)];
    store.append(Arc::new(writes)).await.unwrap();
    assert_eq!(only_row(&store).await, whole);
}

#[tokio::test]
async fn a_settlement_without_a_row_changes_nothing() {
    let place = Place::new();
    let store = place.open().await;
    let stray = LedgerWrite::Settle(open_row("c").request_id, settlement(1, 1));
    store.append(Arc::new(vec![stray])).await.unwrap();
    store.append(Arc::new(Vec::new())).await.unwrap();
    assert!(all_rows(&store).await.is_empty());
}

#[tokio::test]
async fn what_an_earlier_process_left_open_is_interrupted() {
    let place = Place::new();
    let store = place.open().await;
    let (lost, done) = (open_row("c1"), open_row("c1"));
    let writes = vec![
        LedgerWrite::Open(lost.clone()),
        LedgerWrite::Whole(done, settlement(1, 1)),
    ];
    store.append(Arc::new(writes)).await.unwrap();

    // Its gateway may live: this store has been open since before it began.
    assert_eq!(store.recover(Owners::Gone).await.unwrap(), 0);
    store.close().await.unwrap();
    let store = place.open().await;
    let other = Owners::Gateway(GatewayId::new());
    assert_eq!(store.recover(other).await.unwrap(), 0);
    assert_eq!(store.recover(Owners::Gone).await.unwrap(), 1);
    assert_eq!(store.recover(Owners::Gone).await.unwrap(), 0);
    let late = LedgerWrite::Settle(lost.request_id, settlement(9, 9));
    store.append(Arc::new(vec![late])).await.unwrap();
    let rows = all_rows(&store).await;
    assert_eq!(rows[0].state, RequestState::Completed);
    assert_eq!(rows[1].state, RequestState::Interrupted);
    assert_eq!(rows[1].usage, Usage::default());
    assert!(rows[1].error.is_some());
}

#[tokio::test]
async fn a_gateway_that_is_gone_costs_one_that_lives_no_row() {
    let place = Place::new();
    let store = place.open().await;
    let (lost, living) = (open_row("c1"), open_row("c2"));
    let living = OpenRow {
        owner: GatewayId::new(),
        ..living
    };
    let writes = [&lost, &living].map(|row| LedgerWrite::Open(row.clone()));
    store.append(Arc::new(writes.into())).await.unwrap();

    let gone = Owners::Gateway(lost.owner);
    assert_eq!(store.recover(gone).await.unwrap(), 1);
    let settle = LedgerWrite::Settle(living.request_id, settlement(1, 1));
    store.append(Arc::new(vec![settle])).await.unwrap();
    let states = all_rows(&store).await.into_iter().map(|row| row.state);
    let expected = [RequestState::Completed, RequestState::Interrupted];
    assert_eq!(states.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn figures_beyond_reason_stay_summable() {
    let place = Place::new();
    let store = place.open().await;
    let mut end = settlement(1, 1);
    end.usage.prompt_tokens = u64::MAX;
    end.duration_ms = u64::MAX;
    let rows = (0..4).map(|_| LedgerWrite::Whole(open_row("c"), end.clone()));
    store.append(Arc::new(rows.collect())).await.unwrap();
    let totals = store.totals(Default::default()).await.unwrap();
    assert_eq!(totals.prompt_tokens, 4 << 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_at_once_all_land() {
    let place = Place::new();
    let store = place.open().await;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    let row = open_row("c");
                    let id = row.request_id;
                    store
                        .append(Arc::new(vec![LedgerWrite::Open(row)]))
                        .await
                        .unwrap();
                    let end = LedgerWrite::Settle(id, settlement(1, 2));
                    store.append(Arc::new(vec![end])).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let totals = store.totals(Default::default()).await.unwrap();
    assert_eq!((totals.total_rounds, totals.prompt_tokens), (500, 500));
}

#[tokio::test]
async fn a_batch_is_written_wholly_or_not_at_all() {
    let place = Place::new();
    let store = place.open().await;
    store
        .write(|connection| {
            let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON ledger WHEN NEW.model = 'bad'
                BEGIN SELECT RAISE(ABORT, 'no'); END";
            Ok(connection.execute_batch(trigger)?)
        })
        .await
        .unwrap();
    let mut bad = open_row("c");
    bad.model = "bad".into();
    let batch = vec![LedgerWrite::Open(open_row("c")), LedgerWrite::Open(bad)];
    let error = store.append(Arc::new(batch)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(all_rows(&store).await.is_empty());
    store
        .append(Arc::new(vec![LedgerWrite::Open(open_row("c"))]))
        .await
        .unwrap();
}

#[tokio::test]
async fn settling_and_interrupting_need_no_scan() {
    let place = Place::new();
    let store = place.open().await;
    for (sql, index) in [
        (
            "UPDATE ledger SET state = 1 WHERE seq = 1 AND tail = 2 AND state = 0",
            "INTEGER PRIMARY KEY",
        ),
        ("UPDATE ledger SET state = 4 WHERE state = 0", "ledger_open"),
        (
            "SELECT provider FROM ledger WHERE conversation_id = 'c'",
            "ledger_by_conversation",
        ),
    ] {
        let plan: String = store
            .read(move |view| {
                let sql = format!("EXPLAIN QUERY PLAN {sql}");
                Ok(view.query_row(&sql, [], |row| row.get(3))?)
            })
            .await
            .unwrap();
        assert!(plan.starts_with("SEARCH") && plan.contains(index), "{plan}");
    }
}

#[tokio::test]
async fn a_conversation_named_after_its_first_request_has_all_of_its_rows() {
    let place = Place::new();
    let store = place.open().await;
    let first = RequestId::new();
    let id = ConversationId::begun_by(first);
    let row = |request_id, conversation: &ConversationId| OpenRow {
        request_id,
        conversation_id: conversation.clone(),
        ..open_row("unused")
    };
    // The same letters in upper case are another name.
    let other: ConversationId = id.to_string().to_uppercase().parse().unwrap();
    let writes = vec![
        LedgerWrite::Open(row(first, &id)),
        LedgerWrite::Open(row(RequestId::new(), &id)),
        LedgerWrite::Open(row(RequestId::new(), &other)),
    ];
    store.append(Arc::new(writes)).await.unwrap();

    let found = store
        .conversation(&id, RowPage::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.requests.len(), 2);
    assert_eq!(found.requests[0].request_id, first);
    assert!(
        found
            .requests
            .iter()
            .all(|row| row.conversation_id == id.to_string())
    );
    let totals = store.totals(Default::default()).await.unwrap();
    assert_eq!(totals.total_conversations, if id == other { 1 } else { 2 });
}

#[tokio::test]
async fn ids_rise_above_those_that_are_stored() {
    let place = Place::new();
    let store = place.open().await;
    // As if the clock had been set back since; by little, for the tests beside this one.
    let half_a_second = 500 << 12;
    let future = OpenRow {
        request_id: RequestId::from_parts(RequestId::new().seq() + half_a_second, 7),
        ..open_row("c")
    };
    let id = future.request_id;
    let write = LedgerWrite::Open(future);
    store.append(Arc::new(vec![write])).await.unwrap();
    store.close().await.unwrap();
    let store = place.open().await;
    assert!(RequestId::new().seq() > id.seq());
    assert_eq!(only_row(&store).await.request_id, id);
}

#[tokio::test]
async fn a_row_whose_id_cannot_be_kept_is_left_out_alone() {
    let place = Place::new();
    let store = place.open().await;
    let row = open_row("c");
    let with_id = |request_id| OpenRow {
        request_id,
        ..open_row("c")
    };
    let same_key = RequestId::from_parts(row.request_id.seq(), row.request_id.tail().unwrap() ^ 1);
    let writes = vec![
        LedgerWrite::Open(row.clone()),
        LedgerWrite::Open(with_id(same_key)),
        LedgerWrite::Settle(same_key, settlement(1, 1)),
        LedgerWrite::Whole(with_id(same_key), settlement(1, 1)),
        LedgerWrite::Whole(with_id(RequestId::from_bytes([0x4F; 16])), settlement(1, 1)),
    ];
    store.append(Arc::new(writes)).await.unwrap();
    let kept = only_row(&store).await;
    assert_eq!(kept.request_id, row.request_id);
    assert_eq!(kept.state, RequestState::Open);
    let totals = store.totals(Default::default()).await.unwrap();
    assert_eq!((totals.requests, totals.prompt_tokens), (1, 0));
}
