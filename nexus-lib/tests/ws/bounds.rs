use std::time::Duration;

use nexus_lib::http::SocketSettings;
use nexus_lib::testing::{Answer, DEADLINE, Gate, Script, openai};
use serde_json::json;
use tokio::net::TcpSocket;

use crate::client::{Client, words};
use crate::support::{KEY, PLAIN, Rig};

async fn rig_with(settings: SocketSettings, script: impl Into<Script>) -> (Rig, impl Sized) {
    let rig = Rig::with(|builder| builder.sockets(settings)).await;
    let upstream = rig.add_upstream("Fake", 0, script).await;
    (rig, upstream)
}

#[tokio::test]
async fn no_more_chats_than_allowed_are_open_on_a_socket() {
    let settings = SocketSettings {
        max_chats: 2,
        ..SocketSettings::default()
    };
    let gate = Gate::new();
    let answer = Answer::events(&[&openai::delta_event("a")])
        .pause(&gate)
        .sse(&[openai::DONE])
        .end();
    let (rig, _upstream) = rig_with(settings, answer).await;
    let mut client = Client::connect(&rig).await;
    for id in ["a", "b"] {
        client.chat(id, true).await;
        assert_eq!(client.frame().await["type"], "chunk");
    }
    client.chat("c", true).await;
    let told = client.frame().await;
    assert_eq!(
        (&told["id"], &told["error"]["code"]),
        (&json!("c"), &json!("overloaded"))
    );
    let mut other = Client::connect(&rig).await;
    other.chat("a", true).await;
    assert_eq!(other.frame().await["type"], "chunk");
    gate.open();
    client.frames().await;
    client.chat("c", true).await;
    let mut last = client.frames().await;
    if last.last().unwrap()["id"] != "c" {
        last = client.frames().await;
    }
    assert_eq!(last.last().unwrap()["type"], "done");
}

#[tokio::test]
async fn chats_count_among_the_gateways_open_requests() {
    let rig = Rig::with(|builder| builder.max_open_requests(1)).await;
    let answer = Answer::events(&[&openai::delta_event("a")]).hang();
    let upstream = rig.add_upstream("Fake", 0, answer).await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", true).await;
    client.frame().await;
    assert_eq!(rig.chat(PLAIN).await.status, 503);
    client.chat("b", true).await;
    assert_eq!(client.frame().await["error"]["code"], "overloaded");
    client.send(json!({"type": "cancel", "id": "a"})).await;
    upstream.closed(0).await;
    assert_eq!(client.frame().await["error"]["code"], "cancelled");
    client.chat("c", true).await;
    assert_eq!(client.frame().await["type"], "chunk");
}

#[tokio::test]
async fn a_client_that_does_not_read_stalls_its_own_chats_and_nothing_else() {
    let event = openai::delta_event(&"x".repeat(60_000));
    let script = Script::by(move |request| {
        let id = request.json()["messages"][0]["content"].clone();
        match id == "endless" {
            true => Answer::events(&vec![&*event; 2_000]).end(),
            false => Answer::events(&[&openai::delta_event("ok"), openai::DONE]).end(),
        }
    });
    let (rig, _upstream) = Rig::over(script).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(rig.api).await.unwrap();
    let (mut stuck, _) = Client::over(stream, rig.api, &[("x-api-key", KEY)])
        .await
        .ok()
        .unwrap();
    stuck.chat("endless", true).await;
    stuck.frame().await;
    // Others are served meanwhile, and what the stuck one gets is bounded.
    let mut client = Client::connect(&rig).await;
    for index in 0..50 {
        client.chat(&format!("c{index}"), true).await;
        assert_eq!(words(&client.frames().await), "ok");
    }
    // It can still cancel, though it reads nothing.
    stuck.send(json!({"type": "cancel", "id": "endless"})).await;
    let cancelled = async {
        loop {
            let rows = rig.rows().await;
            if rows.iter().any(|row| row["state"] == "cancelled") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, cancelled)
        .await
        .expect("a cancelled row");
}

#[tokio::test]
async fn one_that_answers_no_pings_is_let_go() {
    let settings = SocketSettings {
        ping_every: Duration::from_millis(50),
        ..SocketSettings::default()
    };
    let answer = Answer::events(&[&openai::delta_event("a")]).hang();
    let (rig, _upstream) = rig_with(settings, answer).await;
    // The client library answers pings while it is read; this one is not.
    let mut silent = Client::connect(&rig).await;
    silent.chat("a", true).await;
    silent.frame().await;
    assert_eq!(rig.settled().await["state"], "cancelled");

    let mut alive = Client::connect(&rig).await;
    let until = tokio::time::Instant::now() + Duration::from_millis(400);
    let read = tokio::time::timeout_at(until, alive.frame()).await;
    assert!(read.is_err(), "pings are answered, and nothing else comes");
    alive.send(json!({"type": "ping"})).await;
    assert_eq!(alive.frame().await["type"], "pong");
}
