use futures_util::SinkExt;
use nexus_lib::testing::{Answer, Gate, RawClient, RawRequest, openai};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, words};
use crate::support::{KEY, Rig};

#[tokio::test]
async fn malformed_frames_get_an_error_and_affect_nothing_else() {
    let gate = Gate::new();
    let event = openai::delta_event("a");
    let answer = Answer::events(&[&event])
        .pause(&gate)
        .sse(&[&event, openai::DONE])
        .end();
    let (rig, _upstream) = Rig::over(answer).await;
    let mut client = Client::connect(&rig).await;
    client.chat("open", true).await;
    client.frame().await;
    for (text, id, param) in [
        ("", json!(null), json!(null)),
        ("{", json!(null), json!(null)),
        ("[1]", json!(null), json!(null)),
        ("{}", json!(null), json!("type")),
        (r#"{"type":"x","id":"i"}"#, json!("i"), json!("type")),
        (r#"{"type":5,"id":"i"}"#, json!("i"), json!(null)),
        (r#"{"type":"chat","id":"i"}"#, json!("i"), json!("request")),
        (r#"{"type":"chat","request":{}}"#, json!(null), json!("id")),
        (
            r#"{"type":"chat","id":"","request":{}}"#,
            json!(""),
            json!("id"),
        ),
        (
            r#"{"type":"chat","id":"i","request":[]}"#,
            json!("i"),
            json!("request"),
        ),
        (
            r#"{"type":"chat","id":"i","request":{}}"#,
            json!("i"),
            json!("model"),
        ),
        (
            r#"{"type":"chat","id":"i","request":{"model":"m","stream":1,"messages":[]}}"#,
            json!("i"),
            json!("stream"),
        ),
        (
            r#"{"type":"chat","id":"open","request":{"model":"m","messages":[]}}"#,
            json!("open"),
            json!("id"),
        ),
        (
            r#"{"type":"chat","id":"i","conversation_id":"ü","request":{"model":"m","messages":[]}}"#,
            json!("i"),
            json!("x-conversation-id"),
        ),
        (
            r#"{"type":"cancel","id":"other"}"#,
            json!("other"),
            json!("id"),
        ),
        (r#"{"type":"cancel"}"#, json!(null), json!("id")),
        (
            r#"{"type":"resume","id":"i","request_id":"x"}"#,
            json!("i"),
            json!("request_id"),
        ),
        (r#"{"type":"auth","key":"k"}"#, json!(null), json!(null)),
        (r#"{"message":"hi"}"#, json!(null), json!("model_name")),
        (
            r#"{"message":5,"model_name":"m"}"#,
            json!(null),
            json!(null),
        ),
    ] {
        client.send_text(text).await;
        let told = client.frame().await;
        assert_eq!(told["type"], "error", "{text}");
        assert_eq!(
            (&told["id"], &told["error"]["param"]),
            (&id, &param),
            "{text}: {told}"
        );
        assert_eq!(
            told["error"]["type"]
                .as_str()
                .map(|kind| kind.ends_with("_error")),
            Some(true)
        );
    }
    let unknown =
        json!({"type": "chat", "id": "i", "request": {"model": "unknown", "messages": []}});
    client.send(unknown).await;
    assert_eq!(client.frame().await["error"]["code"], "model_not_found");
    client.send(json!({"type": "ping"})).await;
    assert_eq!(client.frame().await, json!({"type": "pong"}));
    gate.open();
    assert_eq!(words(&client.frames().await), "a");
    assert_eq!(rig.rows().await.len(), 1);
}

#[tokio::test]
async fn frames_of_the_wrong_kind_close_with_the_fitting_code() {
    let (rig, upstream) = Rig::over(Answer::events(&[&openai::delta_event("a")]).hang()).await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", true).await;
    client.frame().await;
    client.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.closed().await, Some(1003));
    upstream.closed(0).await;
    assert_eq!(rig.settled().await["state"], "cancelled");

    let mut client = Client::connect(&rig).await;
    let long = format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(4 << 20));
    let _ = client.0.send(Message::text(long)).await;
    assert_eq!(client.closed().await, Some(1009));

    // A text frame of two bytes that are not UTF-8, masked with zeros; then a frame with a reserved
    // bit.
    for (frame, code) in [
        (&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007),
        (&[0xc1, 0x82, 0, 0, 0, 0, 0x61, 0x62], 1002),
    ] {
        let mut client = Client::connect(&rig).await;
        client.0.get_mut().write_all(frame).await.unwrap();
        assert_eq!(client.closed().await, Some(code));
    }
}

#[tokio::test]
async fn a_frame_of_nearly_four_mebibytes_passes() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let mut client = Client::connect(&rig).await;
    let text = "x".repeat((4 << 20) - 200);
    let request = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    client
        .send(json!({"type": "chat", "id": "a", "request": request}))
        .await;
    assert_eq!(client.frames().await.last().unwrap()["type"], "done");
    assert!(upstream.requests()[0].body.len() > (4 << 20) - 200);
}

#[tokio::test]
async fn compression_is_not_taken_up() {
    let (rig, _upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let headers = [
        ("x-api-key", KEY),
        ("sec-websocket-extensions", "permessage-deflate"),
    ];
    let (mut client, response) = Client::connect_with(rig.api, &headers).await.ok().unwrap();
    assert!(!response.headers().contains_key("sec-websocket-extensions"));
    client.chat("a", true).await;
    assert_eq!(words(&client.frames().await), "ok");
}

#[tokio::test]
async fn an_invalid_handshake_gets_an_error() {
    let (rig, _upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let upgrade = |request: RawRequest| {
        request
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
    };
    let get = || RawRequest::get("/ws/chat").bearer(KEY);
    for request in [
        get(),
        upgrade(get()),
        upgrade(get()).header("sec-websocket-version", "13"),
        upgrade(get())
            .header("sec-websocket-version", "8")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        let response = RawClient::exchange(rig.api, &request).await;
        assert_eq!(response.status, 400);
        assert_eq!(response.body.json()["error"]["code"], "invalid_request");
    }
    let post = RawRequest::post("/ws/chat").bearer(KEY);
    let response = RawClient::exchange(rig.api, &post).await;
    assert_eq!(
        (response.status, response.header("allow")),
        (405, Some("GET"))
    );
}
