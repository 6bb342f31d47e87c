//! Providers whose URL points back to the gateway itself.

use nexus_lib::testing::{RawClient, RawRequest, openai};
use serde_json::{Value, json};

use super::Face;
use crate::support::{KEY, PLAIN, Rig, chat};

/// Registers, at `rig`, a provider of this `kind` whose server is the gateway `other`.
async fn leads_to(rig: &Rig, name: &str, other: &Rig, kind: &str, priority: i32) {
    let fields = json!({"kind": kind, "server_key": KEY, "priority": priority});
    let url = format!("http://{}/v1", other.api);
    rig.add_provider_with(name, &url, fields).await;
}

fn assert_loop(status: u16, body: &Value) {
    assert_eq!(status, 508, "{body}");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("points back"), "{body}");
}

#[tokio::test]
async fn a_provider_that_is_the_gateway_itself_costs_one_request() {
    for kind in ["openai", "anthropic"] {
        let rig = Rig::start().await;
        leads_to(&rig, "Itself", &rig, kind, 0).await;
        leads_to(&rig, "Again", &rig, kind, 1).await;
        for face in Face::ALL {
            for stream in [false, true] {
                let before = rig.rows().await.len();
                let response = rig.ask(&face.asks("hi", stream)).await;
                assert_loop(response.status, &response.body.json());
                let rows = rig.rows().await;
                assert_eq!(rows.len(), before + 1, "{face:?} {kind}");
                let row = &rows[0];
                assert_eq!(row["state"], "failed");
                assert_eq!(row["status"], 508);
                assert_eq!(row["attempts"], 1, "neither retried nor handed over");
                assert!(row["error"].as_str().unwrap().starts_with("loop_detected"));
            }
        }
    }
}

#[tokio::test]
async fn gateways_that_lead_to_each_other_are_asked_once() {
    let (first, second) = (Rig::start().await, Rig::start().await);
    for (name, priority) in [("Second", 0), ("Second again", 1)] {
        leads_to(&first, name, &second, "openai", priority).await;
    }
    for (name, priority) in [("First", 0), ("First again", 1)] {
        leads_to(&second, name, &first, "anthropic", priority).await;
    }
    let response = first.chat(PLAIN).await;
    assert_loop(response.status, &response.body.json());
    assert_eq!(
        (first.rows().await.len(), second.rows().await.len()),
        (1, 1)
    );
}

#[tokio::test]
async fn gateways_in_a_row_work() {
    let (first, second, third) = (Rig::start().await, Rig::start().await, Rig::start().await);
    leads_to(&first, "Second", &second, "openai", 0).await;
    leads_to(&second, "Third", &third, "anthropic", 0).await;
    let upstream = third
        .add_upstream("Fake", 0, openai::server(&["ok"], 4, 2))
        .await;
    for _ in 0..2 {
        let response = first.chat(PLAIN).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
    }
    let request = upstream.requests().remove(0);
    let hops = request.header("x-nexus-hop").unwrap();
    assert_eq!(hops.split(',').count(), 3, "{hops}");
    let via = request.header("via").unwrap();
    assert_eq!(via.matches("1.1 nexus-").count(), 3, "{via}");
}

#[tokio::test]
async fn a_marked_request_is_refused_at_the_door_whichever_header_is_left() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 4, 2)).await;
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    let sent = upstream.requests().remove(0);
    for name in ["via", "x-nexus-hop"] {
        let marks = sent.header(name).unwrap();
        let response = rig.ask(&chat(PLAIN).header(name, marks)).await;
        assert_eq!(response.status, 508);
        assert_eq!(response.body.json()["error"]["code"], "loop_detected");
        // The same for a WebSocket, and before a key is checked.
        let socket = RawRequest::get("/ws/chat")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header(name, marks);
        let mut client = RawClient::connect(rig.api).await;
        client.send(&socket.to_bytes()).await;
        assert_eq!(client.head().await.status, 508);
    }
    assert_eq!((upstream.requests().len(), rig.rows().await.len()), (1, 1));
    // Other servers' marks do not matter.
    let others = chat(PLAIN).header("via", "1.1 vegur, 1.1 nexus-0123456789abcdef (x)");
    assert_eq!(rig.ask(&others).await.status, 200);
}
