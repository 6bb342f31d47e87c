//! Each client key has its own conversation names.

use nexus_lib::archive::Archive;
use nexus_lib::testing::{RawRequest, openai};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{CHAT, KEY, Rig};

const OTHER_KEY: &str = "another-key-0123456789abcdef";

fn ask(key: &str, conversation: &str, text: &str) -> RawRequest {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    RawRequest::post(CHAT)
        .bearer(key)
        .header("content-type", "application/json")
        .header("x-conversation-id", conversation)
        .body(body.to_string())
}

#[tokio::test]
async fn one_name_of_two_keys_is_two_conversations() {
    let folder = TempDir::new().unwrap();
    let archive = Archive::open(folder.path(), None).unwrap();
    let rig = Rig::with(|builder| builder.archive(Some(archive))).await;
    let script = || openai::server(&["Hello"], 3, 2);
    let _mine = rig.add_upstream_with("Mine", json!({}), script()).await;
    let fields = json!({"personalized_key": OTHER_KEY});
    let _theirs = rig.add_upstream_with("Theirs", fields, script()).await;
    for (key, text) in [
        (KEY, "my secret"),
        (KEY, "my other"),
        (OTHER_KEY, "their text"),
    ] {
        let response = rig.ask(&ask(key, "shared", text)).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        assert_eq!(response.header("x-conversation-id"), Some("shared"));
    }
    let totals = rig.read("/stats/total").await;
    assert_eq!(
        (&totals["total_conversations"], &totals["total_rounds"]),
        (&json!(2), &json!(3))
    );

    // By the client's name: the newest conversation of that name, and the others' ids.
    let newest = rig.read("/stats/conversation/shared").await;
    assert_eq!(newest["rounds"], 1, "{newest}");
    assert!(
        newest["messages"].to_string().contains("their text"),
        "{newest}"
    );
    assert!(!newest.to_string().contains("secret"), "{newest}");
    let other = newest["other_scopes"][0].as_str().unwrap();
    assert_eq!(newest["other_scopes"].as_array().unwrap().len(), 1);
    let mine = rig
        .read(&format!("/stats/conversation/shared?scope={other}"))
        .await;
    assert_eq!(
        (&mine["rounds"], &mine["conversation_id"]),
        (&json!(2), &json!("shared"))
    );
    assert!(mine["messages"].to_string().contains("my secret"), "{mine}");
    assert!(!mine.to_string().contains("their text"), "{mine}");

    let list = rig.read("/stats/conversations").await;
    let rounds: Vec<_> = list["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["rounds"])
        .collect();
    assert_eq!(rounds, [1, 2], "{list}");
    let rows = rig.rows().await;
    assert!(
        rows.iter().all(|row| row["conversation_id"] == "shared"),
        "{rows:?}"
    );
    assert_ne!(rows[0]["conversation_scope"], rows[1]["conversation_scope"]);
    assert_eq!(rows[1]["conversation_scope"], rows[2]["conversation_scope"]);
    let bad = rig
        .admin("GET", "/stats/conversation/shared?scope=x", None)
        .await;
    assert_eq!(bad.status, 422);
}

#[tokio::test]
async fn the_id_of_anothers_conversation_does_not_open_it() {
    let rig = Rig::start().await;
    let script = || openai::server(&["Hello"], 3, 2);
    let _mine = rig.add_upstream_with("Mine", json!({}), script()).await;
    let fields = json!({"personalized_key": OTHER_KEY});
    let _theirs = rig.add_upstream_with("Theirs", fields, script()).await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let first = rig.chat(body).await;
    let id = first.header("x-conversation-id").unwrap().to_owned();
    // Its own client continues it by that id; another client starts a new one.
    for key in [OTHER_KEY, KEY] {
        let response = rig.ask(&ask(key, &id, "more")).await;
        assert_eq!(response.header("x-conversation-id"), Some(id.as_str()));
    }
    let rows = rig.rows().await;
    assert_ne!(rows[0]["conversation_scope"], rows[1]["conversation_scope"]);
    let theirs = rows[1]["conversation_scope"].as_str().unwrap();
    let theirs = rig
        .read(&format!("/stats/conversation/{id}?scope={theirs}"))
        .await;
    assert_eq!(theirs["rounds"], 1, "{theirs}");
    let newest = rig.read(&format!("/stats/conversation/{id}")).await;
    assert_eq!(newest["rounds"], 2, "{newest}");
    assert_eq!(rig.read("/stats/total").await["total_conversations"], 2);
}
