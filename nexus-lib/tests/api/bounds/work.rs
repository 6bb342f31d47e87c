//! Requests that are designed to be expensive.

use std::time::{Duration, Instant};

use nexus_lib::testing::{Answer, Gate, Script, openai};
use serde_json::{Value, json};

use super::{Face, fields};
use crate::support::{PLAIN, Rig};

/// A chat with this many unknown members.
fn unknown(face: Face, place: Option<&str>, count: usize) -> Value {
    let mut body = face.body("hi", false);
    let members = match place {
        None => body.as_object_mut().unwrap(),
        Some(place) => {
            body[place] = json!({});
            body[place].as_object_mut().unwrap()
        }
    };
    members.extend((0..count).map(|number| (format!("unknown_{number}"), json!(1))));
    body
}

#[tokio::test]
async fn many_unknown_members_cost_little_and_are_told_in_a_short_header() {
    let rig = Rig::start().await;
    let message = json!({
        "id": "m", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "ok"}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1},
    });
    let answer = Answer::json(200, message.to_string());
    let _upstream = rig
        .add_upstream_with("Fake", fields("anthropic", None), answer)
        .await;
    for face in [Face::Chat, Face::Responses] {
        let began = Instant::now();
        let response = rig.ask(&face.request(&unknown(face, None, 100_000))).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        let dropped = response.header("x-nexus-dropped").unwrap();
        assert!(dropped.len() <= 2048, "{}", dropped.len());
        assert!(dropped.starts_with("unknown_0,unknown_1,"), "{dropped}");
        let more = dropped.rsplit_once(" and ").unwrap().1;
        assert!(more.ends_with(" more"), "{dropped}");
        // With quadratic work it would take minutes.
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }
    for place in [None, Some("metadata"), Some("output_config")] {
        let began = Instant::now();
        let body = unknown(Face::Messages, place, 100_000);
        let response = rig.ask(&Face::Messages.request(&body)).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_its_request_is_read_leaves_a_row_or_nothing_sent() {
    let gate = Gate::new();
    let script = Script::always(Answer::new().pause(&gate).hang());
    let rig = Rig::start().await;
    let upstream = rig
        .add_upstream_with("Fake", fields("anthropic", None), script)
        .await;
    let mut body = Face::Chat.body("hi", false);
    body["messages"] = (0..20_000)
        .map(|number| {
            let role = ["user", "assistant"][number % 2];
            json!({"role": role, "content": "hi"})
        })
        .collect();
    for wait in 0..6 {
        let client = rig.send(&Face::Chat.request(&body)).await;
        for _ in 0..wait * 100 {
            tokio::task::yield_now().await;
        }
        client.reset();
    }
    // Every request that was sent upstream is on the ledger: each of them was cancelled.
    let settled = async {
        loop {
            let rows = rig.rows().await;
            if rows.iter().all(|row| row["state"] == "cancelled")
                && rows.len() >= upstream.requests().len()
                && rig.provider("Fake").await["health"]["open_requests"]
                    .as_u64()
                    .unwrap_or(0)
                    == 0
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(nexus_lib::testing::DEADLINE, settled)
        .await
        .expect("all is settled");
}

#[tokio::test]
async fn a_small_chat_does_not_wait_for_many_long_ones_to_be_counted() {
    let script = Script::by(|_| {
        let mut completion = openai::completion("hello world", 1, 1);
        completion.as_object_mut().unwrap().remove("usage");
        Answer::json(200, completion.to_string())
    });
    let (rig, _upstream) = Rig::over(script).await;
    // The tables are loaded.
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    let words = "The quick brown fox jumps over the lazy dog. ".repeat(256 * 1024 / 45);
    let mut long = Vec::new();
    for _ in 0..48 {
        long.push(rig.send(&Face::Chat.asks(&words, false)).await);
    }
    // They are all queued once the first one is answered.
    assert_eq!(long[0].head().await.status, 200);
    let row = rig.row(&rig.chat(PLAIN).await.head).await;
    assert_eq!(row["usage_source"], "estimated");
    let settled = rig.rows().await;
    let waiting = settled.iter().filter(|row| row["state"] == "open").count();
    for client in &mut long[1..] {
        assert_eq!(client.head().await.status, 200);
    }
    // It did not wait for most of them.
    let done_before = 48 - waiting;
    assert!(done_before < 40, "{done_before} of 48 were counted first");
}
