//! The client's own deadline.

use nexus_lib::testing::{Answer, RawRequest, RawResponse, Script, openai};
use serde_json::{Value, json};

use crate::support::{PLAIN, Rig, STREAM, assert_error, chat};

fn within(body: &'static str, ms: &str) -> RawRequest {
    chat(body).header("x-request-timeout-ms", ms)
}

async fn error(rig: &Rig, response: &RawResponse) -> Value {
    let row = rig.row(response).await;
    assert_eq!(row["state"], "failed", "{row}");
    row["error"].clone()
}

#[tokio::test]
async fn an_answer_that_is_not_there_in_time_is_504() {
    for body in [PLAIN, STREAM] {
        let (rig, upstream) = Rig::over(Answer::new().hang()).await;
        let second = rig
            .add_upstream("Second", 1, openai::server(&["ok"], 1, 1))
            .await;
        let response = rig.ask(&within(body, "50")).await;
        assert_eq!(response.status, 504);
        assert_error(&response.body.json(), "upstream_error", "deadline_exceeded");
        upstream.closed(0).await;
        assert!(second.requests().is_empty(), "nobody waits for it");
        assert!(
            error(&rig, &response)
                .await
                .as_str()
                .unwrap()
                .contains("deadline")
        );
        assert_eq!(rig.provider("Fake").await["health"]["recent_errors"], 0);
    }
}

#[tokio::test]
async fn a_longer_stream_is_cut_off_with_an_error() {
    let event = openai::delta_event("a");
    let (rig, upstream) = Rig::over(Answer::events(&[&event]).hang()).await;
    let response = rig.ask(&within(STREAM, "100")).await;
    assert_eq!(response.status, 200);
    let text = response.body.text();
    let last = text.strip_prefix(&event).unwrap().strip_prefix("data: ");
    let last = serde_json::from_str(last.unwrap().trim_end()).unwrap();
    assert_error(&last, "upstream_error", "deadline_exceeded");
    upstream.closed(0).await;
    let row = rig.row(&response).await;
    assert_eq!(
        json!([row["state"], row["usage_source"]]),
        json!(["failed", "estimated"])
    );
}

#[tokio::test]
async fn a_stream_that_does_not_end_behind_its_error_is_ended() {
    let error = "data: {\"error\":{\"message\":\"no\"}}\n\n";
    let event = openai::delta_event("a");
    let (rig, upstream) = Rig::over(Answer::events(&[&event, error]).hang()).await;
    let response = rig.ask(&within(STREAM, "100")).await;
    assert_eq!(response.body.text(), [&event, error].concat());
    upstream.closed(0).await;
    assert_eq!(rig.row(&response).await["error"], "no");
}

#[tokio::test]
async fn a_retry_that_would_come_too_late_is_not_waited_for() {
    let busy = Answer::fixed(503, &[("retry-after-ms", "1500")], "{}");
    let (rig, upstream) = Rig::over(Script::always(busy)).await;
    let response = rig.ask(&within(PLAIN, "1000")).await;
    assert_eq!(response.status, 503);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn who_is_quick_enough_notices_nothing() {
    let (rig, _upstream) = Rig::over(openai::server(&["a", "b"], 1, 1)).await;
    for body in [PLAIN, STREAM] {
        let response = rig.ask(&within(body, "86400000")).await;
        assert_eq!(response.status, 200);
        assert_eq!(rig.row(&response).await["state"], "completed");
    }
}

#[tokio::test]
async fn what_is_no_time_is_refused() {
    let (rig, upstream) = Rig::over(openai::server(&["a"], 1, 1)).await;
    for ms in ["0", "-5", "1.5", "86400001", "soon", ""] {
        let response = rig.ask(&within(PLAIN, ms)).await;
        assert_eq!(response.status, 400, "{ms}");
        let body = response.body.json();
        assert_error(&body, "invalid_request_error", "invalid_request");
        assert_eq!(body["error"]["param"], "x-request-timeout-ms");
    }
    assert!(upstream.requests().is_empty() && rig.rows().await.is_empty());
}
