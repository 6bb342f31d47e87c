//! The message archive.

use std::fs;
use std::path::{Path, PathBuf};

use nexus_lib::archive::Archive;
use nexus_lib::testing::{Answer, RawRequest, openai};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::layers::{attempts, calls, replies};
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

#[tokio::test]
async fn what_a_guardrail_redacts_is_kept_as_the_model_was_asked() {
    const SAID: &str = "my secret";
    fn clean(text: &str) -> String {
        text.replace("secret", "******")
    }
    for place in ["call", "reply", "attempt"] {
        let folder = TempDir::new().unwrap();
        let archive = Archive::open(folder.path(), None).unwrap();
        let rig = Rig::with(|builder| {
            let builder = builder.archive(Some(archive));
            match place {
                "call" => calls(builder, |inner, call| {
                    Box::pin(async move { inner.answer(call.edit_texts(clean)?).await })
                }),
                "reply" => replies(builder, |inner, routed| {
                    Box::pin(async move { inner.answer(routed.edit_texts(clean)?).await })
                }),
                _ => attempts(builder, |inner, attempt| {
                    Box::pin(async move {
                        let body = String::from_utf8(attempt.body().bytes().to_vec()).unwrap();
                        inner.answer(attempt.rewritten(clean(&body))?).await
                    })
                }),
            }
        })
        .await;
        // Without figures: the estimate reads what was asked, too.
        let mut completion = openai::completion("ok", 1, 1);
        completion.as_object_mut().unwrap().remove("usage");
        let answer = Answer::json(200, completion.to_string());
        let upstream = rig.add_upstream("Fake", 0, answer).await;
        for (path, text) in [
            (
                "/v1/chat/completions",
                json!({"messages": [{"role": "user", "content": SAID}]}),
            ),
            (
                "/v1/messages",
                json!({"max_tokens": 9, "messages": [{"role": "user", "content": SAID}]}),
            ),
            ("/v1/responses", json!({"input": SAID})),
        ] {
            let mut body = text;
            body["model"] = json!(MODEL);
            let request = RawRequest::post(path).bearer(KEY).body(body.to_string());
            let response = rig.ask(&request).await;
            assert_eq!(response.status, 200, "{}", response.body.text());
            let id = response.header("x-conversation-id").unwrap();
            let kept = rig.read(&format!("/stats/conversation/{id}")).await;
            let said = &kept["messages"][0]["messages"];
            assert_eq!(
                said,
                &json!([{"role": "user", "content": "my ******"}]),
                "{place} {path}"
            );
        }
        for request in upstream.requests() {
            assert_eq!(request.json()["messages"][0]["content"], "my ******");
        }
        rig.close().await;
        for path in files(folder.path()) {
            assert!(
                !fs::read_to_string(path).unwrap().contains("secret"),
                "{place}"
            );
        }
    }
}

#[tokio::test]
async fn what_no_model_was_asked_is_kept_as_layers_left_it() {
    let folder = TempDir::new().unwrap();
    let archive = Archive::open(folder.path(), None).unwrap();
    let rig = Rig::with(|builder| {
        replies(builder.archive(Some(archive)), |_, routed| {
            Box::pin(async move {
                let routed = routed.edit_texts(|text| text.replace("secret", "******"))?;
                assert_eq!(routed.as_chat()?.messages[0].text(), "a ******");
                Err(nexus_lib::Error::new(
                    nexus_lib::ErrorKind::Overloaded,
                    "not now",
                ))
            })
        })
    })
    .await;
    let upstream = rig
        .add_upstream("Fake", 0, openai::server(&["a"], 3, 2))
        .await;
    let request = chat(body(false, "a secret")).header("x-conversation-id", "kept");
    assert_eq!(rig.ask(&request).await.status, 503);
    assert!(upstream.requests().is_empty());
    let kept = rig.read("/stats/conversation/kept").await;
    assert_eq!(kept["messages"][0]["messages"][0]["content"], "a ******");
}
