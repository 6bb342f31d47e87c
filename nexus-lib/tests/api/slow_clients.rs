//! The time limits for a client to send its request.

use std::time::Duration;

use nexus_lib::BodyTimeouts;
use nexus_lib::testing::{RawClient, RawRequest, openai};

use crate::support::{PLAIN, Rig, assert_error, chat};

#[tokio::test]
async fn a_client_that_sends_its_body_too_slowly_is_408_and_cut_off() {
    let rig = Rig::with(|builder| {
        builder.body_timeouts(BodyTimeouts::default().idle(Duration::from_millis(200)))
    })
    .await;
    let upstream = rig
        .add_upstream("Fake", 0, openai::server(&["a"], 1, 1))
        .await;
    for (port, request) in [
        (rig.api, chat(PLAIN)),
        (rig.admin, RawRequest::post("/providers").body("{}")),
    ] {
        let bytes = request.to_bytes();
        let mut client = RawClient::connect(port).await;
        client.send(&bytes[..bytes.len() - 1]).await;
        let response = client.response().await;
        assert_eq!(response.status, 408, "{}", response.body.text());
        let error = response.body.json();
        assert_error(&error, "invalid_request_error", "request_timeout");
        assert_eq!(response.header("connection"), Some("close"));
        client.closed().await;
    }
    assert_eq!(upstream.connections(), 0);
    assert!(rig.rows().await.is_empty(), "nothing was asked of anyone");
}

#[tokio::test]
async fn a_client_that_keeps_a_trickle_up_is_408_too() {
    let rig = Rig::with(|builder| {
        builder.body_timeouts(BodyTimeouts::default().whole(Duration::from_millis(300)))
    })
    .await;
    let _upstream = rig
        .add_upstream("Fake", 0, openai::server(&["a"], 1, 1))
        .await;
    let mut bytes = chat(" ".repeat(1 << 20)).to_bytes();
    let rest = bytes.split_off(bytes.len() - (1 << 20));
    let mut client = RawClient::connect(rig.api).await;
    client.send(&bytes).await;
    let mut rest = rest.chunks(1);
    let head = loop {
        client.send(rest.next().unwrap()).await;
        let pause = tokio::time::timeout(Duration::from_millis(10), client.head());
        if let Ok(head) = pause.await {
            break head;
        }
    };
    assert_eq!(head.status, 408);
}
