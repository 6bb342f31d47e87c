//! Databases of earlier versions.

use rusqlite::{Connection, params};

use super::Place;
use crate::store::{LedgerStore, RequestState};
use crate::wire::{RequestId, TimeRange, Timestamp};

/// A database as the first version made it, with one row for each of `rows`: a state, a status, and an error.
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
