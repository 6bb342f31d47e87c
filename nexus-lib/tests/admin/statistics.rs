use std::sync::Arc;

use nexus_lib::store::{LedgerStore, LedgerWrite, OpenRow, Owners, RequestState, Settlement};
use nexus_lib::wire::{GatewayId, ProviderId, RequestId, Timestamp, Usage, UsageSource};
use serde_json::{Value, json};

use crate::client::Admin;

/// 2026-01-31T08:00:00Z
const START: i64 = 1_769_846_400_000_000;
const MINUTE: i64 = 60_000_000;

const OWNER: GatewayId = GatewayId::from_bytes([7; 16]);

pub(crate) fn open(minute: i64, conversation: &str, model: &str, provider: i64) -> OpenRow {
    let started_at = Timestamp::from_micros(START + minute * MINUTE);
    let mut id = *RequestId::floor(started_at).as_bytes();
    id[6] = 0x70;
    id[8] = 0x80;
    let provider = (ProviderId(provider), format!("p{provider}"));
    let mut open = OpenRow::new(OWNER, provider, model);
    open.request_id = RequestId::from_bytes(id);
    open.conversation_id = conversation.parse().unwrap();
    open.started_at = started_at;
    open
}

pub(crate) fn settled(
    state: RequestState,
    provider: i64,
    prompt: u64,
    completion: u64,
) -> Settlement {
    let mut settled = Settlement::of(&open(0, "c", "m", provider), state);
    settled.usage_source = UsageSource::Reported;
    settled.usage = Usage::of(prompt, completion);
    settled.usage.cached_tokens = 1;
    settled.usage.reasoning_tokens = 2;
    settled.status = Some(200);
    settled.attempts = 1;
    settled.first_token_ms = Some(3);
    settled.duration_ms = 4;
    settled
}

/// Three requests a minute apart: two rounds of `c1`, then a failure of `a/b`; then one in flight.
async fn admin() -> Admin {
    let admin = Admin::new().await;
    let completed = RequestState::Completed;
    let rows = vec![
        LedgerWrite::Whole(open(0, "c1", "m", 1), settled(completed, 1, 10, 5)),
        LedgerWrite::Whole(open(1, "c1", "n", 2), settled(completed, 2, 20, 6)),
        LedgerWrite::Whole(
            open(2, "a/b", "m", 1),
            settled(RequestState::Failed, 1, 7, 0),
        ),
        LedgerWrite::Open(open(3, "a/b", "m", 1)),
    ];
    admin.store.append(Arc::new(rows)).await.unwrap();
    admin
}

fn ids(page: &Value) -> Vec<&str> {
    let rows = page["requests"].as_array().unwrap().iter();
    rows.map(|row| row["request_id"].as_str().unwrap())
        .collect()
}

pub(crate) fn id(minute: i64) -> String {
    open(minute, "c", "m", 1).request_id.to_string()
}

#[tokio::test]
async fn empty_ledger_is_all_zeros() {
    let totals = Admin::new().await.get("/stats/total").await.json();
    let expected = json!({
        "total_conversations": 0, "total_rounds": 0, "requests": 0,
        "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0,
        "cached_tokens": 0, "reasoning_tokens": 0, "errors": 0, "latency_ms": null,
        "first_token_ms": null, "by_provider": [], "by_model": [], "by_key": [], "now": totals["now"],
    });
    assert_eq!(totals, expected);
}

#[tokio::test]
async fn totals_sum_over_the_range() {
    let admin = admin().await;
    let totals = admin.get("/stats/total").await.json();
    assert_eq!(totals["total_conversations"], 2);
    assert_eq!(totals["total_rounds"], 2);
    assert_eq!(totals["requests"], 4);
    assert_eq!(totals["prompt_tokens"], 37);
    assert_eq!(totals["total_tokens"], 48);
    let by_provider = json!([
        {"provider_id": 1, "provider": "p1", "requests": 3, "prompt_tokens": 17, "completion_tokens": 5, "total_tokens": 22},
        {"provider_id": 2, "provider": "p2", "requests": 1, "prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26},
    ]);
    assert_eq!(totals["by_provider"], by_provider);
    assert_eq!(totals["by_model"][1]["model"], "n");

    let range = "from=2026-01-31T08:01:00Z&to=2026-01-31T10:02:00%2B02:00";
    let totals = admin.get(&format!("/stats/total?{range}")).await.json();
    assert_eq!(totals["requests"], 1);
    assert_eq!(totals["completion_tokens"], 6);
}

#[tokio::test]
async fn conversation_has_sums_and_rows_oldest_first() {
    let admin = admin().await;
    let conversation = admin.get("/stats/conversation/c1").await.json();
    assert_eq!(conversation["conversation_id"], "c1");
    assert_eq!(conversation["rounds"], 2);
    assert_eq!(conversation["total_tokens"], 41);
    assert_eq!(conversation["messages"], json!([]));
    assert_eq!(ids(&conversation), [id(0), id(1)]);
    let expected = json!({
        "request_id": id(0), "conversation_id": "c1", "provider_id": 1, "provider": "p1",
        "model": "m", "upstream_model": null, "operation": "chat.completion", "stream": false,
        "state": "completed", "usage_source": "reported", "prompt_tokens": 10,
        "completion_tokens": 5, "total_tokens": 15, "cached_tokens": 1, "reasoning_tokens": 2,
        "status": 200, "attempts": 1, "started_at": "2026-01-31T08:00:00.000Z",
        "first_token_ms": 3, "duration_ms": 4, "error": null,
        "key_id": null, "key": null, "project_id": null,
    });
    assert_eq!(conversation["requests"][0], expected);

    let escaped = admin.get("/stats/conversation/a%2Fb").await.json();
    assert_eq!(escaped["conversation_id"], "a/b");
    for path in ["/stats/conversation/nope", "/stats/conversation/%20"] {
        admin.get(path).await.assert_error(404, "not_found", None);
    }
}

#[tokio::test]
async fn requests_come_in_pages_newest_first() {
    let admin = admin().await;
    let first = admin.get("/stats/requests?limit=2").await.json();
    assert_eq!(ids(&first), [id(3), id(2)]);
    assert_eq!(first["next"], id(2));
    let next = format!("/stats/requests?limit=2&before={}", id(2));
    let second = admin.get(&next).await.json();
    assert_eq!(ids(&second), [id(1), id(0)]);
    assert_eq!(second["next"], Value::Null);
    assert_eq!(ids(&admin.get("/stats/requests").await.json()).len(), 4);
}

#[tokio::test]
async fn requests_are_filtered() {
    let admin = admin().await;
    for (filter, expected) in [
        ("model=n", vec![1]),
        ("provider_id=1", vec![3, 2, 0]),
        ("state=failed", vec![2]),
        ("state=open", vec![3]),
        ("state=", vec![3, 2, 1, 0]),
        ("from=2026-01-31T08:02:00Z", vec![3, 2]),
        ("to=2026-01-31T08:01:00Z", vec![0]),
        ("model=m&state=completed&provider_id=1", vec![0]),
        ("provider_id=99", vec![]),
    ] {
        let page = admin.get(&format!("/stats/requests?{filter}")).await.json();
        let expected: Vec<_> = expected.into_iter().map(id).collect();
        assert_eq!(ids(&page), expected, "{filter}");
        assert_eq!(page["next"], Value::Null);
    }
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let admin = Admin::new().await;
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=canary", "limit"),
        ("limit=1&limit=2", "limit"),
        ("before=canary", "before"),
        ("provider_id=canary", "provider_id"),
        ("state=canary", "state"),
        ("from=canary", "from"),
        ("to=2026-01-31", "to"),
        ("from=2026-01-31T08:00:00Z&to=2026-01-30T08:00:00Z", "to"),
        ("model=%ff", "model"),
    ] {
        let answer = admin.get(&format!("/stats/requests?{query}")).await;
        answer.assert_error(422, "invalid_field", Some(param));
    }
    for (query, param) in [
        ("from=canary", "from"),
        ("to=canary", "to"),
        ("from=2026-01-31T08:00:00Z&to=2026-01-31T07:59:59Z", "to"),
    ] {
        for route in ["/stats/total?", "/stats/series?bucket=day&"] {
            let answer = admin.get(&format!("{route}{query}")).await;
            answer.assert_error(422, "invalid_field", Some(param));
        }
    }
    for query in ["", "bucket=canary", "bucket=Day", "bucket=day&bucket=day"] {
        let answer = admin.get(&format!("/stats/series?{query}")).await;
        answer.assert_error(422, "invalid_field", Some("bucket"));
    }
    assert_eq!(admin.get("/stats/requests?limit=1000").await.status, 200);
}

#[tokio::test]
async fn series_has_every_bucket_of_the_range() {
    let admin = admin().await;
    let bucket = |start: &str, requests: u32, errors: u32, prompt: u32, completion: u32| {
        json!({
            "start": format!("2026-01-31T{start}:00.000Z"), "requests": requests, "errors": errors,
            "prompt_tokens": prompt, "completion_tokens": completion,
            "latency_ms": null, "first_token_ms": null,
        })
    };
    let timed = |mut bucket: Value| {
        bucket["latency_ms"] = json!({"p50": 4, "p90": 4, "p99": 4});
        bucket["first_token_ms"] = json!({"p50": 3, "p90": 3, "p99": 3});
        bucket
    };
    let by_minute = "bucket=minute&from=2026-01-31T08:00:59Z&to=2026-01-31T08:04:01Z";
    let series = admin.get(&format!("/stats/series?{by_minute}")).await;
    let expected = json!([
        // Its request is before the range.
        bucket("08:00", 0, 0, 0, 0),
        timed(bucket("08:01", 1, 0, 20, 6)),
        bucket("08:02", 1, 1, 7, 0),
        bucket("08:03", 1, 0, 0, 0),
        bucket("08:04", 0, 0, 0, 0),
    ]);
    assert_eq!(series.json()["buckets"], expected);

    let by_hour = "bucket=hour&from=2026-01-31T07:30:00Z&to=2026-01-31T09:00:00Z";
    let series = admin.get(&format!("/stats/series?{by_hour}")).await.json();
    let expected = json!([
        bucket("07:00", 0, 0, 0, 0),
        timed(bucket("08:00", 4, 1, 37, 11))
    ]);
    assert_eq!(series["buckets"], expected);

    assert_eq!(
        admin.store.recover(Owners::Gateway(OWNER)).await.unwrap(),
        1
    );
    let by_day = "bucket=day&from=2026-01-31T10:00:00%2B02:00&to=2026-01-31T10:00:01Z";
    let series = admin.get(&format!("/stats/series?{by_day}")).await.json();
    assert_eq!(
        series["buckets"],
        json!([timed(bucket("00:00", 4, 2, 37, 11))])
    );
}

#[tokio::test]
async fn series_has_a_length_without_a_range_and_a_limit_with_one() {
    let admin = Admin::new().await;
    for (bucket, length) in [("minute", 60), ("hour", 48), ("day", 30)] {
        for to in ["", "&to=2026-01-31T08:00:00Z"] {
            let path = format!("/stats/series?bucket={bucket}{to}");
            let series = admin.get(&path).await.json();
            assert_eq!(
                series["buckets"].as_array().unwrap().len(),
                length,
                "{path}"
            );
        }
    }
    let range = |to| format!("/stats/series?bucket=hour&from=2025-01-01T00:00:00Z&to={to}");
    let most = admin.get(&range("2026-02-21T16:00:00Z")).await.json();
    assert_eq!(most["buckets"].as_array().unwrap().len(), 10_000);
    let more = admin.get(&range("2026-02-21T16:00:00.001Z")).await;
    more.assert_error(422, "invalid_field", Some("bucket"));
    assert!(more.text.contains("10,000"), "{}", more.text);
    // Nothing has started since.
    let future = "/stats/series?bucket=day&from=9000-01-01T00:00:00Z";
    assert_eq!(admin.get(future).await.json()["buckets"], json!([]));
}
