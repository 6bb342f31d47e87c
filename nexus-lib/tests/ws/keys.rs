use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use nexus_lib::http::SocketSettings;
use nexus_lib::testing::openai;
use serde_json::json;
use std::time::Duration;

use crate::client::Client;
use crate::support::{KEY, Rig};

async fn answers(mut client: Client) {
    client.chat("a", true).await;
    let frames = client.frames().await;
    assert_eq!(frames.last().unwrap()["type"], "done", "{frames:?}");
}

#[tokio::test]
async fn a_key_comes_in_any_of_three_ways() {
    let (rig, _upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let bearer = format!("Bearer {KEY}");
    for (name, value) in [("authorization", bearer.as_str()), ("x-api-key", KEY)] {
        let (client, response) = Client::connect_with(rig.api, &[(name, value)])
            .await
            .map_err(|response| response.status())
            .unwrap();
        assert!(response.headers().contains_key("x-request-id"));
        answers(client).await;
    }
    for key in [URL_SAFE_NO_PAD.encode(KEY), URL_SAFE.encode(KEY)] {
        let protocols = format!("nexus.chat.v1, nexus.key.{key}");
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        let (client, response) = Client::connect_with(rig.api, &headers)
            .await
            .map_err(|response| response.status())
            .unwrap();
        // The key is not echoed.
        assert_eq!(
            response.headers()["sec-websocket-protocol"],
            "nexus.chat.v1"
        );
        answers(client).await;
    }
    let (mut client, _) = Client::connect_with(rig.api, &[]).await.ok().unwrap();
    client.send(json!({"type": "auth", "key": KEY})).await;
    answers(client).await;
    assert_eq!(rig.rows().await.len(), 5);
}

#[tokio::test]
async fn a_wrong_key_gets_no_socket() {
    let (rig, _upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let wrong = URL_SAFE_NO_PAD.encode("wrong");
    for (name, value) in [
        ("authorization", "Bearer wrong".to_owned()),
        (
            "sec-websocket-protocol",
            format!("nexus.chat.v1, nexus.key.{wrong}"),
        ),
        (
            "sec-websocket-protocol",
            "nexus.chat.v1, nexus.key.???".to_owned(),
        ),
    ] {
        let refused = Client::connect_with(rig.api, &[(name, &value)]).await;
        let response = refused.err().unwrap();
        assert_eq!(response.status(), 401, "{value}");
        let body =
            String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned();
        assert!(body.contains("invalid_api_key"), "{body}");
    }
}

#[tokio::test]
async fn without_a_key_in_time_the_socket_is_closed() {
    let settings = SocketSettings::default().auth_within(Duration::from_millis(100));
    let rig = Rig::with(|builder| builder.sockets(settings)).await;
    let connect = || Client::connect_with(rig.api, &[]);
    let (mut client, _) = connect().await.ok().unwrap();
    assert_eq!(client.closed().await, Some(4401));
    for first in [
        json!({"type": "auth", "key": "wrong"}),
        json!({"type": "auth"}),
        json!({"type": "ping"}),
        json!({"type": "chat", "id": "a", "request": {}}),
    ] {
        let (mut client, _) = connect().await.ok().unwrap();
        client.send(first).await;
        assert_eq!(client.closed().await, Some(4401));
    }
    assert!(rig.rows().await.is_empty());
}

#[tokio::test]
async fn a_key_that_is_taken_away_opens_no_more_chats() {
    let (rig, _upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", true).await;
    client.frames().await;
    assert_eq!(rig.admin("DELETE", "/providers/1", None).await.status, 204);
    client.chat("b", true).await;
    let frames = client.frames().await;
    assert_eq!(frames[0]["error"]["code"], "invalid_api_key", "{frames:?}");
}
