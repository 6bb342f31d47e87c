//! The message archive.

use std::fs;
use std::path::{Path, PathBuf};

use nexus_lib::archive::Archive;
use nexus_lib::testing::{Answer, openai};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{KEY, MODEL, Rig, SERVER_KEY, chat};

fn body(stream: bool, text: &str) -> String {
    let messages = json!([{"role": "user", "content": text}]);
    json!({"model": MODEL, "stream": stream, "messages": messages}).to_string()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[tokio::test]
async fn messages_of_a_conversation_are_kept_and_shown() {
    let folder = TempDir::new().unwrap();
    let archive = Archive::open(folder.path(), None).unwrap();
    let rig = Rig::with(|builder| builder.archive(Some(archive))).await;
    let _upstream = rig
        .add_upstream("Fake", 0, openai::server(&["你", "好"], 3, 2))
        .await;
    for (stream, text) in [(false, "first"), (true, "second")] {
        let request = chat(body(stream, text)).header("x-conversation-id", "kept");
        assert_eq!(rig.ask(&request).await.status, 200);
    }
    let found = rig.read("/stats/conversation/kept").await;
    let messages = found["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2);
    for (line, text) in messages.iter().zip(["first", "second"]) {
        assert_eq!(line["messages"], json!([{"role": "user", "content": text}]));
        assert_eq!(
            line["reply"],
            json!([{"role": "assistant", "content": "你好"}])
        );
        assert_eq!(line["state"], "completed");
        assert_eq!(line["conversation_id"], "kept");
    }
    let rows = found["requests"].as_array().unwrap();
    let ids = |lines: &[Value]| {
        lines
            .iter()
            .map(|line| line["request_id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(messages), ids(rows));

    rig.close().await;
    let files = files(folder.path());
    assert!((1..=2).contains(&files.len()), "{files:?}");
    let text: String = files
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains(KEY) && !text.contains(SERVER_KEY), "{text}");
}

#[tokio::test]
async fn what_was_delivered_of_a_cut_answer_is_kept() {
    let folder = TempDir::new().unwrap();
    let archive = Archive::open(folder.path(), None).unwrap();
    let rig = Rig::with(|builder| builder.archive(Some(archive))).await;
    let answer = Answer::events(&[&openai::delta_event("half")]).cut();
    let _upstream = rig.add_upstream("Fake", 0, answer).await;
    let response = rig.chat(body(true, "hi")).await;
    let id = response.header("x-conversation-id").unwrap();
    let found = rig.read(&format!("/stats/conversation/{id}")).await;
    assert_eq!(found["messages"][0]["state"], "failed");
    assert_eq!(found["messages"][0]["reply"][0]["content"], "half");
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_asked_for() {
    let (rig, _upstream) = Rig::over(openai::server(&["secret words"], 1, 1)).await;
    let response = rig.chat(body(false, "secret prompt")).await;
    let id = response.header("x-conversation-id").unwrap().to_owned();
    let found = rig.read(&format!("/stats/conversation/{id}")).await;
    assert_eq!(found["messages"], json!([]));
    rig.close().await;
    for path in files(rig.folder()) {
        let bytes = fs::read(&path).unwrap();
        for words in ["secret words", "secret prompt"] {
            let found = bytes
                .windows(words.len())
                .any(|part| part == words.as_bytes());
            assert!(!found, "{words} in {path:?}");
        }
    }
}
