//! Figures cover the whole requested range, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use nexus_lib::store::{LedgerStore, LedgerWrite, RequestState};
use nexus_lib::wire::{RequestId, Timestamp};
use serde_json::{Value, json};

use crate::client::Admin;
use crate::statistics::{id, open, settled};

/// A row that began `ago` before now.
fn row(ago: Duration, state: RequestState, duration_ms: u64) -> LedgerWrite {
    let mut open = open(0, "c", "m", 1);
    open.request_id = RequestId::new();
    open.started_at = Timestamp::now().saturating_sub(ago);
    let mut end = settled(state, 1, 10, 5);
    end.duration_ms = duration_ms;
    end.first_token_ms = Some(duration_ms / 2);
    LedgerWrite::Whole(open, end)
}

async fn with(rows: Vec<LedgerWrite>) -> Admin {
    let admin = Admin::new().await;
    admin.store.append(Arc::new(rows)).await.unwrap();
    admin
}

fn sum(buckets: &Value, field: &str) -> u64 {
    let buckets = buckets.as_array().unwrap().iter();
    buckets.map(|bucket| bucket[field].as_u64().unwrap()).sum()
}

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn errors_and_requests_are_of_the_same_exact_range() {
    let failed = |ago| row(ago, RequestState::Failed, 1);
    let before = (0..10).map(|_| failed(24 * HOUR + 5 * MINUTE));
    let admin = with(before.collect()).await;
    for bucket in ["minute", "hour", "day"] {
        let path = format!("/stats/summary?bucket={bucket}&last=86400");
        let summary = admin.get(&path).await.json();
        let (totals, buckets) = (&summary["totals"], &summary["buckets"]);
        assert_eq!(
            (&totals["requests"], &totals["errors"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(
            (sum(buckets, "requests"), sum(buckets, "errors")),
            (0, 0),
            "{bucket}"
        );
        assert_eq!(totals["latency_ms"], Value::Null);
    }
    let rows = vec![failed(23 * HOUR + 55 * MINUTE), failed(MINUTE)];
    admin.store.append(Arc::new(rows)).await.unwrap();
    for bucket in ["minute", "hour", "day"] {
        let path = format!("/stats/series?bucket={bucket}&last=86400&time_zone=-03:30");
        let series = admin.get(&path).await.json();
        let buckets = &series["buckets"];
        assert_eq!(
            (sum(buckets, "requests"), sum(buckets, "errors")),
            (2, 2),
            "{bucket}"
        );
    }
}

#[tokio::test]
async fn latency_is_of_all_completed_requests_of_the_range() {
    let completed = |ago, ms| row(ago, RequestState::Completed, ms);
    let mut rows: Vec<_> = (0..700).map(|_| completed(30 * MINUTE, 8000)).collect();
    // There are more than the newest 500.
    rows.extend((0..600).map(|_| completed(MINUTE, 10)));
    rows.push(completed(3 * HOUR, 60_000));
    rows.push(row(MINUTE, RequestState::Failed, 1));
    rows.push(row(MINUTE, RequestState::Cancelled, 1));
    let admin = with(rows).await;
    let near = |value: &Value, ms: u64| value.as_u64().unwrap().abs_diff(ms) * 50 <= ms;
    let summary = admin
        .get("/stats/summary?bucket=minute&last=3600")
        .await
        .json();
    let latency = &summary["totals"]["latency_ms"];
    assert!(
        near(&latency["p50"], 8000) && near(&latency["p99"], 8000),
        "{latency}"
    );
    assert!(near(&summary["totals"]["first_token_ms"]["p90"], 4000));
    let timed: Vec<_> = summary["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|bucket| !bucket["latency_ms"].is_null())
        .map(|bucket| bucket["latency_ms"]["p50"].clone())
        .collect();
    assert!(
        timed.len() == 2 && near(&timed[0], 8000) && timed[1] == 10,
        "{timed:?}"
    );
    let all = admin.get("/stats/total").await.json();
    assert!(near(&all["latency_ms"]["p50"], 8000), "{all}");
    assert!(near(&all["latency_ms"]["p99"], 8000), "{all}");
}

#[tokio::test]
async fn days_and_hours_are_those_of_the_time_zone() {
    // 2026-01-31, 08:00 to 08:03 UTC, and 14 hours later.
    let completed = |minute| {
        LedgerWrite::Whole(
            open(minute, "c", "m", 1),
            settled(RequestState::Completed, 1, 1, 1),
        )
    };
    let admin = with(vec![completed(0), completed(3), completed(14 * 60)]).await;
    let range = "from=2026-01-30T00:00:00Z&to=2026-02-02T00:00:00Z";
    let days = async |zone: &str| {
        let path = format!("/stats/series?bucket=day&{range}{zone}");
        let series = admin.get(&path).await.json();
        let buckets = series["buckets"].as_array().unwrap().iter();
        let counted = buckets.filter(|bucket| bucket["requests"] != 0);
        counted
            .map(|bucket| {
                let start = bucket["start"].as_str().unwrap().to_owned();
                (start, bucket["requests"].as_u64().unwrap())
            })
            .collect::<Vec<_>>()
    };
    let day = |start: &str, requests| (format!("2026-01-{start}:00.000Z"), requests);
    assert_eq!(days("").await, [day("31T00:00", 3)]);
    let shanghai = [day("30T16:00", 2), day("31T16:00", 1)];
    assert_eq!(days("&time_zone=Asia/Shanghai").await, shanghai);
    assert_eq!(days("&tz=Asia%2FShanghai").await, shanghai);
    assert_eq!(days("&time_zone=%2B08:00").await, shanghai);
    assert_eq!(days("&time_zone=+08:00").await, shanghai);
    assert_eq!(
        days("&time_zone=Asia/Kolkata").await,
        [day("30T18:30", 2), day("31T18:30", 1)]
    );

    let path =
        "/stats/series?bucket=hour&from=2026-01-31T07:45:00Z&to=2026-01-31T08:15:00Z&tz=%2B05:30";
    let hours = admin.get(path).await.json();
    assert_eq!(hours["buckets"].as_array().unwrap().len(), 1);
    assert_eq!(hours["buckets"][0]["start"], "2026-01-31T07:30:00.000Z");
    assert_eq!(hours["buckets"][0]["requests"], 2);
    for wrong in ["Middle/Earth", "%2B99:00", "..%2Fetc"] {
        let answer = admin
            .get(&format!("/stats/series?bucket=day&time_zone={wrong}"))
            .await;
        answer.assert_error(422, "invalid_field", Some("time_zone"));
    }
}

#[tokio::test]
async fn answers_say_when_they_were_read_and_ranges_go_by_the_servers_clock() {
    let admin = with(vec![row(10 * MINUTE, RequestState::Completed, 1)]).await;
    let before = Timestamp::now();
    for path in [
        "total",
        "series?bucket=day",
        "summary?bucket=day",
        "requests",
        "conversation/c",
    ] {
        let answer = admin.get(&format!("/stats/{path}")).await.json();
        let now: Timestamp = answer["now"].as_str().unwrap().parse().unwrap();
        assert!(
            now.saturating_add(Duration::from_millis(1)) > before,
            "{path}"
        );
    }
    for (last, requests) in [(300, 0), (900, 1)] {
        let total = admin.get(&format!("/stats/total?last={last}")).await.json();
        assert_eq!(total["requests"], requests);
        let page = admin
            .get(&format!("/stats/requests?last={last}"))
            .await
            .json();
        assert_eq!(page["requests"].as_array().unwrap().len(), requests);
    }
    for wrong in ["last=-1", "last=x", "last=1&from=2026-01-31T08:00:00Z"] {
        let answer = admin.get(&format!("/stats/total?{wrong}")).await;
        answer.assert_error(422, "invalid_field", Some("last"));
    }
}

#[tokio::test]
async fn a_summary_is_the_totals_and_the_series_in_one_answer() {
    let admin = with(Vec::new()).await;
    let empty = admin.get("/stats/summary?bucket=minute").await.json();
    assert_eq!(empty["latest_request_id"], Value::Null);
    assert_eq!(empty["buckets"].as_array().unwrap().len(), 60);
    let rows = (0..3).map(|hours| row(hours * HOUR + MINUTE, RequestState::Completed, 7));
    admin.store.append(Arc::new(rows.collect())).await.unwrap();
    let summary = admin.get("/stats/summary?bucket=minute").await.json();
    assert_eq!(summary["totals"]["requests"], 1);
    assert_eq!(sum(&summary["buckets"], "requests"), 1);
    let newest = admin.get("/stats/requests?limit=1").await.json();
    assert_eq!(
        summary["latest_request_id"],
        newest["requests"][0]["request_id"]
    );
    let answer = admin.get("/stats/summary").await;
    answer.assert_error(422, "invalid_field", Some("bucket"));
}

#[tokio::test]
async fn a_conversation_comes_in_pages_and_what_is_new_alone() {
    let rows = (0..9).map(|minute| {
        LedgerWrite::Whole(
            open(minute, "long", "m", 1),
            settled(RequestState::Completed, 1, 10, 5),
        )
    });
    let admin = with(rows.collect()).await;
    let page = async |query: &str| {
        let page = admin
            .get(&format!("/stats/conversation/long?{query}"))
            .await
            .json();
        let rows = page["requests"].as_array().unwrap().iter();
        let ids: Vec<_> = rows
            .map(|row| row["request_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(page["total_requests"], 9, "the sums are of all");
        assert_eq!(page["total_tokens"], 9 * 15);
        (ids, page["next"].clone())
    };
    let named = |minutes: &[i64]| minutes.iter().map(|minute| id(*minute)).collect::<Vec<_>>();
    assert_eq!(
        page("").await,
        (named(&[0, 1, 2, 3, 4, 5, 6, 7, 8]), Value::Null)
    );
    assert_eq!(page("limit=4").await, (named(&[5, 6, 7, 8]), json!(id(5))));
    let before = format!("limit=4&before={}", id(5));
    assert_eq!(page(&before).await, (named(&[1, 2, 3, 4]), json!(id(1))));
    let before = format!("limit=4&before={}", id(1));
    assert_eq!(page(&before).await, (named(&[0]), Value::Null));
    assert_eq!(page(&format!("after={}", id(6))).await.0, named(&[7, 8]));
    assert_eq!(page(&format!("after={}", id(8))).await.0, named(&[]));
    for (query, param) in [
        ("limit=0", "limit"),
        ("after=x", "after"),
        ("messages=x", "messages"),
    ] {
        let answer = admin
            .get(&format!("/stats/conversation/long?{query}"))
            .await;
        answer.assert_error(422, "invalid_field", Some(param));
    }
}
