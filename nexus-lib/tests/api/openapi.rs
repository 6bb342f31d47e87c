//! Each port's OpenAPI document, over sockets. The rig of all tests checks that the gateway's own
//! answers match it; providers' answers are checked here with the demo's.

use nexus_lib::call::Operation;
use nexus_lib::testing::{RawClient, RawRequest};
use serde_json::json;

use crate::support::{CHAT, KEY, Rig, chat};

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

#[tokio::test]
async fn both_documents_are_sound() {
    let rig = Rig::start().await;
    for port in [rig.api, rig.admin] {
        rig.document(port).await.check_form();
    }
}

#[tokio::test]
async fn each_path_accepts_exactly_the_documented_methods() {
    let rig = Rig::start().await;
    for port in [rig.api, rig.admin] {
        let document = rig.document(port).await;
        for (path, operations) in document.operations() {
            let path = path.replace("{path}", "main.js").replace("{id}", "1");
            for method in METHODS {
                let request = RawRequest::new(method, &path);
                let response = RawClient::exchange(port, &request).await;
                let text = String::from_utf8_lossy(&response.body.content).into_owned();
                assert!(!text.contains("no such route"), "{method} {path}: {text}");
                let told = operations.iter().any(|(known, _)| known == method);
                assert_eq!(response.status != 405, told, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn every_operation_is_found_by_both_of_its_names() {
    let rig = Rig::start().await;
    let document = rig.document(rig.api).await;
    let told: Vec<_> = document.operations().map(|(path, _)| path).collect();
    for operation in Operation::ALL {
        for path in [
            operation.path().to_owned(),
            format!("/v1{}", operation.path()),
        ] {
            assert!(told.contains(&path.as_str()), "{path}");
        }
    }
}

#[tokio::test]
async fn answers_of_providers_match_the_document() {
    let rig = Rig::start().await;
    rig.add_provider_with("Demo", "http://demo.invalid", json!({"kind": "demo"}))
        .await;
    let document = rig.document(rig.api).await;
    let hello = json!([{"role": "user", "content": "hello"}]);
    for (body, media) in [
        (json!({"model": "m", "messages": hello}), "application/json"),
        (
            json!({"model": "m", "messages": hello, "stream": true}),
            "text/event-stream",
        ),
    ] {
        let response = rig.ask(&chat(body.to_string())).await;
        assert_eq!(response.status, 200);
        let told = response.header("content-type");
        assert_eq!(told, Some(media));
        let body = &response.body.content;
        document.check(("POST", CHAT), response.status, told, body);
    }
    let list = RawRequest::get("/v1/models").bearer(KEY);
    assert_eq!(rig.ask(&list).await.status, 200);
    let admin = rig.document(rig.admin).await;
    let playground = json!({"model": "m", "messages": hello});
    let response = rig
        .admin("POST", "/playground/chat", Some(playground))
        .await;
    let told = response.header("content-type");
    let body = &response.body.content;
    admin.check(("POST", "/playground/chat"), response.status, told, body);
}
