//! Which conversation a request belongs to.

use nexus_lib::testing::{Answer, RawResponse, Script, openai};
use serde_json::{Value, json};

use crate::support::{MODEL, Rig, assert_error, chat};

/// Answers `reply N` to request number N, or calls a tool if the last message asks for it.
fn script() -> Script {
    Script::by(|request| {
        let words = format!("reply {}", request.index);
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if body.contains("call a tool") && !body.contains("tool_call_id") {
            return tool_call(request.wants_stream());
        }
        match request.wants_stream() {
            true => openai::stream(request, &[&words[..3], &words[3..]], 1, 2),
            false => Answer::json(200, openai::completion(&words, 1, 2).to_string()),
        }
    })
}

fn tool_call(stream: bool) -> Answer {
    let call = |arguments: &str| json!([{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": arguments}}]);
    if !stream {
        let message =
            json!({"role": "assistant", "content": null, "tool_calls": call("{\"x\":1}")});
        let body =
            json!({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]});
        return Answer::json(200, body.to_string());
    }
    let event = |delta: Value| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": delta}]})
        )
    };
    let events = [
        event(json!({"role": "assistant", "content": null, "tool_calls": call("{\"x\"")})),
        event(json!({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]})),
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
        ),
        openai::DONE.to_owned(),
    ];
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    Answer::events(&events).end()
}

async fn ask(rig: &Rig, stream: bool, messages: &Value) -> RawResponse {
    let body = json!({"model": MODEL, "stream": stream, "messages": messages});
    let response = rig.chat(body.to_string()).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    response
}

fn conversation(response: &RawResponse) -> String {
    response.header("x-conversation-id").unwrap().to_owned()
}

fn user(content: impl Into<Value>) -> Value {
    json!({"role": "user", "content": content.into()})
}

#[tokio::test]
async fn a_chat_that_goes_on_is_one_conversation() {
    for stream in [false, true] {
        let (rig, _upstream) = Rig::over(script()).await;
        let image = json!([
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ]);
        let mut messages = vec![
            json!({"role": "system", "content": "be brief"}),
            user(image),
        ];
        let first = conversation(&ask(&rig, stream, &json!(messages)).await);
        for index in 0..3 {
            messages.push(json!({"role": "assistant", "content": format!("reply {index}")}));
            messages.push(user(format!("question {index}")));
            let response = ask(&rig, stream, &json!(messages)).await;
            assert_eq!(conversation(&response), first);
            assert_eq!(rig.row(&response).await["conversation_id"], first);
        }
        let found = rig.read(&format!("/stats/conversation/{first}")).await;
        assert_eq!(found["rounds"], 4);
        assert_eq!(rig.read("/stats/total").await["total_conversations"], 1);
    }
}

#[tokio::test]
async fn tool_calls_belong_to_the_conversation() {
    for stream in [false, true] {
        let (rig, _upstream) = Rig::over(script()).await;
        let mut messages = vec![user("call a tool")];
        let first = conversation(&ask(&rig, stream, &json!(messages)).await);
        // As SDKs send it back: without index, and with `content`.
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "function": {"arguments": "{\"x\":1}", "name": "f"}, "type": "function"}
        ]}));
        messages.push(json!({"role": "tool", "tool_call_id": "call_1", "content": "42"}));
        assert_eq!(
            conversation(&ask(&rig, stream, &json!(messages)).await),
            first
        );
    }
}

#[tokio::test]
async fn the_same_opening_twice_is_two_conversations() {
    let (rig, _upstream) = Rig::over(openai::server(&["same"], 1, 1)).await;
    let opening = json!([user("hi")]);
    let (one, two) = (
        ask(&rig, false, &opening).await,
        ask(&rig, true, &opening).await,
    );
    assert_ne!(conversation(&one), conversation(&two));
    assert_eq!(rig.read("/stats/total").await["total_conversations"], 2);
}

#[tokio::test]
async fn half_a_reply_is_gone_on_with_and_an_error_is_not() {
    let cut = Answer::events(&[&openai::delta_event("half")]).cut();
    let refused = Answer::json(400, openai::error("m", "t", "c").to_string());
    let script = Script::by(move |request| match request.index {
        0 => cut.clone(),
        1 => refused.clone(),
        _ => Answer::json(200, openai::completion("x", 1, 1).to_string()),
    });
    let (rig, _upstream) = Rig::over(script).await;
    let first = conversation(&ask(&rig, true, &json!([user("hi")])).await);
    let half = json!({"role": "assistant", "content": "half"});
    let body = json!({"model": MODEL, "messages": [user("other")]});
    let refused = rig.chat(body.to_string()).await;
    assert_eq!(refused.status, 400);
    let second = ask(&rig, false, &json!([user("hi"), half, user("go on")])).await;
    assert_eq!(conversation(&second), first);
    let message = json!({"role": "assistant", "content": "m"});
    let third = ask(&rig, false, &json!([user("other"), message, user("go on")])).await;
    assert_ne!(conversation(&third), conversation(&refused));
}

#[tokio::test]
async fn the_clients_own_names_win() {
    let (rig, _upstream) = Rig::over(openai::server(&["yes"], 1, 1)).await;
    let first = ask(&rig, false, &json!([user("hi")])).await;
    let yes = json!({"role": "assistant", "content": "yes"});
    let body = json!({"model": MODEL, "messages": [user("hi"), yes, user("more")]}).to_string();
    for header in ["x-conversation-id", "x-session-id"] {
        let request = chat(body.clone()).header(header, "my-chat");
        let response = rig.ask(&request).await;
        assert_eq!(response.header("x-conversation-id"), Some("my-chat"));
        assert_eq!(rig.row(&response).await["conversation_id"], "my-chat");
    }
    // An error has the name too.
    let unknown =
        chat(r#"{"model":"nobody","messages":[]}"#).header("x-conversation-id", "my-chat");
    let response = rig.ask(&unknown).await;
    assert_error(
        &response.body.json(),
        "invalid_request_error",
        "model_not_found",
    );
    assert_eq!(response.header("x-conversation-id"), Some("my-chat"));
    assert_ne!(conversation(&first), "my-chat");
}

#[tokio::test]
async fn a_restart_forgets_no_conversation() {
    let (rig, _upstream) = Rig::over(script()).await;
    let mut names = Vec::new();
    for (index, stream) in [false, true].into_iter().enumerate() {
        let opening = json!([user(format!("opening {index}"))]);
        names.push(conversation(&ask(&rig, stream, &opening).await));
    }
    let rig = rig.restarted().await;
    for (index, name) in names.iter().enumerate() {
        let reply = json!({"role": "assistant", "content": format!("reply {index}")});
        let opening = user(format!("opening {index}"));
        let goes_on = json!([opening, reply, user("and then?")]);
        assert_eq!(conversation(&ask(&rig, false, &goes_on).await), *name);
    }
}
