//! The headers of every response, and the conversation that they name.

use nexus_lib::testing::{Answer, RawHead, RawRequest, openai, refused_addr};

use crate::support::{KEY, PLAIN, Rig, SERVER_KEY, STREAM, assert_error, chat};

fn assert_uuid_v7(head: &RawHead) {
    let id = head.header("x-request-id").expect("an x-request-id");
    let parts: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
    assert_eq!(&id[14..15], "7", "{id}");
    let count = head
        .headers
        .iter()
        .filter(|(name, _)| name == "x-request-id")
        .count();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn every_response_names_its_request_and_its_conversation() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let requests = [
        (chat(PLAIN), 200),
        (chat(STREAM), 200),
        (chat("{"), 400),
        (chat(r#"{"model":"other","messages":[]}"#), 404),
        (RawRequest::get("/v1/models").bearer(KEY), 200),
        (RawRequest::get("/v1/models"), 401),
        (RawRequest::get("/nowhere"), 404),
        (RawRequest::get("/v1/chat/completions"), 405),
        (RawRequest::get("/healthz"), 200),
    ];
    for (request, status) in requests {
        let request = request.header("x-conversation-id", "talk-1");
        let response = rig.ask(&request).await;
        assert_eq!(response.status, status);
        assert_uuid_v7(&response);
        assert_eq!(
            response.header("x-conversation-id"),
            Some("talk-1"),
            "{status}"
        );
    }
}

#[tokio::test]
async fn the_request_id_is_the_ledgers() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    for body in [PLAIN, STREAM] {
        let response = rig.chat(body).await;
        assert_uuid_v7(&response);
        assert_eq!(rig.row(&response).await["state"], "completed");
    }
    let rows = rig.rows().await;
    assert_ne!(rows[0]["request_id"], rows[1]["request_id"]);
}

#[tokio::test]
async fn the_upstreams_own_request_id_does_not_take_the_place_of_ours() {
    let answer = Answer::fixed(200, &[("x-request-id", "req_upstream")], "{}");
    let (rig, _upstream) = Rig::over(answer).await;
    assert_uuid_v7(&rig.chat(PLAIN).await.head);
}

#[tokio::test]
async fn the_provider_is_named_once_one_was_chosen() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    for body in [PLAIN, STREAM] {
        assert_eq!(
            rig.chat(body).await.header("x-nexus-provider"),
            Some("Fake")
        );
    }
    assert_eq!(rig.chat("{").await.header("x-nexus-provider"), None);
    let unknown = rig.chat(r#"{"model":"other","messages":[]}"#).await;
    assert_eq!(unknown.header("x-nexus-provider"), None);
}

#[tokio::test]
async fn the_provider_is_named_when_it_failed_too() {
    let rig = Rig::start().await;
    rig.add_provider("Gone", &format!("http://{}", refused_addr().await), 0)
        .await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 502);
    assert_eq!(response.header("x-nexus-provider"), Some("Gone"));
}

#[tokio::test]
async fn a_conversation_may_be_named_by_either_header() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let longest = "a".repeat(128);
    for (name, id) in [("x-conversation-id", "c/1:~!"), ("x-session-id", &*longest)] {
        let response = rig.ask(&chat(PLAIN).header(name, id)).await;
        assert_eq!(response.header("x-conversation-id"), Some(id));
        assert_eq!(rig.row(&response).await["conversation_id"], id);
    }
}

#[tokio::test]
async fn an_unnamed_conversation_gets_an_id() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let other = r#"{"model":"m","messages":[{"role":"user","content":"something else"}]}"#;
    let ids = [rig.chat(PLAIN).await, rig.chat(other).await]
        .map(|response| response.header("x-conversation-id").unwrap().to_owned());
    assert_ne!(ids[0], ids[1]);
    assert!(ids[0].len() <= 128 && ids[0].bytes().all(|byte| byte.is_ascii_graphic()));
}

#[tokio::test]
async fn a_bad_conversation_id_is_refused() {
    let (rig, upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let long = "a".repeat(129);
    for id in [&*long, "two words", "", "\u{4f60}"] {
        let response = rig.ask(&chat(PLAIN).header("x-conversation-id", id)).await;
        assert_eq!(response.status, 400, "{id:?}");
        assert_error(
            &response.body.json(),
            "invalid_request_error",
            "invalid_request",
        );
        assert_eq!(response.body.json()["error"]["param"], "x-conversation-id");
        assert_uuid_v7(&response);
        assert_ne!(response.header("x-conversation-id"), Some(id));
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn the_declared_length_is_that_of_what_is_sent() {
    // An error that repeats the provider's key is longer than what the client gets.
    let repeated = format!(r#"{{"error":{{"message":"{SERVER_KEY} is wrong"}}}}"#);
    let whole = openai::completion("ok", 1, 1).to_string();
    for (status, body) in [(200, whole), (400, repeated)] {
        let (rig, _upstream) = Rig::over(Answer::json(status, body)).await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, status);
        let lengths: Vec<_> = (response.headers.iter())
            .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map(|(_, length)| length.parse::<usize>().unwrap())
            .collect();
        assert_eq!(lengths, [response.body.content.len()]);
    }
    // A stream that starts with an error becomes a whole answer.
    let error = "data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
    let head = [
        ("content-type", "text/event-stream"),
        ("content-length", "41"),
    ];
    let answer = Answer::new().head(200, &head).bytes(error);
    let (rig, _upstream) = Rig::over(answer).await;
    let response = rig.chat(STREAM).await;
    assert!(response.body.text().contains("overloaded"), "{response:?}");
    assert_ne!(response.body.text().len(), 41);
}
