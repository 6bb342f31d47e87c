//! More chats than the gateway's limit.

use std::time::{Duration, Instant};

use nexus_lib::testing::{Answer, DEADLINE, Gate, RawClient, RawRequest, openai};

use crate::support::{KEY, PLAIN, Rig, STREAM, assert_error, chat};

async fn rig(most: usize) -> Rig {
    Rig::with(|builder| builder.max_open_requests(most)).await
}

/// A stream that waits after its first event.
fn paused(gate: &Gate) -> Answer {
    let (first, usage) = (openai::delta_event("a"), openai::usage_event(1, 1));
    let rest = [usage.as_str(), openai::DONE];
    Answer::events(&[&first]).pause(gate).sse(&rest).end()
}

/// Retries until an answer is not 503: a request is released a moment after its client saw the end.
async fn admitted(rig: &Rig, body: &'static str) -> u16 {
    let admitted = async {
        loop {
            match rig.chat(body).await.status {
                503 => tokio::task::yield_now().await,
                status => return status,
            }
        }
    };
    let admitted = tokio::time::timeout(DEADLINE, admitted).await;
    admitted.expect("a chat to be admitted")
}

#[tokio::test]
async fn a_chat_too_many_is_503_at_once_and_the_others_are_served() {
    let (rig, gate) = (rig(2).await, Gate::new());
    let upstream = rig.add_upstream("Fake", 0, paused(&gate)).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut client = rig.send(&chat(STREAM)).await;
        assert_eq!(client.head().await.status, 200);
        assert!(client.event().await.is_some());
        open.push(client);
    }
    // The heads were sent, the bodies were not: both still count. The body is not awaited.
    let bytes = chat(PLAIN).to_bytes();
    let mut late = RawClient::connect(rig.api).await;
    let asked = Instant::now();
    late.send(&bytes[..bytes.len() - 1]).await;
    let refused = late.response().await;
    let took = asked.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(refused.status, 503);
    assert_error(&refused.body.json(), "server_error", "overloaded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.header("x-request-id").is_some());
    for request in [
        RawRequest::get("/healthz"),
        RawRequest::get("/v1/models").bearer(KEY),
    ] {
        assert_eq!(rig.ask(&request).await.status, 200, "chats alone count");
    }
    let unknown = RawRequest::post("/v1/chat/completions").bearer("nobody");
    assert_eq!(rig.ask(&unknown.body(PLAIN)).await.status, 401);
    gate.open();
    for mut client in open {
        assert!(client.body().await.text().ends_with(openai::DONE));
    }
    assert_eq!(rig.rows().await.len(), 2, "what was refused has no row");
    assert_eq!(upstream.requests().len(), 2);
    assert_eq!(admitted(&rig, STREAM).await, 200);
}

#[tokio::test]
async fn every_ending_makes_room() {
    let (rig, gate) = (rig(1).await, Gate::new());
    let _upstream = rig.add_upstream("Fake", 0, paused(&gate)).await;
    // Disconnected in the middle of its answer, and before its body was complete.
    let mut client = rig.send(&chat(STREAM)).await;
    assert_eq!(client.head().await.status, 200);
    client.reset();
    let half = chat(PLAIN).to_bytes();
    let mut client = loop {
        let mut client = RawClient::connect(rig.api).await;
        client.send(&half[..half.len() - 1]).await;
        let refused = tokio::time::timeout(Duration::from_millis(50), client.head()).await;
        if refused.is_err() {
            break client;
        }
    };
    assert_eq!(rig.chat(PLAIN).await.status, 503);
    client.send(b"\0").await;
    assert_eq!(client.response().await.status, 400);
    gate.open();
    for body in [STREAM, "{", STREAM] {
        let expected = if body == STREAM { 200 } else { 400 };
        assert_eq!(admitted(&rig, body).await, expected);
    }
}
