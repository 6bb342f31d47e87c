use std::sync::Arc;

use super::{Place, SqliteStore, open_row, settlement};
use crate::store::{
    LedgerQueries, LedgerStore, LedgerWrite, OpenRow, RequestFilter, RequestState, RowPage,
    Settlement,
};
use crate::wire::{ConversationId, ProviderId, RequestId, TimeRange, Timestamp};

/// Three conversations over two providers and two models, a second apart.
async fn filled(store: &SqliteStore) -> Vec<RequestId> {
    let row = |at: i64, conversation, provider: i64, name: &str, model: &str| {
        let row = OpenRow {
            provider_id: ProviderId(provider),
            provider: name.into(),
            model: model.into(),
            started_at: Timestamp::from_micros(at * 1_000_000),
            ..open_row(conversation)
        };
        let end = Settlement {
            provider_id: row.provider_id,
            provider: row.provider.clone(),
            ..settlement(10, 1)
        };
        (row, end)
    };
    let mut rows = vec![
        row(1, "a", 2, "Old name", "gpt-4"),
        row(2, "a", 1, "One", "gpt-4"),
        row(3, "b", 2, "New name", "grok"),
        row(4, "c", 2, "New name", "gpt-4"),
    ];
    rows[2].1.state = RequestState::Failed;
    rows[2].1.status = Some(502);
    let ids = rows.iter().map(|(row, _)| row.request_id).collect();
    let mut writes: Vec<_> = rows
        .into_iter()
        .map(|(row, end)| LedgerWrite::Whole(row, end))
        .collect();
    if let Some(LedgerWrite::Whole(row, _)) = writes.pop() {
        writes.push(LedgerWrite::Open(row));
    }
    store.append(Arc::new(writes)).await.unwrap();
    ids
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp::from_micros(seconds * 1_000_000))
}

#[tokio::test]
async fn totals_add_up_over_all_of_time() {
    let place = Place::new();
    let store = place.open().await;
    assert_eq!(
        store.totals(TimeRange::ALL).await.unwrap(),
        Default::default()
    );
    filled(&store).await;

    let totals = store.totals(TimeRange::ALL).await.unwrap();
    assert_eq!(
        (
            totals.total_conversations,
            totals.total_rounds,
            totals.requests
        ),
        (3, 2, 4)
    );
    assert_eq!(
        (
            totals.prompt_tokens,
            totals.completion_tokens,
            totals.total_tokens
        ),
        (30, 3, 33)
    );
    assert_eq!((totals.cached_tokens, totals.reasoning_tokens), (3, 6));
    let providers: Vec<_> = totals
        .by_provider
        .iter()
        .map(|part| {
            (
                part.provider_id.0,
                part.provider.as_str(),
                part.requests,
                part.total_tokens,
            )
        })
        .collect();
    assert_eq!(providers, [(1, "One", 1, 11), (2, "New name", 3, 22)]);
    let models: Vec<_> = totals
        .by_model
        .iter()
        .map(|part| (part.model.as_str(), part.requests, part.prompt_tokens))
        .collect();
    assert_eq!(models, [("gpt-4", 3, 20), ("grok", 1, 10)]);
}

#[tokio::test]
async fn a_range_has_its_start_and_not_its_end() {
    let place = Place::new();
    let store = place.open().await;
    filled(&store).await;
    for (from, to, requests) in [
        (at(2), None, 3),
        (None, at(2), 1),
        (at(2), at(4), 2),
        (at(2), at(2), 0),
        (at(5), None, 0),
    ] {
        let range = TimeRange { from, to };
        assert_eq!(
            store.totals(range).await.unwrap().requests,
            requests,
            "{range:?}"
        );
        let filter = RequestFilter {
            range,
            ..RequestFilter::default()
        };
        let rows = store.requests(filter, None, 10).await.unwrap();
        assert_eq!(rows.len() as u64, requests, "{range:?}");
    }
}

#[tokio::test]
async fn a_conversation_has_its_own_sums_and_rows() {
    let place = Place::new();
    let store = place.open().await;
    let ids = filled(&store).await;

    let id: ConversationId = "a".parse().unwrap();
    let found = store
        .conversation(&id, RowPage::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.conversation_id.as_str(), found.rounds), ("a", 2));
    assert_eq!(
        (
            found.prompt_tokens,
            found.completion_tokens,
            found.total_tokens
        ),
        (20, 2, 22)
    );
    assert_eq!((found.by_provider.len(), found.by_model.len()), (2, 1));
    let rows: Vec<_> = found.requests.iter().map(|row| row.request_id).collect();
    assert_eq!(rows, ids[..2], "oldest first");

    let unknown: ConversationId = "nobody".parse().unwrap();
    assert_eq!(
        store
            .conversation(&unknown, RowPage::default())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn pages_go_back_in_time_without_gaps() {
    let place = Place::new();
    let store = place.open().await;
    let mut ids = filled(&store).await;
    ids.reverse();

    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let filter = RequestFilter::default();
        let page = store.requests(filter, before, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        before = Some(last.request_id);
        seen.extend(page.iter().map(|row| row.request_id));
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn filters_narrow_together() {
    let place = Place::new();
    let store = place.open().await;
    filled(&store).await;
    let count = |filter: RequestFilter| {
        let store = &store;
        async move { store.requests(filter, None, 10).await.unwrap().len() }
    };
    let by_model = RequestFilter {
        model: Some("gpt-4".into()),
        ..Default::default()
    };
    let by_provider = RequestFilter {
        provider_id: Some(ProviderId(2)),
        ..by_model.clone()
    };
    let by_state = RequestFilter {
        state: Some(RequestState::Open),
        ..by_provider.clone()
    };
    let none = RequestFilter {
        model: Some("' OR 1 --".into()),
        ..Default::default()
    };
    assert_eq!(count(by_model).await, 3);
    assert_eq!(count(by_provider).await, 2);
    assert_eq!(count(by_state).await, 1);
    assert_eq!(count(none).await, 0);
}

#[tokio::test]
async fn a_range_is_exact_wherever_the_clock_stood_when_ids_were_made() {
    let place = Place::new();
    let store = place.open().await;
    // Starts lie a day before, the same, and a day behind the times in the ids.
    let now = Timestamp::now().as_micros();
    const DAY: i64 = 86_400_000_000;
    for offset in [0, -DAY, DAY] {
        let mut row = open_row("c");
        row.started_at = Timestamp::from_micros(now + offset);
        store
            .append(Arc::new(vec![LedgerWrite::Open(row)]))
            .await
            .unwrap();
        let moment = |micros| Some(Timestamp::from_micros(now + offset + micros));
        for (from, to, requests) in [
            (moment(0), moment(1), 1),
            (moment(-500), moment(0), 0),
            (moment(1), moment(500), 0),
        ] {
            let totals = store.totals(TimeRange { from, to }).await.unwrap();
            assert_eq!(totals.requests, requests, "{offset}");
        }
    }
    let never = Some(Timestamp::from_micros(i64::MAX));
    let (from, to) = (Some(Timestamp::from_micros(i64::MIN)), never);
    let all = store.totals(TimeRange { from, to }).await.unwrap();
    assert_eq!(all.requests, 3);
    let range = TimeRange {
        from: never,
        to: never,
    };
    assert_eq!(store.totals(range).await.unwrap().requests, 0);
}

#[tokio::test]
async fn ordinary_rows_widen_no_range() {
    let place = Place::new();
    let store = place.open().await;
    let row = open_row("c");
    store
        .append(Arc::new(vec![LedgerWrite::Open(row)]))
        .await
        .unwrap();
    let count = "SELECT COUNT(*) FROM start_skews";
    let unusual: i64 = store
        .read(move |view| Ok(view.query_row(count, [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(unusual, 0, "ordinary rows widen nothing");
}
