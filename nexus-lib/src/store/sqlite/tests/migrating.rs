//! Databases of earlier versions.

use std::sync::Arc;

use rusqlite::{Connection, params};
use secrecy::ExposeSecret;

use super::{Place, SqliteStore, open_row, settlement};
use crate::registry::Registered;
use crate::secret::KeyHash;
use crate::secret::Seals;
use crate::store::{
    Bucket, KeyOrigin, LedgerQueries, LedgerStore, LedgerWrite, OpenRow, RegistryStore,
    RequestState, RowPage, Totals,
};
use crate::wire::{
    ConversationId, KeyId, ProviderId, RequestId, TimeRange, TimeZone, Timestamp, mask,
};

/// A database as the first version made it, with one row for each of `rows`: a state, a status, and
/// an error.
fn first_version(place: &Place, rows: &[(i64, Option<u16>, Option<&str>)]) -> Vec<RequestId> {
    let raw = Connection::open(place.path()).unwrap();
    raw.execute_batch(include_str!("../migrations/0001.sql"))
        .unwrap();
    raw.pragma_update(None, "application_id", 0x4E58_5553)
        .unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    let mut ids = Vec::new();
    for (state, status, error) in rows {
        let id = RequestId::new();
        let insert = "INSERT INTO ledger (seq, tail, begins, provider_id, provider, model, operation, stream,
                state, status, attempts, started_at, duration_ms, error)
            VALUES (?1, ?2, 1, 1, 'p', 'm', 'chat.completion', 0, ?3, ?4, 1, ?5, 9, ?6)";
        let started = Timestamp::now().as_micros();
        raw.execute(
            insert,
            params![id.seq(), id.tail(), state, status, started, error],
        )
        .unwrap();
        ids.push(id);
    }
    ids
}

#[tokio::test]
async fn rows_of_the_first_version_say_what_is_known_of_their_tries() {
    let place = Place::new();
    let ids = first_version(
        &place,
        &[
            (1, Some(200), None),
            (2, Some(429), Some("slow down")),
            (
                2,
                Some(502),
                Some("upstream_auth_failed: the provider refused"),
            ),
        ],
    );
    let store = place.open().await;
    let mut records = Vec::new();
    for id in ids {
        records.push(store.request(id).await.unwrap().unwrap());
    }
    let seen: Vec<_> = records
        .iter()
        .map(|record| (record.row.state, record.upstream_status, record.tries.len()))
        .collect();
    let expected = [
        (RequestState::Completed, Some(200), 1),
        (RequestState::Failed, Some(429), 1),
        // The status was the gateway's; the provider's was not kept.
        (RequestState::Failed, None, 0),
    ];
    assert_eq!(seen, expected);
    assert_eq!(records[1].tries[0].error.as_deref(), Some("slow down"));
}

#[tokio::test]
async fn ranges_before_a_migration_have_latencies_too() {
    let place = Place::new();
    let rows: Vec<_> = (0..20).map(|_| (1, Some(200), None)).collect();
    first_version(&place, &rows);
    let raw = Connection::open(place.path()).unwrap();
    // Twenty rows of the same day, in two minutes; only the first of these is folded.
    let day = 1_769_817_600i64;
    raw.execute(
        "UPDATE ledger SET duration_ms = 10 * (seq % 2 + 1), first_token_ms = 5,
             started_at = (?1 + 60 * (seq % 2)) * 1000000",
        [day],
    )
    .unwrap();
    let even: i64 = raw
        .query_row("SELECT COUNT(*) FROM ledger WHERE seq % 2 = 0", [], |row| {
            row.get(0)
        })
        .unwrap();
    let sum =
        "INSERT INTO usage_by_time VALUES (?1, ?2, 1, 'm', 'p', 0, ?3, 0, 0, 0, 0, 0, 0, 0, 0, 0)";
    for (span, start, count) in [
        (60, day, even),
        (60, day + 60, 20 - even),
        (3600, day, even),
        (86_400, day, even),
    ] {
        raw.execute(sum, params![span, start, count]).unwrap();
    }
    raw.execute("UPDATE meta SET folded_until = ?1", [day + 60])
        .unwrap();
    drop(raw);
    let store = place.open().await;
    let totals = store.totals(TimeRange::ALL).await.unwrap();
    assert_eq!(totals.requests, 20);
    assert_eq!(
        totals.first_token_ms.map(|all| (all.p50, all.p99)),
        Some((5, 5))
    );
    let time = |seconds: i64| Some(Timestamp::from_micros(seconds * 1_000_000));
    for (minute, ms) in [(day, 10), (day + 60, 20)] {
        let range = TimeRange {
            from: time(minute),
            to: time(minute + 60),
        };
        let of = store.totals(range).await.unwrap();
        if of.requests > 0 {
            assert_eq!(of.latency_ms.map(|all| all.p50), Some(ms));
        }
    }
}

#[tokio::test]
async fn jump_of_the_clock_that_an_earlier_version_saw_is_kept_by_its_hour() {
    let place = Place::new();
    first_version(&place, &[(1, Some(200), None), (1, Some(200), None)]);
    let raw = Connection::open(place.path()).unwrap();
    let day = 86_400_000_000_i64;
    // The second request started a day before the time in its id.
    let moved =
        "UPDATE ledger SET started_at = started_at - ?1 WHERE seq = (SELECT MAX(seq) FROM ledger)";
    raw.execute(moved, [day]).unwrap();
    let most = "UPDATE meta SET start_skew_ms = 86400000";
    raw.execute(most, []).unwrap();
    drop(raw);
    let store = place.open().await;
    let now = Timestamp::now().as_micros();
    for (from, to, requests) in [(-day - 60_000_000, -day, 1), (-60_000_000, 0, 1)] {
        let range = TimeRange {
            from: Some(Timestamp::from_micros(now + from)),
            to: Some(Timestamp::from_micros(now + to)),
        };
        let page = store.requests(
            crate::store::RequestFilter {
                range,
                ..Default::default()
            },
            None,
            9,
        );
        assert_eq!(page.await.unwrap().len(), requests);
    }
    let hours = store.read(|view| {
        let sql = "SELECT COUNT(*), MAX(earlier_ms), MAX(later_ms) FROM start_skews";
        let seen = view.query_row(sql, [], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        });
        Ok(seen?)
    });
    let (hours, earlier, later) = hours.await.unwrap();
    assert_eq!((hours, later), (1, 0));
    assert!((86_400_000..86_401_000).contains(&earlier), "{earlier}");
}

/// 2026-01-31T00:00:00Z.
const DAY: i64 = 1_769_817_600;

/// How many rows a full database has. They begin every seven minutes, for five days.
const ROWS: i64 = 1000;

/// Up to where minutes are folded there, in seconds.
const FOLDED: i64 = DAY + 4 * 86_400;

const STATES: i64 = 5;

/// A database of the first version, full of rows in all states, with their sums as that version
/// kept them, and with three providers, two of which have the same client key.
fn full_first_version(place: &Place) {
    first_version(place, &[]);
    let raw = Connection::open(place.path()).unwrap();
    let seals = Seals::new(&place.key);
    for (id, key) in [
        (1, "shared-client-key"),
        (2, "own-client-key-0"),
        (3, "shared-client-key"),
    ] {
        let insert = "INSERT INTO providers (id, name, kind, server_url, server_key, client_key,
                client_key_mask, description, proxy_url, enabled, priority, weight, created_at, updated_at)
            VALUES (?1, 'p' || ?1, 'openai', 'https://h/v1', ?2, ?3, ?4, '', ?5, 1, 0, 1, 5, 6)";
        let server_key = seals.server_key.seal(id, &format!("sk-{id}")).unwrap();
        let server_key = server_key.as_bytes().to_vec();
        let proxy = seals.proxy_url.seal(id, "http://u:p@proxy:1").unwrap();
        let proxy = proxy.as_bytes().to_vec();
        let hash = KeyHash::of(key.as_bytes());
        raw.execute(
            insert,
            params![id, server_key, hash.as_bytes(), mask(key), proxy],
        )
        .unwrap();
    }
    for number in 0..ROWS {
        let started = DAY + number * 420;
        let id = RequestId::from_parts((started * 1000) << 12 | number, number);
        let (state, name) = (number % STATES, format!("c{}", number % 17));
        // What is open has no figures.
        let tokens = if state == 0 { 0 } else { number % 97 };
        let insert = "INSERT INTO ledger (seq, tail, conversation_id, begins, provider_id, provider, model,
                operation, stream, state, usage_source, prompt_tokens, completion_tokens, total_tokens,
                cached_tokens, reasoning_tokens, status, attempts, started_at, first_token_ms, duration_ms,
                error)
            VALUES (?1, ?2, ?3, ?4, ?5, 'p' || ?5, 'm' || ?6, 'chat.completion', 0, ?7, 1, ?8, ?8 * 2, ?8 * 3,
                ?8 / 2, ?8 / 3, 200, 1, ?9 * 1000000, ?8, ?8 * 2, NULL)";
        let values = params![
            id.seq(),
            id.tail(),
            name,
            number < 17,
            number % 3 + 1,
            number % 4,
            state,
            tokens,
            started,
        ];
        raw.execute(insert, values).unwrap();
    }
    for (span, behind) in [(60, i64::MAX), (3600, FOLDED), (86_400, FOLDED)] {
        let sum = "INSERT INTO usage_by_time
            SELECT ?1, start, provider_id, model, provider, MAX(seq), SUM(state = 1), SUM(state = 2),
                SUM(state = 3), SUM(state = 4), SUM(begins), SUM(prompt_tokens), SUM(completion_tokens),
                SUM(total_tokens), SUM(cached_tokens), SUM(reasoning_tokens)
            FROM (SELECT *, started_at / 1000000 / ?1 * ?1 AS start FROM ledger)
            WHERE state <> 0 AND started_at / 1000000 < ?2
            GROUP BY start, provider_id, model";
        raw.execute(sum, params![span, behind]).unwrap();
    }
    raw.execute("UPDATE meta SET folded_until = ?1", [FOLDED])
        .unwrap();
}

/// The sums over a range, by adding up rows of the database as it lies there: requests, completed
/// ones, failed and interrupted ones, conversations, and tokens of each class.
fn added_up(place: &Place, from: i64, to: i64, condition: &str) -> [u64; 9] {
    let raw = Connection::open(place.path()).unwrap();
    let sql = format!(
        "SELECT COUNT(*), SUM(state = 1), SUM(state IN (2, 4)), SUM(begins), SUM(prompt_tokens),
             SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens), SUM(reasoning_tokens)
         FROM ledger WHERE started_at >= ?1 * 1000000 AND started_at < ?2 * 1000000 AND {condition}"
    );
    raw.query_row(&sql, [from, to], |row| {
        let mut sums = [0; 9];
        for (column, sum) in sums.iter_mut().enumerate() {
            let figure: Option<i64> = row.get(column)?;
            *sum = u64::try_from(figure.unwrap_or(0)).unwrap();
        }
        Ok(sums)
    })
    .unwrap()
}

fn figures(totals: &Totals) -> [u64; 9] {
    [
        totals.requests,
        totals.total_rounds,
        totals.errors,
        totals.total_conversations,
        totals.prompt_tokens,
        totals.completion_tokens,
        totals.total_tokens,
        totals.cached_tokens,
        totals.reasoning_tokens,
    ]
}

fn range(from: i64, to: i64) -> TimeRange {
    let at = |seconds: i64| Some(Timestamp::from_micros(seconds * 1_000_000));
    TimeRange {
        from: at(from),
        to: at(to),
    }
}

/// All of time, days, hours, minutes, and what ends within each of them.
const RANGES: [(i64, i64); 6] = [
    (0, i64::MAX / 2_000_000),
    (DAY, DAY + 86_400),
    (DAY + 3600, DAY + 3 * 86_400 + 7200),
    (DAY + 61, DAY + 4 * 86_400 + 12_345),
    (FOLDED - 600, FOLDED + 7 * 3600),
    (FOLDED, FOLDED + 60),
];

async fn check_sums(store: &SqliteStore, ranges: &[(i64, i64)], before: &[[u64; 9]]) {
    for ((from, to), expected) in ranges.iter().zip(before) {
        let totals = store.totals(range(*from, *to)).await.unwrap();
        assert_eq!(figures(&totals), *expected, "{from} to {to}");
    }
}

#[tokio::test]
async fn every_sum_of_a_full_database_of_the_first_version_is_as_it_was() {
    let place = Place::new();
    full_first_version(&place);
    let before = RANGES.map(|(from, to)| added_up(&place, from, to, "TRUE"));
    let by_provider: Vec<_> = (1..=3)
        .map(|id| added_up(&place, 0, RANGES[0].1, &format!("provider_id = {id}")))
        .collect();
    let by_model: Vec<_> = (0..4)
        .map(|id| added_up(&place, 0, RANGES[0].1, &format!("model = 'm{id}'")))
        .collect();
    // A name is its client's own: the newest row is of the key that two providers share.
    let of_client = "conversation_id = 'c3' AND provider_id IN (1, 3)";
    let of_conversation = added_up(&place, 0, RANGES[0].1, of_client);
    assert_eq!(before[0][0], 1000);

    let store = place.open().await;
    check_sums(&store, &RANGES, &before).await;
    let totals = store.totals(TimeRange::ALL).await.unwrap();
    for (part, sums) in totals.by_provider.iter().zip(&by_provider) {
        assert_eq!((part.requests, part.prompt_tokens), (sums[0], sums[4]));
        assert_eq!(
            (part.completion_tokens, part.total_tokens),
            (sums[5], sums[6])
        );
        assert_eq!(part.provider, format!("p{}", part.provider_id));
    }
    for (part, sums) in totals.by_model.iter().zip(&by_model) {
        assert_eq!((part.requests, part.total_tokens), (sums[0], sums[6]));
    }
    assert_eq!((totals.by_provider.len(), totals.by_model.len()), (3, 4));
    assert!(totals.by_key.is_empty(), "no row says whose it is");
    let utc: TimeZone = "UTC".parse().unwrap();
    let days = range(DAY, DAY + 5 * 86_400);
    let series = store.series(Bucket::Day, days, &utc).await.unwrap();
    for (day, bucket) in (0..).zip(&series) {
        let sums = added_up(&place, DAY + day * 86_400, DAY + (day + 1) * 86_400, "TRUE");
        assert_eq!((bucket.requests, bucket.errors), (sums[0], sums[2]));
        assert_eq!(
            (bucket.prompt_tokens, bucket.completion_tokens),
            (sums[4], sums[5])
        );
    }
    let id: ConversationId = "c3".parse().unwrap();
    let found = store.conversation(&id, RowPage::default()).await.unwrap();
    let found = found.unwrap();
    assert_eq!(
        (found.total_requests, found.total_tokens),
        (of_conversation[0], of_conversation[6])
    );
    let first = &found.requests[0];
    assert_eq!(
        (first.key_id, first.key.as_deref(), first.project_id),
        (None, None, None)
    );

    // What comes now is added to what was there, and is somebody's.
    let row = OpenRow {
        provider_id: ProviderId(2),
        key_id: Some(KeyId(2)),
        key: Some("p2".into()),
        ..open_row("new")
    };
    let whole = LedgerWrite::Whole(row, settlement(7, 1));
    store.append(Arc::new(vec![whole])).await.unwrap();
    check_sums(&store, &RANGES[1..], &before[1..]).await;
    let totals = store.totals(TimeRange::ALL).await.unwrap();
    assert_eq!(
        (totals.requests, totals.prompt_tokens),
        (1001, before[0][4] + 7)
    );
    let keys: Vec<_> = totals
        .by_key
        .iter()
        .map(|part| (part.key_id, part.requests))
        .collect();
    assert_eq!(keys, [(KeyId(2), 1)]);
}

#[tokio::test]
async fn client_keys_of_the_first_version_become_keys_that_providers_carry() {
    let place = Place::new();
    full_first_version(&place);
    let options = SqliteStore::options(place.path()).master_key(place.key.clone());
    let seen = options.inspect().await.unwrap().unwrap();
    let store = place.open().await;
    let records = store.load().await.unwrap();
    let ids: Vec<_> = records
        .providers
        .iter()
        .map(|provider| provider.key_id)
        .collect();
    assert_eq!(ids, [KeyId(1), KeyId(2), KeyId(1)]);
    for (key, text) in records
        .keys
        .iter()
        .zip(["shared-client-key", "own-client-key-0"])
    {
        let hash = KeyHash::of(text.as_bytes());
        assert_eq!((key.secret.hash, key.identity), (hash, hash));
        assert_eq!(
            (key.secret.mask.clone(), key.origin),
            (mask(text), KeyOrigin::Provider)
        );
        assert!(key.fields.enabled && key.fields.models.is_none());
    }
    let names: Vec<_> = records
        .keys
        .iter()
        .map(|key| key.fields.name.as_str())
        .collect();
    assert_eq!(names, ["p1", "p2"]);
    let registered = Registered::unseal(records.clone(), &place.key).unwrap();
    for provider in &registered.providers {
        let mut keys = records.keys.iter();
        let key = keys.find(|key| key.id == provider.key_id).unwrap();
        assert_eq!(provider.client_key, key.secret);
        assert_eq!(
            provider.server_key.expose_secret(),
            format!("sk-{}", provider.id)
        );
        let proxy = provider.proxy_url.as_ref().unwrap();
        assert_eq!(proxy.expose_secret(), "http://u:p@proxy:1");
    }
    // Whoever looks before the migration sees the same.
    assert_eq!(seen.records.keys, records.keys);
    assert_eq!(seen.records.providers, records.providers);
}
