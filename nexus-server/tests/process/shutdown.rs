use nexus_lib::testing::{Answer, FakeUpstream, Gate, RawClient, RawRequest, openai};
use tokio::net::TcpStream;

use crate::server::{Home, Server, chat};

/// An upstream that stops in the middle of its stream, until the gate opens.
async fn paused(gate: &Gate) -> FakeUpstream {
    let first = openai::delta_event("Hello");
    let (usage, done) = (openai::usage_event(3, 1), openai::DONE);
    let answer = Answer::events(&[&first]).pause(gate);
    FakeUpstream::start(answer.sse(&[&usage, done]).end()).await
}

/// A server with one stream open whose first event has come.
async fn streaming(home: &Home, upstream: &FakeUpstream, args: &[&str]) -> (Server, RawClient) {
    let server = home.start(args, &[]);
    server.register(&upstream.url(), "", "key", "m").await;
    let mut client = RawClient::connect(server.api).await;
    client.send(&chat("key", "m", "hi", true).to_bytes()).await;
    assert_eq!(client.head().await.status, 200);
    let event = client.event().await.unwrap();
    assert!(event.starts_with(b"data: "), "{event:?}");
    (server, client)
}

async fn last_state(home: &Home) -> String {
    let server = home.start(&[], &[]);
    let rows = server.admin_json("/stats/requests").await;
    rows["requests"][0]["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn signals_end_an_idle_server_well() {
    for signal in ["TERM", "INT"] {
        let home = Home::new();
        let server = home.start(&[], &[]);
        // One connection that has said nothing, and one that is kept alive.
        let silent = RawClient::connect(server.api).await;
        let mut idle = RawClient::connect(server.admin).await;
        idle.send(&RawRequest::get("/healthz").to_bytes()).await;
        assert_eq!(idle.response().await.head.status, 200);
        server.signal(signal);
        let (status, rest) = server.ended().await;
        assert_eq!(status.code(), Some(0), "{signal}");
        assert_eq!(rest, "", "nothing but the addresses on stdout");
        drop((silent, idle));
    }
}

#[tokio::test]
async fn open_stream_finishes_and_no_new_connection_is_taken() {
    let (home, gate) = (Home::new(), Gate::new());
    let upstream = paused(&gate).await;
    let (server, mut client) = streaming(&home, &upstream, &[]).await;
    let api = server.api;
    server.signal("TERM");
    // The listener is closed at once, the stream is not.
    while TcpStream::connect(api).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.open();
    let mut last = None;
    while let Some(event) = client.event().await {
        last = Some(event);
    }
    assert_eq!(last.as_deref(), Some(openai::DONE.as_bytes()));
    let (status, _) = server.ended().await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(last_state(&home).await, "completed");
}

#[tokio::test]
async fn stream_that_does_not_finish_in_time_is_cut_and_settled() {
    let (home, gate) = (Home::new(), Gate::new());
    let upstream = paused(&gate).await;
    let (server, client) = streaming(&home, &upstream, &["--drain-timeout", "0"]).await;
    server.signal("TERM");
    let (status, _) = server.ended().await;
    assert_eq!(status.code(), Some(0));
    upstream.closed(0).await;
    drop(client);
    assert_eq!(last_state(&home).await, "cancelled");
}

#[tokio::test]
async fn second_signal_ends_at_once() {
    let (home, gate) = (Home::new(), Gate::new());
    let upstream = paused(&gate).await;
    let (server, client) = streaming(&home, &upstream, &["--drain-timeout", "3600"]).await;
    let api = server.api;
    server.signal("TERM");
    while TcpStream::connect(api).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.signal("TERM");
    let (status, _) = server.ended().await;
    assert_eq!(status.code(), Some(1));
    drop(client);
    // Nothing is waited for: the row was settled on the way out, or is at the next start. Never open.
    let state = last_state(&home).await;
    assert!(matches!(&*state, "cancelled" | "interrupted"), "{state}");
}
