//! A protocol that both sides speak passes through byte for byte.

use nexus_lib::testing::{Answer, Script};
use serde_json::json;

use super::{MESSAGE, MESSAGE_EVENTS, assert_row, over, post, stream_of};
use crate::support::SERVER_KEY;

const ODD: &str = " {\"max_tokens\":1.0e2, \"model\" :\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\\u0068i\"}],\"new_thing\":{\"a\":[1 ,2]}}\n";

#[tokio::test]
async fn messages_go_to_anthropic_and_come_back_as_they_are() {
    let (rig, upstream) = over("anthropic", json!({}), Answer::json(200, MESSAGE)).await;
    let request = post("/v1/messages", ODD)
        .header("anthropic-version", "2023-06-01")
        .header("anthropic-beta", "new-2026");
    let response = rig.ask(&request).await;
    assert_eq!((response.status, response.body.text()), (200, MESSAGE));
    let sent = upstream.request(0).await;
    assert_eq!(sent.target, "/v1/messages");
    assert_eq!(sent.body, ODD);
    assert_eq!(sent.header("x-api-key"), Some(SERVER_KEY));
    assert_eq!(sent.header("authorization"), None);
    assert_eq!(sent.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(sent.header("anthropic-beta"), Some("new-2026"));
    let row = assert_row(&rig, "message", [15, 5, 20]).await;
    assert_eq!(row["cached_tokens"], 2);
}

#[tokio::test]
async fn streamed_messages_pass_event_by_event() {
    let (rig, upstream) = over("anthropic", json!({}), stream_of(&MESSAGE_EVENTS)).await;
    let body = ODD.replace("{\"max", "{\"stream\":true,\"max");
    let response = rig.ask(&post("/v1/messages", body.clone())).await;
    assert_eq!(response.body.text(), MESSAGE_EVENTS.concat());
    assert_eq!(upstream.request(0).await.body, body);
    assert_row(&rig, "message", [15, 5, 20]).await;
}

#[tokio::test]
async fn a_provider_passes_what_its_operator_says_it_speaks() {
    let all = json!({"protocols": ["chat", "messages", "responses"]});
    let script = Script::by(|request| match request.target.as_str() {
        "/v1/responses" => Answer::json(200, r#"{"object":"response","output":[]}"#),
        _ => Answer::json(200, MESSAGE),
    });
    let (rig, upstream) = over("openai", all, script).await;
    let response = rig.ask(&post("/v1/messages", ODD)).await;
    assert_eq!(response.body.text(), MESSAGE);
    let sent = upstream.request(0).await;
    assert_eq!(
        (&*sent.target, &sent.body[..]),
        ("/v1/messages", ODD.as_bytes())
    );
    assert_row(&rig, "message", [15, 5, 20]).await;

    let body = r#"{"model":"m","input":"hi","previous_response_id":"resp_1"}"#;
    rig.ask(&post("/v1/responses", body)).await;
    let sent = upstream.request(1).await;
    assert_eq!(
        (&*sent.target, &sent.body[..]),
        ("/v1/responses", body.as_bytes())
    );

    let count = r#"{"model":"m","messages":[]}"#;
    rig.ask(&post("/v1/messages/count_tokens", count)).await;
    let sent = upstream.request(2).await;
    assert_eq!(
        (&*sent.target, &sent.body[..]),
        ("/v1/messages/count_tokens", count.as_bytes())
    );
}

#[tokio::test]
async fn azure_is_asked_by_its_own_path_and_key() {
    let (rig, upstream) = over("azure", json!({}), Answer::json(200, "{\"choices\":[{}]}")).await;
    let id = rig.provider("Fake").await["id"].as_i64().unwrap();
    let chat = r#"{"model":"m","messages":[]}"#;
    let bases = [
        (upstream.addr().to_string(), "/openai/v1/chat/completions"),
        (
            format!("{}/openai/v1", upstream.addr()),
            "/openai/v1/chat/completions",
        ),
        (
            format!("{}/openai/deployments", upstream.addr()),
            "/openai/deployments/m/chat/completions?api-version=2024-10-21",
        ),
        (
            format!("{}/x/chat?api-version=2025-01-01#", upstream.addr()),
            "/x/chat?api-version=2025-01-01",
        ),
    ];
    for (index, (base, target)) in bases.into_iter().enumerate() {
        let provider =
            json!({"name": "Fake", "kind": "azure", "server_url": format!("http://{base}")});
        let changed = rig
            .admin("PUT", &format!("/providers/{id}"), Some(provider))
            .await;
        assert_eq!(changed.status, 200, "{}", changed.body.text());
        rig.ask(&post("/v1/chat/completions", chat)).await;
        let sent = upstream.request(index).await;
        assert_eq!(sent.target, target);
        assert_eq!(sent.header("api-key"), Some(SERVER_KEY));
        assert_eq!(sent.header("authorization"), None);
        assert_eq!(sent.body, chat);
    }
}

#[tokio::test]
async fn groks_odd_shapes_are_brought_into_the_usual_one() {
    let odd = r#"{"object":"chat.completion","choices":[{"index":0,"text":"hi","finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":9,"completion_tokens_details":{"reasoning_tokens":5}}}"#;
    let (rig, _upstream) = over("xai", json!({}), Answer::json(200, odd)).await;
    let chat = r#"{"model":"m","messages":[]}"#;
    let answer = rig
        .ask(&post("/v1/chat/completions", chat))
        .await
        .body
        .json();
    assert_eq!(answer["choices"][0]["message"]["content"], "hi");
    // Its reasoning is separate from the completion, as the total shows.
    assert_row(&rig, "chat.completion", [3, 6, 9]).await;

    let events = [
        "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":\"h\"}]}\n\n",
        "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"i\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4}}\n\n",
        "data: {\"object\":\"chat.completion.chunk\",\"choices\":[]}\n\n",
        "data: [DONE]\n\n",
    ];
    let (rig, _upstream) = over("xai", json!({}), stream_of(&events)).await;
    let streamed = r#"{"model":"m","messages":[],"stream":true}"#;
    let response = rig.ask(&post("/v1/chat/completions", streamed)).await;
    let text = response.body.text();
    assert!(text.contains(r#""delta":{"content":"h"}"#), "{text}");
    assert!(text.ends_with(&events[1..].concat()), "{text}");
    assert_row(&rig, "chat.completion", [3, 1, 4]).await;
}
