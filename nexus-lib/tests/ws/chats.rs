use nexus_lib::testing::{Answer, Gate, Script, openai};
use serde_json::{Value, json};

use crate::client::{Client, words};
use crate::support::{KEY, MODEL, Rig, SERVER_KEY};

#[tokio::test]
async fn a_chat_comes_in_chunks_and_ends_with_what_it_took() {
    let (rig, upstream) = Rig::over(openai::server(&["a", "b", "c"], 7, 5)).await;
    let mut client = Client::connect(&rig).await;
    let request =
        json!({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "x": 1.50});
    client
        .send(json!({"type": "chat", "id": "a1", "request": request}))
        .await;
    let frames = client.frames().await;
    assert_eq!(words(&frames), "abc");
    let (done, chunks) = frames.split_last().unwrap();
    for (chunk, seq) in chunks.iter().zip(1..) {
        assert_eq!(
            (&chunk["type"], &chunk["id"]),
            (&json!("chunk"), &json!("a1"))
        );
        assert_eq!(chunk["seq"], seq);
        assert_eq!(chunk["data"]["object"], "chat.completion.chunk");
        assert_ne!(
            chunk["data"]["choices"],
            json!([]),
            "usage was not asked for"
        );
    }
    let row = &rig.rows().await[0];
    let expected = json!({
        "type": "done", "id": "a1", "request_id": row["request_id"],
        "conversation_id": row["conversation_id"], "finish_reason": "stop",
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    });
    assert_eq!(done, &expected);
    assert_eq!(row["state"], "completed");
    assert_eq!(
        (&row["stream"], &row["total_tokens"]),
        (&json!(true), &json!(12))
    );
    let sent = upstream.requests()[0].clone();
    assert!(sent.wants_stream() && sent.wants_stream_usage());
    assert!(String::from_utf8_lossy(&sent.body).contains(r#""x":1.5"#));
}

#[tokio::test]
async fn a_chat_that_is_not_streamed_is_one_completion() {
    let (rig, _upstream) = Rig::over(openai::server(&["ok"], 7, 5)).await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", false).await;
    let frames = client.frames().await;
    let types: Vec<_> = frames.iter().map(|frame| frame["type"].clone()).collect();
    assert_eq!(types, ["completion", "done"]);
    assert_eq!(frames[0]["data"], openai::completion("ok", 7, 5));
    assert_eq!(frames[1]["usage"]["total_tokens"], 12);
    assert_eq!(rig.rows().await[0]["stream"], false);
}

#[tokio::test]
async fn the_short_form_is_answered_in_kind() {
    let rig = Rig::start().await;
    let _first = rig
        .add_upstream("First", 0, openai::server(&["no"], 1, 1))
        .await;
    let second = rig
        .add_upstream("Second", 1, openai::server(&["你", "好"], 2, 2))
        .await;
    let mut client = Client::connect(&rig).await;
    client
        .send(json!({"message": "你好", "provider_id": 2, "model_name": MODEL}))
        .await;
    let frames = client.frames().await;
    let (done, messages) = frames.split_last().unwrap();
    assert_eq!(
        messages,
        [
            json!({"type": "message", "content": "你"}),
            json!({"type": "message", "content": "你好"})
        ]
    );
    assert_eq!(done["type"], "done");
    assert!(done.get("id").is_none());
    assert_eq!(done["usage"]["total_tokens"], 4);
    let sent = second.requests()[0].json();
    assert_eq!(
        sent["messages"],
        json!([{"role": "user", "content": "你好"}])
    );
    client
        .send(json!({"message": "hi", "model_name": MODEL}))
        .await;
    assert_eq!(client.frames().await[0]["content"], "no");
    client
        .send(json!({"message": "hi", "model_name": MODEL, "provider_id": 9}))
        .await;
    let refused = client.frame().await;
    assert_eq!(refused["error"]["code"], "model_not_found", "{refused}");
    assert_eq!(refused["error"]["param"], "provider_id");
}

#[tokio::test]
async fn many_chats_go_on_side_by_side() {
    let gate = Gate::new();
    let held = gate.clone();
    let script = Script::by(move |request| {
        let id = request.json()["messages"][0]["content"]
            .as_str()
            .unwrap()
            .to_owned();
        let event = openai::delta_event(&format!("<{id}>"));
        match id.as_str() {
            "slow" => Answer::events(&[&event])
                .pause(&held)
                .sse(&[&event, openai::DONE])
                .end(),
            _ => Answer::events(&[&event, openai::DONE]).end(),
        }
    });
    let (rig, _upstream) = Rig::over(script).await;
    let mut client = Client::connect(&rig).await;
    client.chat("slow", true).await;
    assert_eq!(client.frame().await["id"], "slow");
    for index in 0..20 {
        let id = format!("quick{index}");
        client.chat(&id, true).await;
        let frames = client.frames().await;
        assert!(frames.iter().all(|frame| frame["id"] == id), "{frames:?}");
        assert_eq!(words(&frames), format!("<{id}>"));
    }
    gate.open();
    let frames = client.frames().await;
    assert_eq!(
        (words(&frames), frames[0]["seq"].clone()),
        ("<slow>".to_owned(), json!(2))
    );
    let rows = rig.rows().await;
    assert_eq!(rows.len(), 21);
    assert!(rows.iter().all(|row| row["state"] == "completed"));
}

#[tokio::test]
async fn cancelling_ends_one_chat_upstream_too_and_no_other() {
    let script = Script::by(|request| {
        let id = request.json()["messages"][0]["content"].clone();
        let event = openai::delta_event("a");
        match id == "b" {
            true => Answer::events(&[&event, openai::DONE]).end(),
            false => Answer::events(&[&event]).hang(),
        }
    });
    let (rig, upstream) = Rig::over(script).await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", true).await;
    assert_eq!(client.frame().await["type"], "chunk");
    client.send(json!({"type": "cancel", "id": "a"})).await;
    let told = client.frame().await;
    assert_eq!(told["type"], "error");
    assert_eq!(
        (&told["id"], &told["error"]["code"]),
        (&json!("a"), &json!("cancelled"))
    );
    upstream.closed(0).await;
    let row = rig.settled().await;
    assert_eq!(
        (&row["state"], &row["usage_source"]),
        (&json!("cancelled"), &json!("estimated"))
    );
    // The name can be used again.
    client.chat("b", true).await;
    assert_eq!(words(&client.frames().await), "a");
    client.chat("a", true).await;
    assert_eq!(client.frame().await["type"], "chunk");
}

#[tokio::test]
async fn a_lost_socket_cancels_its_chats() {
    let (rig, upstream) = Rig::over(Answer::events(&[&openai::delta_event("a")]).hang()).await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", true).await;
    client.frame().await;
    drop(client);
    upstream.closed(0).await;
    assert_eq!(rig.settled().await["state"], "cancelled");
}

#[tokio::test]
async fn a_conversation_goes_on_by_name_and_by_content() {
    let (rig, _upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let mut client = Client::connect(&rig).await;
    let chat = |id: &str, messages: Value| json!({"type": "chat", "id": id, "request": {"model": MODEL, "messages": messages}});
    let user = |text: &str| json!({"role": "user", "content": text});
    client.send(chat("a", json!([user("x")]))).await;
    let first = client.frames().await.pop().unwrap();
    let says = json!({"role": "assistant", "content": "ok"});
    client
        .send(chat("b", json!([user("x"), says, user("y")])))
        .await;
    let second = client.frames().await.pop().unwrap();
    assert_eq!(first["conversation_id"], second["conversation_id"]);
    let mut named = chat("c", json!([user("z")]));
    named["conversation_id"] = json!("mine");
    client.send(named).await;
    assert_eq!(
        client.frames().await.pop().unwrap()["conversation_id"],
        "mine"
    );
    assert_eq!(rig.read("/stats/conversation/mine").await["rounds"], 1);
}

#[tokio::test]
async fn an_upstream_failure_is_sent_to_its_chat() {
    let broken = Answer::events(&[&openai::delta_event("a")]).cut();
    let error = "data: {\"error\":{\"message\":\"in the middle\",\"type\":\"server_error\",\"code\":\"x\"}}\n\n";
    let midway = Answer::events(&[&openai::delta_event("a"), error]).hang();
    let refused = Answer::json(
        422,
        openai::error("no", "invalid_request_error", "bad").to_string(),
    );
    let (rig, _upstream) = Rig::over(Script::each([broken, midway, refused])).await;
    let mut client = Client::connect(&rig).await;
    for (id, chunks, code) in [
        ("a", 1, "stream_interrupted"),
        ("b", 1, "x"),
        ("c", 0, "bad"),
    ] {
        client.chat(id, true).await;
        let frames = client.frames().await;
        assert_eq!(frames.len(), chunks + 1, "{frames:?}");
        let last = frames.last().unwrap();
        assert_eq!(
            (&last["id"], &last["error"]["code"]),
            (&json!(id), &json!(code))
        );
        // When the client gets this, it is on the ledger already.
        let rows = rig.rows().await;
        assert!(rows.iter().all(|row| row["state"] == "failed"), "{rows:?}");
    }
}

#[tokio::test]
async fn the_totals_are_what_the_upstream_was_asked() {
    let (rig, upstream) = Rig::over(openai::server(&["a"], 3, 2)).await;
    let mut client = Client::connect(&rig).await;
    for index in 0..10 {
        client.chat(&format!("c{index}"), index % 2 == 0).await;
        client.frames().await;
    }
    let total = rig.read("/stats/total").await;
    assert_eq!(upstream.requests().len(), 10);
    assert_eq!(
        json!([
            total["requests"],
            total["prompt_tokens"],
            total["completion_tokens"]
        ]),
        json!([10, 30, 20])
    );
    let sent = &upstream.requests()[0];
    assert_eq!(
        sent.header("authorization"),
        Some(format!("Bearer {SERVER_KEY}").as_str())
    );
    assert!(!String::from_utf8_lossy(&sent.body).contains(KEY));
}

#[tokio::test]
async fn a_chat_over_a_socket_has_its_tries_on_the_row() {
    let rig = Rig::start().await;
    let refused = Answer::json(503, r#"{"error":{"message":"too many of them"}}"#);
    let _first = rig.add_upstream("First", 0, refused).await;
    let _second = rig
        .add_upstream("Second", 1, openai::server(&["ok"], 1, 1))
        .await;
    let mut client = Client::connect(&rig).await;
    client.chat("a", true).await;
    let frames = client.frames().await;
    let id = frames.last().unwrap()["request_id"].as_str().unwrap();
    let record = rig.read(&format!("/stats/requests/{id}")).await;
    let tries = record["tries"].as_array().unwrap().iter();
    let seen: Vec<_> = tries
        .map(|one| json!([one["provider"], one["status"]]))
        .collect();
    assert_eq!(seen, [json!(["First", 503]), json!(["Second", 200])]);
    assert_eq!(record["upstream_status"], 200);
}
