//! Authentication.

use nexus_lib::testing::{RawRequest, openai};

use crate::support::{CHAT, KEY, PLAIN, Rig, assert_error};

#[tokio::test]
async fn a_key_is_taken_from_any_of_three_headers() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let bearer = format!("Bearer {KEY}");
    let shown = [
        ("authorization", &*bearer),
        ("x-api-key", KEY),
        ("api-key", KEY),
    ];
    for (name, value) in shown {
        let chat = RawRequest::post(CHAT).header(name, value).body(PLAIN);
        assert_eq!(rig.ask(&chat).await.status, 200, "{name}");
        let models = RawRequest::get("/v1/models").header(name, value);
        assert_eq!(rig.ask(&models).await.status, 200, "{name}");
    }
    for request in upstream.requests() {
        assert_eq!(request.header("x-api-key"), None);
        assert_eq!(request.header("api-key"), None);
    }
}

#[tokio::test]
async fn no_key_and_a_wrong_key_are_401() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let near = &KEY[..KEY.len() - 1];
    let long = "k".repeat(4000);
    let wrong = [
        None,
        Some(("authorization", "Bearer nobody".to_owned())),
        Some(("authorization", format!("Bearer {near}"))),
        Some(("authorization", format!("Basic {KEY}"))),
        Some(("authorization", "Bearer ".to_owned())),
        Some(("authorization", "Bearer x' OR '1'='1".to_owned())),
        Some(("authorization", format!("Bearer {long}"))),
        Some(("x-api-key", "nobody".to_owned())),
    ];
    for header in wrong {
        for request in [
            RawRequest::post(CHAT).body(PLAIN),
            RawRequest::get("/v1/models"),
        ] {
            let request = match &header {
                Some((name, value)) => request.header(name, value),
                None => request,
            };
            let response = rig.ask(&request).await;
            assert_eq!(response.status, 401, "{header:?}");
            let body = response.body.json();
            assert_error(&body, "authentication_error", "invalid_api_key");
            assert!(!response.body.text().contains(near), "a key in {body}");
        }
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn the_body_of_a_stranger_is_not_read() {
    let (rig, _upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let head = format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n");
    let mut client = nexus_lib::testing::RawClient::connect(rig.api).await;
    client.send(head.as_bytes()).await;
    assert_eq!(
        client.head().await.status,
        401,
        "before a byte of the body was sent"
    );
}

#[tokio::test]
async fn health_needs_no_key() {
    let rig = Rig::start().await;
    assert_eq!(rig.ask(&RawRequest::get("/healthz")).await.status, 200);
}
