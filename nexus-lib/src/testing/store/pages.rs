use super::append;
use super::rows::{at, end, open_at};
use crate::store::{
    LedgerQueries, LedgerStore, LedgerWrite as Write, RequestFilter, RequestState, Settlement,
};
use crate::wire::{ProviderId, RequestId, TimeRange};

/// How many rows there are, one a second.
const ROWS: i64 = 23;

/// A filter, and whether it wants the row of a number.
type Case = (RequestFilter, fn(i64) -> bool);

pub(super) async fn check(store: &(impl LedgerStore + LedgerQueries)) {
    let mut written = Vec::new();
    for number in 0..ROWS {
        let mut row = open_at(number, number);
        row.model = format!("model-{}", number % 3).into();
        row.provider_id = ProviderId(number % 2);
        let settlement = Settlement {
            state: match number % 5 {
                0 => RequestState::Failed,
                _ => RequestState::Completed,
            },
            ..end(&row, 1, 1)
        };
        written.push((number, row.request_id));
        match number {
            7 => append(store, [Write::Open(row)]).await,
            _ => append(store, [Write::Whole(row, settlement)]).await,
        }
    }
    let cases: [Case; 6] = [
        (RequestFilter::default(), |_| true),
        (
            by(|filter| filter.model = Some("model-1".into())),
            |number| number % 3 == 1,
        ),
        (
            by(|filter| filter.provider_id = Some(ProviderId(1))),
            |number| number % 2 == 1,
        ),
        (
            by(|filter| filter.state = Some(RequestState::Failed)),
            |number| number % 5 == 0,
        ),
        (
            by(|filter| filter.state = Some(RequestState::Open)),
            |number| number == 7,
        ),
        (
            by(|filter| {
                filter.range = TimeRange {
                    from: Some(at(5)),
                    to: Some(at(9)),
                };
            }),
            |number| (5..9).contains(&number),
        ),
    ];
    for (filter, is_wanted) in cases {
        let wanted = written
            .iter()
            .rev()
            .filter(|(number, _)| is_wanted(*number));
        let expected: Vec<_> = wanted.map(|(_, id)| *id).collect();
        for limit in [1, 4, 100] {
            let found = paged(store, &filter, limit).await;
            assert_eq!(
                found, expected,
                "pages of {limit} rows, newest first, of {filter:?}"
            );
        }
    }
    let (_, id) = written[3];
    let record = store.request(id).await.expect("a row can be read");
    let record = record.expect("a row that was written is there");
    assert_eq!(record.row.request_id, id);
    assert_eq!(record.tries.len(), 1, "a plain row has one try");
    let unknown = store
        .request(RequestId::new())
        .await
        .expect("a row can be read");
    assert_eq!(unknown, None, "a request without a row has none");
}

fn by(set: fn(&mut RequestFilter)) -> RequestFilter {
    let mut filter = RequestFilter::default();
    set(&mut filter);
    filter
}

async fn paged(store: &impl LedgerQueries, filter: &RequestFilter, limit: u32) -> Vec<RequestId> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.requests(filter.clone(), before, limit).await;
        let page = page.expect("rows can be read");
        assert!(page.len() <= most, "a page has at most {limit} rows");
        seen.extend(page.iter().map(|row| row.request_id));
        if page.len() < most {
            return seen;
        }
        before = seen.last().copied();
    }
}
