use std::collections::BTreeMap;

use super::append;
use super::rows::{all, at, end, open_at};
use crate::store::{
    Bucket, LedgerQueries, LedgerRow, LedgerStore, LedgerWrite as Write, OpenRow, RequestState,
    Settlement, Totals,
};
use crate::wire::{ProviderId, TimeRange, TimeZone};

/// Ends of ranges, in seconds: at borders of minutes and days, and beside them.
const MOMENTS: [i64; 7] = [0, 59, 60, 119, 120, 121, 86_400];

/// The states that rows end with, in turn.
const STATES: [RequestState; 4] = [
    RequestState::Completed,
    RequestState::Failed,
    RequestState::Completed,
    RequestState::Cancelled,
];

pub(super) async fn check(store: &(impl LedgerStore + LedgerQueries)) {
    for (number, seconds) in (0i64..).zip((0..48).map(|step| step * 7)) {
        let mut row = open_at(seconds, number);
        row.model = format!("model-{}", number % 3).into();
        row.provider_id = ProviderId(number % 2);
        row.provider = format!("provider-{}", number % 2).into();
        let tokens = number.unsigned_abs();
        let settlement = Settlement {
            state: STATES[usize::try_from(number).unwrap_or(0) % STATES.len()],
            ..end(&row, tokens, tokens * 3)
        };
        let (id, is_whole) = (row.request_id, number % 2 == 0);
        match is_whole {
            true => append(store, [Write::Whole(row, settlement)]).await,
            false => {
                append(store, [Write::Open(row)]).await;
                append(store, [Write::Settle(id, settlement)]).await;
            }
        }
    }
    // One that is open counts as a request.
    let open = OpenRow {
        provider: "provider-1".into(),
        ..open_at(100, 1000)
    };
    append(store, [Write::Open(open)]).await;

    let rows = all(store).await;
    let ends = || {
        MOMENTS
            .map(|seconds| Some(at(seconds)))
            .into_iter()
            .chain([None])
    };
    for from in ends() {
        for to in ends().filter(|to| to.is_none() || from.is_none() || *to > from) {
            let range = TimeRange { from, to };
            let within: Vec<_> = rows.iter().filter(|row| is_within(row, range)).collect();
            let totals = store.totals(range).await.expect("totals can be read");
            compare(&totals, &within, range);
            if from.is_some() && to.is_some() {
                compare_series(store, &totals, range).await;
            }
        }
    }
}

fn is_within(row: &LedgerRow, range: TimeRange) -> bool {
    let at = row.started_at;
    range.from.is_none_or(|from| at >= from) && range.to.is_none_or(|to| at < to)
}

fn compare(totals: &Totals, rows: &[&LedgerRow], range: TimeRange) {
    let sum = |of: fn(&LedgerRow) -> u64| rows.iter().map(|row| of(row)).sum::<u64>();
    let found = [
        totals.requests,
        totals.errors,
        totals.total_rounds,
        totals.total_conversations,
        totals.prompt_tokens,
        totals.completion_tokens,
        totals.total_tokens,
        totals.cached_tokens,
        totals.reasoning_tokens,
    ];
    let expected = [
        sum(|_| 1),
        sum(|row| u64::from(row.state == RequestState::Failed)),
        sum(|row| u64::from(row.state == RequestState::Completed)),
        // Each of these requests begins one.
        sum(|_| 1),
        sum(|row| row.usage.prompt_tokens),
        sum(|row| row.usage.completion_tokens),
        sum(|row| row.usage.total_tokens),
        sum(|row| row.usage.cached_tokens),
        sum(|row| row.usage.reasoning_tokens),
    ];
    assert_eq!(
        found, expected,
        "totals are the sums of the rows in {range:?}"
    );

    let mut by_model = BTreeMap::new();
    let mut by_provider = BTreeMap::new();
    for row in rows {
        *by_model.entry(row.model.clone()).or_insert(0) += row.usage.total_tokens;
        let provider = (row.provider_id, row.provider.clone());
        *by_provider.entry(provider).or_insert(0) += row.usage.total_tokens;
    }
    let models = totals.by_model.iter();
    let found: Vec<_> = models
        .map(|one| (one.model.clone(), one.total_tokens))
        .collect();
    assert_eq!(found, Vec::from_iter(by_model), "by model, in {range:?}");
    let providers = totals.by_provider.iter();
    let found: Vec<_> = providers
        .map(|one| ((one.provider_id, one.provider.clone()), one.total_tokens))
        .collect();
    assert_eq!(
        found,
        Vec::from_iter(by_provider),
        "by provider, in {range:?}"
    );
}

async fn compare_series(store: &impl LedgerQueries, totals: &Totals, range: TimeRange) {
    let zone: TimeZone = "+05:45".parse().expect("an offset is a time zone");
    for bucket in [Bucket::Minute, Bucket::Hour, Bucket::Day] {
        let series = store.series(bucket, range, &zone).await;
        let series = series.expect("series can be read");
        let mut sums = [0; 4];
        for step in &series {
            let figures = [
                step.requests,
                step.errors,
                step.prompt_tokens,
                step.completion_tokens,
            ];
            sums.iter_mut()
                .zip(figures)
                .for_each(|(sum, figure)| *sum += figure);
        }
        let expected = [
            totals.requests,
            totals.errors,
            totals.prompt_tokens,
            totals.completion_tokens,
        ];
        assert_eq!(
            sums, expected,
            "a series by {bucket:?} adds up to the totals of {range:?}"
        );
        assert!(
            series.is_sorted_by(|one, next| one.start < next.start),
            "a series is in the order of time"
        );
    }
}
