use std::time::Duration;

use futures_util::SinkExt;
use nexus_lib::http::SocketSettings;
use nexus_lib::testing::{Answer, DEADLINE, Gate, Script, openai};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, words};
use crate::support::{KEY, PLAIN, Rig};

async fn rig_with(settings: SocketSettings, script: impl Into<Script>) -> (Rig, impl Sized) {
    let rig = Rig::with(|builder| builder.sockets(settings)).await;
    let upstream = rig.add_upstream("Fake", 0, script).await;
    (rig, upstream)
}

#[tokio::test]
async fn no_more_chats_than_allowed_are_open_on_a_socket() {
    let settings = SocketSettings::default().max_chats(2);
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
    // Others are served meanwhile, and the stuck one's output is bounded.
    let mut client = Client::connect(&rig).await;
    for index in 0..50 {
        client.chat(&format!("c{index}"), true).await;
        assert_eq!(words(&client.frames().await), "ok");
    }
    // It can still cancel, although it does not read.
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
    let settings = SocketSettings::default().ping_every(Duration::from_millis(50));
    let answer = Answer::events(&[&openai::delta_event("a")]).hang();
    let (rig, _upstream) = rig_with(settings, answer).await;
    // The client library answers pings while it is read; this one is not read.
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

/// A client's ping, masked with zeros.
fn ping() -> Vec<u8> {
    [&[0x89, 0x80 | 100, 0, 0, 0, 0][..], &[b'p'; 100]].concat()
}

/// A WebSocket for arbitrary bytes.
async fn raw(rig: &Rig, key: Option<&str>) -> TcpStream {
    let mut stream = TcpStream::connect(rig.api).await.unwrap();
    let key = key.map_or_else(String::new, |key| {
        format!("authorization: Bearer {key}\r\n")
    });
    let head = format!(
        "GET /ws/chat HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{key}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    stream
}

/// How many bytes of pings a socket accepts without being read, until nothing more is accepted for
/// a while.
async fn taken(stream: &mut TcpStream) -> usize {
    let pings = ping().repeat(1000);
    let mut taken = 0;
    while taken < 64 << 20 {
        match timeout(Duration::from_secs(1), stream.write(&pings)).await {
            Ok(Ok(count)) => taken += count,
            Ok(Err(_)) | Err(_) => break,
        }
    }
    taken
}

#[tokio::test]
async fn client_that_pings_and_does_not_read_is_not_listened_to() {
    let (rig, _upstream) = rig_with(SocketSettings::default(), openai::server(&["ok"], 1, 1)).await;
    let mut stream = raw(&rig, Some(KEY)).await;
    // What the kernel buffers on both sides, and no more.
    let taken = taken(&mut stream).await;
    assert!(taken < 32 << 20, "{taken} bytes of pings were taken");
    // A client that reads the answers is served again.
    let mut client = Client::connect(&rig).await;
    client.chat("a", false).await;
    assert_eq!(client.frames().await.last().unwrap()["type"], "done");
}

#[tokio::test]
async fn without_a_key_only_a_few_frames_and_bytes_are_heard() {
    let (rig, _upstream) = rig_with(SocketSettings::default(), openai::server(&["ok"], 1, 1)).await;
    let close = [0x11, 0x31]; // 4401
    let long = [
        &[0x81, 0xff][..],
        &(1_u64 << 20).to_be_bytes(),
        &[0; 4],
        &[b' '; 40_000],
    ]
    .concat();
    for sent in [ping().repeat(17), long] {
        let mut stream = raw(&rig, None).await;
        // The connection may be closed before all of it is sent.
        let _ = stream.write_all(&sent).await;
        let mut answered = Vec::new();
        let _ = timeout(DEADLINE, stream.read_to_end(&mut answered)).await;
        let found = answered.windows(close.len()).any(|window| window == close);
        assert!(
            found || answered.is_empty(),
            "{} bytes, not closed",
            answered.len()
        );
    }
    // A chat may directly follow the key.
    let mut client = Client::connect_with(rig.api, &[]).await;
    let client = &mut client.as_mut().map_err(|_| "refused").unwrap().0;
    client
        .0
        .feed(Message::text(
            json!({"type": "auth", "key": KEY}).to_string(),
        ))
        .await
        .unwrap();
    let words = "x".repeat(100_000);
    let request = json!({"model": "m", "messages": [{"role": "user", "content": words}]});
    client
        .send(json!({"type": "chat", "id": "a", "request": request}))
        .await;
    assert_eq!(client.frames().await.last().unwrap()["type"], "done");
}

#[tokio::test]
async fn parts_of_messages_count_in_the_memory_for_bodies() {
    let rig = Rig::with(|builder| builder.max_body_memory(2 << 20)).await;
    let _upstream = rig
        .add_upstream("Fake", 0, openai::server(&["ok"], 1, 1))
        .await;
    let mut half = Vec::new();
    let mut last = Vec::new();
    for _ in 0..4 {
        let mut stream = raw(&rig, Some(KEY)).await;
        // A message of 3 MiB that never ends, in parts with pings in between.
        let mut parts = Vec::new();
        for part in 0..12_u8 {
            let opcode = if part == 0 { 1 } else { 0 };
            parts.extend([opcode, 0xff]);
            parts.extend((64_u64 << 10).to_be_bytes());
            parts.extend([0; 4]);
            parts.extend([b' '; 64 << 10]);
            parts.extend([0x89, 0x80, 0, 0, 0, 0]);
        }
        let _ = stream.write_all(&parts).await;
        last.clear();
        // Either pings are answered, or it is closed with 1013.
        let _ = timeout(Duration::from_millis(500), stream.read_to_end(&mut last)).await;
        half.push(stream);
    }
    let close = [0x03, 0xf5]; // 1013
    let found = last.windows(2).any(|window| window == close);
    assert!(found, "{last:?}");
    drop(half);
    let mut client = Client::connect(&rig).await;
    let chats = async {
        loop {
            client.chat("a", false).await;
            if client.frames().await.last().unwrap()["type"] == "done" {
                break;
            }
        }
    };
    timeout(DEADLINE, chats).await.unwrap();
}
