//! How long an upstream may be silent.

use nexus_lib::testing::{Answer, openai};
use serde_json::json;

use crate::support::{PLAIN, Rig, STREAM, assert_error, short};

#[tokio::test]
async fn an_upstream_that_does_not_begin_in_time_is_504() {
    let head = [
        ("content-type", "text/event-stream"),
        ("transfer-encoding", "chunked"),
    ];
    let silent = [
        (PLAIN, Answer::new().hang()),
        (STREAM, Answer::new().hang()),
        (STREAM, Answer::new().head(200, &head).hang()),
        (
            STREAM,
            Answer::new().head(200, &head).chunk(": wait\n\n").hang(),
        ),
        (
            STREAM,
            Answer::new()
                .head(200, &head)
                .chunk("data: {\"choices\"")
                .hang(),
        ),
    ];
    for (body, answer) in silent {
        let rig = Rig::with_timeouts(short()).await;
        let upstream = rig.add_upstream("Slow", 0, answer).await;
        let response = rig.chat(body).await;
        assert_eq!(response.status, 504, "{}", response.body.text());
        assert_error(&response.body.json(), "upstream_error", "upstream_timeout");
        upstream.closed(0).await;
        let row = rig.row(&response).await;
        assert_eq!(
            (&row["state"], &row["status"]),
            (&json!("failed"), &json!(504))
        );
        assert!(
            row["error"].as_str().unwrap().contains("upstream_timeout"),
            "{row}"
        );
    }
}

#[tokio::test]
async fn an_upstream_that_falls_silent_has_broken_its_stream() {
    let rig = Rig::with_timeouts(short()).await;
    let event = openai::delta_event("a");
    let upstream = rig
        .add_upstream("Slow", 0, Answer::events(&[&event]).hang())
        .await;
    let response = rig.chat(STREAM).await;
    assert_eq!(response.status, 200);
    let text = response.body.text();
    let error = text
        .strip_prefix(&event)
        .unwrap()
        .strip_prefix("data: ")
        .unwrap();
    let error = serde_json::from_str(error.trim_end()).unwrap();
    assert_error(&error, "upstream_error", "stream_interrupted");
    upstream.closed(0).await;
    assert_eq!(rig.row(&response).await["state"], "failed");
}

#[tokio::test]
async fn a_plain_answer_that_stands_still_is_504() {
    let rig = Rig::with_timeouts(short()).await;
    let head = [
        ("content-type", "application/json"),
        ("content-length", "10"),
    ];
    let _upstream = rig
        .add_upstream("Slow", 0, Answer::new().head(200, &head).bytes("{").hang())
        .await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 504, "{}", response.body.text());
    assert_error(&response.body.json(), "upstream_error", "upstream_timeout");
}
