//! A server that was stopped for a while, as on a busy host or a closed laptop.

use std::time::Duration;

use nexus_lib::testing::{Answer, FakeUpstream, Gate, RawClient, RawRequest, openai};
use serde_json::json;

use crate::server::{Home, chat};

/// The idle timeout of a stream, in milliseconds.
const IDLE_MS: u64 = 1000;

#[tokio::test]
async fn streams_whose_bytes_lay_in_the_socket_are_not_silent() {
    let home = Home::new();
    let server = home.start(&[], &[]);
    let gate = Gate::new();
    let (first, usage) = (openai::delta_event("a"), openai::usage_event(1, 1));
    let answer = Answer::events(&[&first])
        .pause(&gate)
        .sse(&[&usage, openai::DONE])
        .end();
    let upstream = FakeUpstream::start(answer).await;
    let provider = json!({"name": "Slow", "server_url": upstream.url(), "server_key": "",
        "personalized_key": "key", "timeouts": {"idle_ms": IDLE_MS}});
    let model = json!({"provider": "Slow", "model_name": "m"});
    for (route, body) in [("/providers", provider), ("/provider_models", model)] {
        let request = RawRequest::post(route).body(body.to_string());
        assert_eq!(server.admin(&request).await.head.status, 201);
    }
    let mut clients = Vec::new();
    for _ in 0..18 {
        let mut client = RawClient::connect(server.api).await;
        let request = chat("key", "m", "hi", true).to_bytes();
        client.send(&request).await;
        assert_eq!(client.head().await.status, 200);
        client.event().await.expect("the first event");
        clients.push(client);
    }
    server.signal("STOP");
    gate.open();
    // This test needs real time to pass.
    tokio::time::sleep(Duration::from_millis(IDLE_MS * 3 / 2)).await;
    server.signal("CONT");
    for client in &mut clients {
        let mut last = String::new();
        while let Some(event) = client.event().await {
            last = format!("{event:?}");
        }
        assert!(last.contains("[DONE]"), "{last}");
    }
    drop(clients);
    server.stop().await;
}
