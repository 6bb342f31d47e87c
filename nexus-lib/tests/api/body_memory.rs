//! The memory limit of all bodies together.

use futures_util::future::select_all;
use nexus_lib::testing::{Answer, DEADLINE, RawClient, RawRequest, RawResponse, Script, openai};
use serde_json::json;

use crate::support::{KEY, PLAIN, Rig, assert_error, chat};

const MIB: usize = 1 << 20;

/// A chat of about `len` bytes.
fn long_chat(len: usize) -> String {
    json!({"model": "m", "messages": [{"role": "user", "content": "x".repeat(len)}]}).to_string()
}

/// Sends the head of a chat with a long declared body, and half of the body.
async fn unfinished(rig: &Rig, key: &str, body: &str) -> RawClient {
    let mut client = RawClient::connect(rig.api).await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    client.send(head.as_bytes()).await;
    client.send(&body.as_bytes()[..body.len() / 2]).await;
    client
}

/// Retries until an answer is not 503.
async fn admitted(rig: &Rig, body: &str) -> u16 {
    let admitted = async {
        loop {
            match rig.chat(body.to_owned()).await.status {
                503 => tokio::task::yield_now().await,
                status => return status,
            }
        }
    };
    let admitted = tokio::time::timeout(DEADLINE, admitted).await;
    admitted.expect("a chat to be admitted")
}

#[track_caller]
fn refused(answer: &RawResponse, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body.text());
    let kind = match status {
        503 => "server_error",
        _ => "invalid_request_error",
    };
    assert_error(&answer.body.json(), kind, code);
}

#[tokio::test]
async fn bodies_beyond_the_memory_for_all_are_503_and_small_ones_pass() {
    let rig = Rig::with(|builder| builder.max_body_memory(4 * MIB)).await;
    let _upstream = rig
        .add_upstream("Fake", 0, openai::server(&["ok"], 3, 1))
        .await;
    let body = long_chat(2 * MIB);
    // Each holds what has arrived: three halves fit into four fifths of the memory, a fourth does
    // not. Where the chat is read before them, they are refused in its place: then once more.
    let answer = async {
        loop {
            let mut held = Vec::new();
            for _ in 0..3 {
                held.push(unfinished(&rig, KEY, &body).await);
            }
            let answer = rig.chat(body.clone()).await;
            if answer.status == 503 {
                return (held, answer);
            }
        }
    };
    let (held, answer) = tokio::time::timeout(DEADLINE, answer).await.unwrap();
    refused(&answer, 503, "overloaded");
    assert_eq!(answer.header("retry-after"), Some("1"));
    // Small bodies are not counted.
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    // After these have left, there is room again.
    drop(held);
    assert_eq!(admitted(&rig, &body).await, 200);
    // And answered requests release their memory.
    for _ in 0..8 {
        assert_eq!(admitted(&rig, &body).await, 200);
    }
}

#[tokio::test]
async fn one_client_leaves_room_for_another() {
    let rig = Rig::with(|builder| builder.max_body_memory(4 * MIB)).await;
    let upstream = rig
        .add_upstream("Fake", 0, openai::server(&["ok"], 3, 1))
        .await;
    let other = json!({"name": "Other", "server_url": upstream.url(), "server_key": "",
        "personalized_key": "other-key"});
    let id = rig.create("/providers", other).await;
    rig.create(
        "/provider_models",
        json!({"provider_id": id, "model_name": "m"}),
    )
    .await;
    // Four halves fit into the memory and leave no room for another client's request. They are
    // more than one client may have, so at least one of them is refused.
    let (body, small) = (long_chat(7 * MIB / 4), long_chat(3 * MIB / 4));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(unfinished(&rig, KEY, &body).await);
    }
    let answers = held.iter_mut().map(|client| Box::pin(client.head()));
    let refused = tokio::time::timeout(DEADLINE, select_all(answers)).await;
    assert_eq!(refused.unwrap().0.status, 503);
    let request = RawRequest::post("/v1/chat/completions")
        .bearer("other-key")
        .body(small);
    assert_eq!(rig.ask(&request).await.status, 200);
}

#[tokio::test]
async fn what_a_coded_body_becomes_counts() {
    let rig = Rig::with(|builder| builder.max_body_memory(4 * MIB)).await;
    let answer = Answer::json(200, openai::completion("ok", 3, 1).to_string());
    let script = Script::by(move |request| match request.index {
        0 => Answer::new().hang(),
        _ => answer.clone(),
    });
    let upstream = rig.add_upstream("Fake", 0, script).await;
    let coded = |len| {
        let body = nexus_lib::testing::encoded("gzip", &[long_chat(len).as_bytes()]);
        chat(body.concat()).header("content-encoding", "gzip")
    };
    // This one never fits, even alone.
    let answer = rig.ask(&coded(4 * MIB)).await;
    refused(&answer, 413, "request_too_large");
    // A body is held for as long as another provider may have to be asked.
    let mut held = RawClient::connect(rig.api).await;
    held.send(&chat(long_chat(3 * MIB / 2)).to_bytes()).await;
    upstream.request(0).await;
    let answer = rig.ask(&coded(3 * MIB)).await;
    refused(&answer, 503, "overloaded");
    drop(held);
    let admitted = async { while rig.ask(&coded(3 * MIB)).await.status != 200 {} };
    tokio::time::timeout(DEADLINE, admitted).await.unwrap();
}

#[tokio::test]
async fn whole_answers_count_too() {
    let rig = Rig::with(|builder| builder.max_body_memory(MIB)).await;
    let answer = openai::completion(&"x".repeat(2 * MIB), 3, 1).to_string();
    let _upstream = rig.add_upstream("Fake", 0, Answer::json(200, answer)).await;
    let answer = rig.chat(PLAIN).await;
    refused(&answer, 503, "overloaded");
    assert_eq!(rig.settled().await["state"], "failed");
}
