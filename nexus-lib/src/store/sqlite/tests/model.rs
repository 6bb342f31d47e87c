//! The store's sums and pages against a list of rows that is searched from end to end.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Place, SqliteStore, open_row, settlement};
use crate::store::{
    Bucket, Histogram, KeyTotals, LedgerQueries, LedgerRow, LedgerStore, LedgerWrite, ModelTotals,
    OpenRow, Owners, ProviderTotals, RequestFilter, RequestState, SeriesBucket, Settlement, Steps,
    Totals,
};
use crate::wire::{
    ConversationId, GatewayId, KeyId, ProjectId, ProviderId, RequestId, TimeRange, TimeZone,
    Timestamp, Usage,
};

/// 2026-01-30T22:58:00Z: hours and days end nearby.
const BASE: i64 = 1_769_813_880;

#[derive(Debug, Clone)]
struct Start {
    conversation: usize,
    provider: usize,
    model: usize,
    /// 0 for none.
    key: i64,
    at: i64,
    /// How far the time in the id lies from the start.
    skew_ms: i64,
}

#[derive(Debug, Clone)]
struct End {
    state: RequestState,
    provider: usize,
    tokens: u64,
    /// Up to some minutes: many bins.
    duration_ms: u64,
    first_token_ms: Option<u64>,
}

#[derive(Debug, Clone)]
enum Step {
    Open(Start),
    Whole(Start, End),
    /// Ends one of the requests, be it open or not.
    Settle(usize, End),
    /// Says once more what was said.
    Again(usize),
    Commit,
    /// One of two gateways is gone.
    Recover(u8),
}

fn owner(number: u8) -> GatewayId {
    GatewayId::from_bytes([number; 16])
}

/// Microseconds: few enough moments that rows meet, and many at the edges of spans.
fn moment() -> impl Strategy<Value = i64> {
    let edge = prop_oneof![Just(-1), Just(0), Just(1), Just(29_000_000)];
    (0..3i64, 0..3i64, 0..4i64, edge).prop_map(|(days, hours, minutes, edge)| {
        (BASE + days * 86_400 + hours * 3600 + minutes * 60) * 1_000_000 + edge
    })
}

fn start() -> impl Strategy<Value = Start> {
    let skew = prop_oneof![8 => -900..900i64, 1 => -100_000..100_000i64];
    let names = (0..12usize, 0..3usize, 0..3usize, 0..3i64);
    (names, moment(), skew).prop_map(
        |((conversation, provider, model, key), at, skew_ms)| Start {
            conversation,
            provider,
            model,
            key,
            at,
            skew_ms,
        },
    )
}

fn end() -> impl Strategy<Value = End> {
    let state = prop_oneof![
        4 => Just(RequestState::Completed),
        1 => Just(RequestState::Failed),
        1 => Just(RequestState::Cancelled),
    ];
    let ms = || prop_oneof![0..100u64, 0..300_000u64];
    (
        state,
        0..3usize,
        0..100u64,
        ms(),
        proptest::option::of(ms()),
    )
        .prop_map(
            |(state, provider, tokens, duration_ms, first_token_ms)| End {
                state,
                provider,
                tokens,
                duration_ms,
                first_token_ms,
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => start().prop_map(Step::Open),
        4 => (start(), end()).prop_map(|(start, end)| Step::Whole(start, end)),
        4 => (any::<usize>(), end()).prop_map(|(which, end)| Step::Settle(which, end)),
        1 => any::<usize>().prop_map(Step::Again),
        3 => Just(Step::Commit),
        1 => (0..2u8).prop_map(Step::Recover),
    ]
}

fn range() -> impl Strategy<Value = TimeRange> {
    let time = || proptest::option::of(moment().prop_map(Timestamp::from_micros));
    (time(), time()).prop_map(|(one, other)| match (one, other) {
        (Some(from), Some(to)) if to < from => TimeRange {
            from: other,
            to: one,
        },
        (from, to) => TimeRange { from, to },
    })
}

fn filter() -> impl Strategy<Value = RequestFilter> {
    let states = [
        RequestState::Open,
        RequestState::Completed,
        RequestState::Failed,
        RequestState::Cancelled,
        RequestState::Interrupted,
    ];
    (
        proptest::option::of(0..4usize),
        proptest::option::of(0..4i64),
        proptest::option::of(proptest::sample::select(states.to_vec())),
        prop_oneof![Just(TimeRange::ALL), range()],
    )
        .prop_map(|(model, provider, state, range)| RequestFilter {
            model: model.map(|model| format!("m{model}")),
            provider_id: provider.map(ProviderId),
            state,
            range,
        })
}

struct Row {
    open: OpenRow,
    end: Option<Settlement>,
    begins: bool,
}

impl Row {
    fn state(&self) -> RequestState {
        self.end
            .as_ref()
            .map_or(RequestState::Open, |end| end.state)
    }

    fn provider(&self) -> (ProviderId, &str) {
        match &self.end {
            Some(end) => (end.provider_id, &end.provider),
            None => (self.open.provider_id, &self.open.provider),
        }
    }

    fn is_error(&self) -> bool {
        [RequestState::Failed, RequestState::Interrupted].contains(&self.state())
    }

    /// Counts how long it took, if it was completed.
    fn add_to(&self, latency: &mut Histogram, first_token: &mut Histogram) {
        if let Some(end) = &self.end
            && end.state == RequestState::Completed
        {
            latency.add(end.duration_ms);
            if let Some(ms) = end.first_token_ms {
                first_token.add(ms);
            }
        }
    }

    fn usage(&self) -> Usage {
        self.end.as_ref().map_or(Usage::default(), |end| end.usage)
    }
}

/// What the ledger should hold, in the order in which it was written.
#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    said: Vec<LedgerWrite>,
}

impl Model {
    fn begin(&self, start: &Start) -> OpenRow {
        let number = i64::try_from(self.said.len()).unwrap();
        let key = (start.at.div_euclid(1000) + start.skew_ms) << 12 | number;
        let request_id = RequestId::from_parts(key, number);
        let named = self.rows.get(start.conversation.wrapping_sub(3));
        let conversation_id = match (start.conversation, named) {
            (0..3, _) => format!("c{}", start.conversation).parse().unwrap(),
            (_, Some(named)) => ConversationId::begun_by(named.open.request_id),
            (_, None) => ConversationId::begun_by(request_id),
        };
        OpenRow {
            request_id,
            owner: owner(u8::from(number % 2 == 1)),
            conversation_id,
            provider_id: ProviderId(i64::try_from(start.provider).unwrap()),
            // Providers are renamed at times.
            provider: format!("p{} {}", start.provider, number % 3).into(),
            model: format!("m{}", start.model).into(),
            started_at: Timestamp::from_micros(start.at),
            // A key may move to another project.
            key_id: (start.key > 0).then_some(KeyId(start.key)),
            key: (start.key > 0).then(|| format!("k{} {}", start.key, number % 3).into()),
            project_id: (start.key == 2).then_some(ProjectId(number % 2)),
            ..open_row("unused")
        }
    }

    fn end(&self, end: &End) -> Settlement {
        Settlement {
            state: end.state,
            provider_id: ProviderId(i64::try_from(end.provider).unwrap()),
            provider: format!("p{} {}", end.provider, self.said.len() % 3).into(),
            duration_ms: end.duration_ms,
            first_token_ms: end.first_token_ms,
            ..settlement(end.tokens, end.tokens / 2)
        }
    }

    /// Takes a write as the ledger should, and returns it.
    fn write(&mut self, write: LedgerWrite) -> LedgerWrite {
        self.said.push(write.clone());
        let (open, end) = match write.clone() {
            LedgerWrite::Open(open) => (Some(open), None),
            LedgerWrite::Whole(open, end) => (Some(open.clone()), Some((open.request_id, end))),
            LedgerWrite::Settle(id, end) => (None, Some((id, end))),
        };
        if let Some(open) = open
            && !self
                .rows
                .iter()
                .any(|row| row.open.request_id == open.request_id)
        {
            let id = &open.conversation_id;
            let begins = !self.rows.iter().any(|row| row.open.conversation_id == *id);
            self.rows.push(Row {
                open,
                end: None,
                begins,
            });
        }
        if let Some((id, end)) = end
            && let Some(row) = self.rows.iter_mut().find(|row| row.open.request_id == id)
        {
            row.end.get_or_insert(end);
        }
        write
    }

    fn interrupt(&mut self, owner: GatewayId) {
        for row in &mut self.rows {
            let open = &row.open;
            if open.owner != owner {
                continue;
            }
            row.end.get_or_insert_with(|| Settlement {
                state: RequestState::Interrupted,
                provider_id: open.provider_id,
                provider: open.provider.clone(),
                usage: Usage::default(),
                ..settlement(0, 0)
            });
        }
    }

    fn within(&self, range: TimeRange) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| {
            let at = row.open.started_at;
            range.from.is_none_or(|from| at >= from) && range.to.is_none_or(|to| at < to)
        })
    }

    fn totals(&self, range: TimeRange) -> Totals {
        let mut totals = Totals::default();
        let mut providers = BTreeMap::new();
        let mut models = BTreeMap::new();
        let mut keys = BTreeMap::new();
        let (mut latency, mut first_token) = Default::default();
        for row in self.within(range) {
            let usage = row.usage();
            totals.requests += 1;
            totals.errors += u64::from(row.is_error());
            row.add_to(&mut latency, &mut first_token);
            totals.total_rounds += u64::from(row.state() == RequestState::Completed);
            totals.total_conversations += u64::from(row.begins);
            totals.prompt_tokens += usage.prompt_tokens;
            totals.completion_tokens += usage.completion_tokens;
            totals.total_tokens += usage.total_tokens;
            totals.cached_tokens += usage.cached_tokens;
            totals.reasoning_tokens += usage.reasoning_tokens;
            let (provider_id, name) = row.provider();
            let (newest, part) = providers.entry(provider_id).or_insert_with(|| {
                let none = ProviderTotals {
                    provider_id,
                    provider: String::new(),
                    requests: 0,
                    prompt_tokens: 0,
                    completion_tokens: 0,
                    total_tokens: 0,
                };
                (RequestId::from_bytes([0; 16]), none)
            });
            if row.open.request_id > *newest {
                (*newest, part.provider) = (row.open.request_id, name.to_owned());
            }
            part.requests += 1;
            part.prompt_tokens += usage.prompt_tokens;
            part.completion_tokens += usage.completion_tokens;
            part.total_tokens += usage.total_tokens;
            if let Some(key_id) = row.open.key_id {
                let (newest, part) = keys.entry(key_id).or_insert_with(|| {
                    let none = KeyTotals {
                        key_id,
                        key: None,
                        requests: 0,
                        prompt_tokens: 0,
                        completion_tokens: 0,
                        total_tokens: 0,
                    };
                    (RequestId::from_bytes([0; 16]), none)
                });
                if row.open.request_id > *newest {
                    let name = row.open.key.as_deref().map(str::to_owned);
                    (*newest, part.key) = (row.open.request_id, name);
                }
                part.requests += 1;
                part.prompt_tokens += usage.prompt_tokens;
                part.completion_tokens += usage.completion_tokens;
                part.total_tokens += usage.total_tokens;
            }
            let model = row.open.model.to_string();
            let part = models.entry(model.clone()).or_insert(ModelTotals {
                model,
                requests: 0,
                prompt_tokens: 0,
                completion_tokens: 0,
                total_tokens: 0,
            });
            part.requests += 1;
            part.prompt_tokens += usage.prompt_tokens;
            part.completion_tokens += usage.completion_tokens;
            part.total_tokens += usage.total_tokens;
        }
        totals.latency_ms = latency.percentiles();
        totals.first_token_ms = first_token.percentiles();
        totals.by_provider = providers.into_values().map(|(_, part)| part).collect();
        totals.by_model = models.into_values().collect();
        totals.by_key = keys.into_values().map(|(_, part)| part).collect();
        totals
    }

    fn series(&self, bucket: Bucket, range: TimeRange, zone: &TimeZone) -> Vec<SeriesBucket> {
        let rules = zone.rules().unwrap();
        let steps = Steps::of(bucket, range, Timestamp::now(), &rules).unwrap();
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let mut series: Vec<_> = (steps.starts().iter())
            .map(|start| SeriesBucket::none(at(*start)))
            .collect();
        for (place, sum) in series.iter_mut().enumerate() {
            let (mut latency, mut first_token) = Default::default();
            for row in self.within(steps.range) {
                if steps.place(row.open.started_at.as_seconds()) != Some(place) {
                    continue;
                }
                sum.requests += 1;
                sum.errors += u64::from(row.is_error());
                sum.prompt_tokens += row.usage().prompt_tokens;
                sum.completion_tokens += row.usage().completion_tokens;
                row.add_to(&mut latency, &mut first_token);
            }
            sum.latency_ms = latency.percentiles();
            sum.first_token_ms = first_token.percentiles();
        }
        series
    }

    /// The ids of what matches, newest first.
    fn requests(&self, filter: &RequestFilter) -> Vec<RequestId> {
        let matching = self.within(filter.range).filter(|row| {
            filter
                .model
                .as_deref()
                .is_none_or(|model| *model == *row.open.model)
                && filter.provider_id.is_none_or(|id| id == row.provider().0)
                && filter.state.is_none_or(|state| state == row.state())
        });
        let mut ids: Vec<_> = matching.map(|row| row.open.request_id).collect();
        ids.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
        ids
    }
}

async fn filled(store: &SqliteStore, steps: Vec<Step>) -> Model {
    let (mut model, mut batch) = (Model::default(), Vec::new());
    for step in steps {
        let write = match step {
            Step::Open(start) => LedgerWrite::Open(model.begin(&start)),
            Step::Whole(start, end) => LedgerWrite::Whole(model.begin(&start), model.end(&end)),
            Step::Settle(which, end) if !model.rows.is_empty() => {
                let row = &model.rows[which % model.rows.len()];
                LedgerWrite::Settle(row.open.request_id, model.end(&end))
            }
            Step::Again(which) if !model.said.is_empty() => {
                model.said[which % model.said.len()].clone()
            }
            Step::Settle(..) | Step::Again(_) => continue,
            Step::Commit | Step::Recover(_) => {
                store
                    .append(Arc::new(std::mem::take(&mut batch)))
                    .await
                    .unwrap();
                if let Step::Recover(number) = step {
                    let owner = owner(number);
                    store.recover(Owners::Gateway(owner)).await.unwrap();
                    model.interrupt(owner);
                }
                continue;
            }
        };
        batch.push(model.write(write));
    }
    store.append(Arc::new(batch)).await.unwrap();
    model
}

async fn paged(store: &SqliteStore, filter: &RequestFilter, limit: u32) -> Vec<RequestId> {
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.requests(filter.clone(), before, limit).await.unwrap();
        let ids = page.iter().map(|row: &LedgerRow| row.request_id);
        seen.extend(ids);
        if page.len() < usize::try_from(limit).unwrap() {
            return seen;
        }
        before = seen.last().copied();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn sums_and_pages_are_those_of_the_rows(
        steps in proptest::collection::vec(step(), 0..80),
        ranges in proptest::collection::vec(range(), 6),
        filters in proptest::collection::vec((filter(), 1..5u32), 8),
        zone in proptest::sample::select(vec!["UTC", "+08:00", "-03:30", "+05:45", "Europe/Berlin"]),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let zone: TimeZone = zone.parse().unwrap();
            let place = Place::new();
            let store = place.open().await;
            let model = filled(&store, steps).await;
            for range in ranges.into_iter().chain([TimeRange::ALL]) {
                let totals = store.totals(range).await.unwrap();
                prop_assert_eq!(&totals, &model.totals(range), "{:?}", range);
                if range.to.is_some() {
                    for bucket in [Bucket::Minute, Bucket::Hour, Bucket::Day] {
                        let series = store.series(bucket, range, &zone).await.unwrap();
                        if range.from.is_some() {
                            let sum = |of: fn(&SeriesBucket) -> u64| series.iter().map(of).sum::<u64>();
                            prop_assert_eq!(totals.requests, sum(|one| one.requests));
                            prop_assert_eq!(totals.errors, sum(|one| one.errors));
                        }
                        let expected = model.series(bucket, range, &zone);
                        prop_assert_eq!(series, expected, "{:?} {:?}", range, zone);
                    }
                }
            }
            for (filter, limit) in filters {
                let ids = paged(&store, &filter, limit).await;
                prop_assert_eq!(ids, model.requests(&filter), "{:?}", filter);
            }
            Ok(())
        })?;
    }
}
