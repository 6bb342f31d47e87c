//! Conversations are recognised and archived in every protocol.

use nexus_lib::archive::Archive;
use nexus_lib::testing::{RawRequest, openai};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{add, post};
use crate::support::Rig;

/// The next request of a client that received `answer` to `body`.
fn goes_on(path: &str, mut body: Value, answer: &Value) -> Value {
    let more = json!({"role": "user", "content": "and then?"});
    let (list, reply) = match path {
        "/v1/messages" => (
            "messages",
            vec![json!({"role": "assistant", "content": answer["content"]})],
        ),
        _ => ("input", answer["output"].as_array().unwrap().clone()),
    };
    let said = body[list].as_array_mut().unwrap();
    said.extend(reply);
    said.push(more);
    body
}

fn first(path: &str) -> Value {
    let said = json!([{"role": "user", "content": "hi"}]);
    match path {
        "/v1/messages" => {
            json!({"model": "m", "max_tokens": 9, "system": "Be brief.", "messages": said})
        }
        _ => json!({"model": "m", "instructions": "Be brief.", "input": said}),
    }
}

fn request(path: &str, body: &Value) -> RawRequest {
    post(path, body.to_string())
}

#[tokio::test]
async fn a_conversation_goes_on_in_every_protocol() {
    for path in ["/v1/messages", "/v1/responses"] {
        let rig = Rig::start().await;
        let _upstream = add(
            &rig,
            "openai",
            json!({}),
            openai::server(&["He", "llo"], 3, 2),
        )
        .await;
        let body = first(path);
        let begun = rig.ask(&request(path, &body)).await;
        let again = rig
            .ask(&request(path, &goes_on(path, body, &begun.body.json())))
            .await;
        assert_eq!(again.status, 200, "{}", again.body.text());
        let id = begun.header("x-conversation-id");
        assert_eq!(again.header("x-conversation-id"), id, "{path}");
        let other = rig.ask(&request(path, &first(path))).await;
        assert_ne!(other.header("x-conversation-id"), id, "{path}");
    }
}

#[tokio::test]
async fn messages_are_archived_in_one_form() {
    for path in ["/v1/messages", "/v1/responses"] {
        for stream in [false, true] {
            let folder = TempDir::new().unwrap();
            let archive = Archive::open(folder.path(), None).unwrap();
            let rig = Rig::with(|builder| builder.archive(Some(archive))).await;
            let _upstream = add(
                &rig,
                "openai",
                json!({}),
                openai::server(&["He", "llo"], 3, 2),
            )
            .await;
            let mut body = first(path);
            body["stream"] = json!(stream);
            let asked = request(path, &body).header("x-conversation-id", "kept");
            assert_eq!(rig.ask(&asked).await.status, 200);
            let kept = rig.read("/stats/conversation/kept").await;
            let line = &kept["messages"][0];
            let said = json!([
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "hi"},
            ]);
            assert_eq!(line["messages"], said, "{path}");
            let reply = json!([{"role": "assistant", "content": "Hello"}]);
            assert_eq!(line["reply"], reply, "{path}");
        }
    }
}
