//! One session of an agent is one conversation: what it sends back is never exactly what it
//! received.

use nexus_lib::testing::{Answer, RawRequest, RawResponse, Script};
use serde_json::{Value, json};

use super::{Says, model};
use crate::protocols::{add, over, post};
use crate::support::Rig;

fn id(response: &RawResponse) -> String {
    assert_eq!(response.status, 200, "{}", response.body.text());
    response.header("x-conversation-id").unwrap().to_owned()
}

/// The final event of a Responses stream.
fn completed(response: &RawResponse) -> Value {
    let events = crate::protocols::datas(response.body.text());
    events.last().unwrap()["response"].clone()
}

#[tokio::test]
async fn arguments_that_are_written_anew_are_the_same() {
    for stream in [false, true] {
        let rig = Rig::start().await;
        let arguments = json!({"path": "a.txt", "lines": [1, 2]});
        let _upstream = model(&rig, "openai", vec![Says::Calls("read", arguments)]).await;
        let user = json!({"role": "user", "content": "Read it."});
        let ask = |messages: Value| {
            let body = json!({"model": "m", "stream": stream, "messages": messages});
            post("/v1/chat/completions", body.to_string())
        };
        let first = id(&rig.ask(&ask(json!([user]))).await);
        let mut ids = vec![first.clone()];
        let mut messages = vec![user];
        for (content, arguments) in [
            (
                json!([{"type": "text", "text": "Let me see."}]),
                r#"{ "lines": [1.0, 2], "path": "a\u002etxt" }"#,
            ),
            (json!("Let me see."), r#"{"path":"a.txt","lines":[1,2]}"#),
        ] {
            messages.push(json!({"role": "assistant", "content": content, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": arguments}}]}));
            messages.push(json!({"role": "tool", "tool_call_id": "call_1", "content": "text"}));
            ids.push(id(&rig.ask(&ask(json!(messages))).await));
        }
        assert!(ids.iter().all(|id| *id == first), "{stream}: {ids:?}");
    }
}

#[tokio::test]
async fn content_beside_calls_may_be_null_absent_or_empty() {
    for content in [
        json!(null),
        json!(""),
        json!([]),
        json!([{"type": "text", "text": ""}]),
    ] {
        for sent in ["null", "\"\"", "absent"] {
            let rig = Rig::start().await;
            let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}});
            let message = json!({"role": "assistant", "content": content, "tool_calls": [call]});
            let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
            let body = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
            let _upstream = add(
                &rig,
                "openai",
                json!({}),
                Answer::json(200, body.to_string()),
            )
            .await;
            let user = json!({"role": "user", "content": "hi"});
            let mut back = json!({"role": "assistant", "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]});
            match sent {
                "null" => back["content"] = json!(null),
                "absent" => {}
                _ => back["content"] = json!(""),
            }
            let result = json!({"role": "tool", "tool_call_id": "c", "content": "x"});
            let ask = |messages: Value| {
                post(
                    "/v1/chat/completions",
                    json!({"model": "m", "messages": messages}).to_string(),
                )
            };
            let first = id(&rig.ask(&ask(json!([user]))).await);
            let second = id(&rig.ask(&ask(json!([user, back, result]))).await);
            assert_eq!(first, second, "{content} {sent}");
        }
    }
}

#[tokio::test]
async fn an_agent_of_anthropics_is_one_conversation_passed_and_translated() {
    for kind in ["anthropic", "openai", "gemini"] {
        for stream in [false, true] {
            let rig = Rig::start().await;
            let _upstream =
                model(&rig, kind, vec![Says::Calls("read", json!({"path": "a"}))]).await;
            let cache = json!({"type": "ephemeral"});
            let mut ids = Vec::new();
            let mut history: Vec<Value> = Vec::new();
            for round in 0..3 {
                // The cache mark moves to the last message, and so does the reminder; the first
                // instruction names the request.
                let mut messages = vec![json!({"role": "user", "content": [
                    {"type": "text", "text": format!("<system-reminder>\nIt is round {round}.\n</system-reminder>")},
                    {"type": "text", "text": "Read it."},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                ]})];
                messages.extend(history.iter().cloned());
                let last = messages.last_mut().unwrap()["content"]
                    .as_array_mut()
                    .unwrap();
                last.last_mut().unwrap()["cache_control"] = cache.clone();
                if round > 0 {
                    last.push(json!({"type": "text", "text": "<system-reminder>Mind the list.</system-reminder>"}));
                }
                let mut body = json!({
                    "model": "m", "max_tokens": 99, "stream": stream, "messages": messages,
                    "system": [
                        {"type": "text", "text": format!("x-anthropic-billing-header: cc_version=2; cch={round};")},
                        {"type": "text", "text": "You are an agent.", "cache_control": cache},
                    ],
                    "tools": [{"name": "read", "input_schema": {"type": "object"}}],
                });
                if kind == "anthropic" {
                    // Fields that only Anthropic knows.
                    let tools = body["tools"].as_array_mut().unwrap();
                    tools.push(json!({"type": "web_search_20250305", "name": "web_search"}));
                    body["context_management"] = json!({"edits": []});
                    body["messages"][0]["content"]
                        .as_array_mut()
                        .unwrap()
                        .push(json!({"type": "container_upload", "file_id": "f"}));
                }
                ids.push(id(&rig.ask(&post("/v1/messages", body.to_string())).await));
                let call_id = match kind {
                    "anthropic" => "toolu_1",
                    "openai" => "call_1",
                    // Answered by the gateway; the rounds after the first one are not compared.
                    _ => break,
                };
                // Reasoning is kept by some and left out by others.
                let mut said = vec![
                    json!({"type": "text", "text": "Let me see."}),
                    json!({"type": "tool_use", "id": call_id, "name": "read", "input": {"path": "a"}}),
                ];
                if round == 1 {
                    said.insert(
                        0,
                        json!({"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}),
                    );
                }
                history.push(json!({"role": "assistant", "content": said}));
                history.push(json!({"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "text", "text": "text"}]}]}));
            }
            assert!(
                ids.iter().all(|id| *id == ids[0]),
                "{kind} {stream}: {ids:?}"
            );
        }
    }
}

#[tokio::test]
async fn responses_with_tools_and_items_that_are_not_known_are_one_conversation() {
    let item = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "read", "arguments": "{\"path\": \"a\"}", "status": "completed"});
    let usage = json!({"input_tokens": 1, "output_tokens": 1, "total_tokens": 2});
    let whole = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [item], "usage": usage});
    let begun = json!({"id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": []});
    let mut open = item.clone();
    open["arguments"] = json!("");
    let events = [
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": open}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": "{\"path\": \"a\"}"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": whole}),
    ]
    .map(|event| format!("data: {event}\n\n"));
    for stream in [false, true] {
        let (whole, events) = (whole.to_string(), events.clone());
        let script = Script::by(move |request| match request.wants_stream() {
            true => Answer::events(&events.each_ref().map(String::as_str)).end(),
            false => Answer::json(200, whole.clone()),
        });
        let (rig, _upstream) = over("openai", json!({"protocols": ["responses"]}), script).await;
        let mut input = vec![
            json!({"type": "item_of_next_year", "x": [1]}),
            json!({"role": "user", "content": [{"type": "input_text", "text": "Read it."}, {"type": "input_of_next_year"}]}),
        ];
        let ask = |input: &[Value]| {
            let body = json!({"model": "m", "stream": stream, "input": input, "background": false, "prompt": {"id": "pmpt_1"},
                "tools": [{"type": "tool_of_next_year"}, {"type": "web_search"}], "top_logprobs": 3});
            post("/v1/responses", body.to_string())
        };
        let first = rig.ask(&ask(&input)).await;
        if stream {
            assert_eq!(completed(&first)["id"], "resp_1");
        }
        input.push(json!({"type": "function_call", "call_id": "call_1", "name": "read", "arguments": "{\"path\":\"a\"}"}));
        input.push(json!({"type": "function_call_output", "call_id": "call_1", "output": "text"}));
        let second = rig.ask(&ask(&input)).await;
        assert_eq!(id(&first), id(&second), "stream: {stream}");
    }
}

#[tokio::test]
async fn agents_name_their_sessions() {
    let rig = Rig::start().await;
    let _upstream = model(&rig, "openai", vec![Says::Text("Hello.")]).await;
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let ask = |headers: &[(&str, &str)], body: &Value| {
        let request: RawRequest = post("/v1/chat/completions", body.to_string());
        let headers = headers.iter();
        headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    };
    for name in [
        "session-id",
        "session_id",
        "thread-id",
        "x-claude-code-session-id",
    ] {
        let named = rig.ask(&ask(&[(name, "s-1")], &chat)).await;
        assert_eq!(id(&named), "s-1", "{name}");
    }
    let mut keyed = chat.clone();
    keyed["prompt_cache_key"] = json!("k-1");
    assert_eq!(id(&rig.ask(&ask(&[], &keyed)).await), "k-1");
    let both = [("session-id", "s-2"), ("thread-id", "t-2")];
    assert_eq!(id(&rig.ask(&ask(&both, &keyed)).await), "s-2");
    let all = [("session-id", "s-2"), ("x-conversation-id", "mine")];
    assert_eq!(id(&rig.ask(&ask(&all, &keyed)).await), "mine");
    // A value that is not a valid name was not meant as one here.
    let long = "x".repeat(129);
    for (headers, cache_key) in [
        (vec![("session-id", long.as_str())], json!(7)),
        (vec![("session-id", "with blanks")], json!("模型")),
        (vec![], json!("with blanks")),
    ] {
        let mut body = chat.clone();
        body["prompt_cache_key"] = cache_key;
        let response = rig.ask(&ask(&headers, &body)).await;
        let conversation = id(&response);
        assert_eq!(conversation, response.header("x-request-id").unwrap());
    }
    let responses = json!({"model": "m", "input": "hi", "prompt_cache_key": "k-2"});
    let response = rig.ask(&post("/v1/responses", responses.to_string())).await;
    assert_eq!(id(&response), "k-2");
}
