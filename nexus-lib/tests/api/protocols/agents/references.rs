//! Clients that send ids instead of the items.

use nexus_lib::testing::{Answer, RawResponse, Script};
use serde_json::{Value, json};

use super::{KINDS, Says, calls, model};
use crate::protocols::{add, datas, over, post};
use crate::support::Rig;

const TOOLS: &str = r#"[{"type":"function","name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}]"#;

/// The response of a whole answer, or the one at the end of a stream.
fn response(answer: &RawResponse, stream: bool) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body.text());
    match stream {
        false => answer.body.json(),
        true => datas(answer.body.text()).last().unwrap()["response"].clone(),
    }
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": [{"type": "input_text", "text": text}]})
}

fn body(stream: bool, input: &[Value]) -> Value {
    let tools: Value = serde_json::from_str(TOOLS).unwrap();
    json!({"model": "m", "stream": stream, "input": input, "tools": tools})
}

fn references(response: &Value) -> Vec<Value> {
    let items = response["output"].as_array().unwrap().iter();
    items
        .map(|item| json!({"type": "item_reference", "id": item["id"]}))
        .collect()
}

#[tokio::test]
async fn items_that_are_referred_to_reach_providers_of_every_kind() {
    for kind in KINDS {
        for stream in [false, true] {
            let rig = Rig::start().await;
            let says = vec![
                Says::Calls("weather", json!({"city": "Paris"})),
                Says::Text("Sunny."),
            ];
            let upstream = model(&rig, kind, says).await;
            let mut input = vec![user("How is it in Paris?")];
            let ask = |input: &[Value]| post("/v1/responses", body(stream, input).to_string());
            // A call with text, its result, and another turn.
            let first = rig.ask(&ask(&input)).await;
            let answer = response(&first, stream);
            assert_eq!(
                answer["output"].as_array().unwrap().len(),
                2,
                "{kind}: {answer}"
            );
            let call_id = answer["output"][1]["call_id"].clone();
            input.extend(references(&answer));
            input.push(
                json!({"type": "function_call_output", "call_id": call_id, "output": "21 degrees"}),
            );
            let second = rig.ask(&ask(&input)).await;
            let answer = response(&second, stream);
            assert_eq!(
                answer["output"][0]["content"][0]["text"], "Sunny.",
                "{kind}"
            );
            input.extend(references(&answer));
            input.push(user("And in Rome?"));
            let third = rig.ask(&ask(&input)).await;
            response(&third, stream);
            let sent = upstream.request(2).await.json();
            assert_eq!(
                calls(kind, &sent),
                [("weather".to_owned(), json!({"city": "Paris"}))],
                "{kind}"
            );
            let told = sent.to_string();
            for text in ["Let me see.", "21 degrees", "Sunny.", "And in Rome?"] {
                assert!(told.contains(text), "{kind}: {text}: {told}");
            }
            let ids: Vec<_> = [&first, &second, &third]
                .map(|one| one.header("x-conversation-id"))
                .into();
            assert!(ids.iter().all(|id| *id == ids[0]), "{kind}: {ids:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_referred_to_brings_all_that_was_said_before() {
    for kind in KINDS {
        for stream in [false, true] {
            let rig = Rig::start().await;
            let says = vec![
                Says::Calls("weather", json!({"city": "Paris"})),
                Says::Text("Sunny."),
            ];
            let upstream = model(&rig, kind, says).await;
            let mut first = body(stream, &[]);
            first["input"] = json!("How is it in Paris?");
            first["instructions"] = json!("Be brief.");
            let first = rig.ask(&post("/v1/responses", first.to_string())).await;
            let answer = response(&first, stream);
            let call_id = answer["output"][1]["call_id"].clone();
            let result =
                json!({"type": "function_call_output", "call_id": call_id, "output": "21 degrees"});
            let mut second = body(stream, &[result]);
            second["previous_response_id"] = answer["id"].clone();
            let second = rig.ask(&post("/v1/responses", second.to_string())).await;
            let mut third = body(stream, &[user("And in Rome?")]);
            third["previous_response_id"] = response(&second, stream)["id"].clone();
            let third = rig.ask(&post("/v1/responses", third.to_string())).await;
            response(&third, stream);
            let told = upstream.request(2).await.json().to_string();
            for text in [
                "How is it in Paris?",
                "Let me see.",
                "21 degrees",
                "Sunny.",
                "And in Rome?",
            ] {
                assert_eq!(told.matches(text).count(), 1, "{kind}: {text}: {told}");
            }
            // Instructions apply to one request only.
            assert!(!told.contains("Be brief."), "{kind}: {told}");
            let ids: Vec<_> = [&first, &second, &third]
                .map(|one| one.header("x-conversation-id"))
                .into();
            assert!(ids.iter().all(|id| *id == ids[0]), "{kind}: {ids:?}");
        }
    }
}

#[tokio::test]
async fn an_unknown_reference_is_a_400_that_says_what_to_do() {
    let rig = Rig::start().await;
    let upstream = model(&rig, "openai", vec![Says::Text("Hello.")]).await;
    let mut kept = body(false, &[user("hi")]);
    kept["store"] = json!(false);
    let answer = response(
        &rig.ask(&post("/v1/responses", kept.to_string())).await,
        false,
    );
    let other = rig
        .add_upstream_with(
            "Other",
            json!({"personalized_key": "another-key-0123456789"}),
            Answer::new(),
        )
        .await;
    let _ = other;
    for (request, param) in [
        // Never created, and created for a client that keeps the items itself.
        (
            body(
                false,
                &[user("hi"), json!({"type": "item_reference", "id": "msg_1"})],
            ),
            "input[1].id",
        ),
        (
            body(false, &[user("hi"), references(&answer)[0].clone()]),
            "input[1].id",
        ),
        (
            json!({"model": "m", "input": "hi", "previous_response_id": answer["id"]}),
            "previous_response_id",
        ),
    ] {
        let refused = rig.ask(&post("/v1/responses", request.to_string())).await;
        assert_eq!(refused.status, 400, "{}", refused.body.text());
        let error = refused.body.json()["error"].clone();
        assert_eq!(error["param"], param, "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("send the items themselves, or `store: false`"),
            "{message}"
        );
    }
    assert_eq!(upstream.requests().len(), 1, "nothing of it was sent");
}

#[tokio::test]
async fn a_provider_that_keeps_its_answers_gets_references_as_they_came() {
    let answer = json!({"id": "resp_9", "object": "response", "status": "completed", "model": "m",
        "output": [{"type": "message", "id": "msg_9", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hello.", "annotations": []}]}],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}});
    let (rig, upstream) = over(
        "openai",
        json!({"protocols": ["responses"]}),
        Answer::json(200, answer.to_string()),
    )
    .await;
    let first = rig
        .ask(&post(
            "/v1/responses",
            body(false, &[user("hi")]).to_string(),
        ))
        .await;
    let by_item = body(
        false,
        &[
            user("hi"),
            json!({"type": "item_reference", "id": "msg_9"}),
            user("and?"),
        ],
    )
    .to_string();
    let by_answer =
        json!({"model": "m", "input": "and?", "previous_response_id": "resp_9"}).to_string();
    for (at, request) in [by_item, by_answer].into_iter().enumerate() {
        let next = rig.ask(&post("/v1/responses", request.clone())).await;
        assert_eq!(next.status, 200);
        assert_eq!(upstream.request(at + 1).await.body, request.as_bytes());
        assert_eq!(
            next.header("x-conversation-id"),
            first.header("x-conversation-id"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_provider_that_keeps_its_answers_gets_the_items_that_the_gateway_made() {
    let rig = Rig::start().await;
    let chat = model(&rig, "openai", vec![Says::Text("Hello.")]).await;
    let answer = response(
        &rig.ask(&post(
            "/v1/responses",
            body(false, &[user("hi")]).to_string(),
        ))
        .await,
        false,
    );
    let provider = rig.provider("Fake").await["id"].clone();
    rig.admin("DELETE", &format!("/providers/{provider}"), None)
        .await;
    drop(chat);
    let whole = json!({"id": "resp_9", "object": "response", "status": "completed", "model": "m", "output": []});
    let own = add(
        &rig,
        "openai",
        json!({"protocols": ["responses"]}),
        Answer::json(200, whole.to_string()),
    )
    .await;
    let mut input = vec![user("hi")];
    input.extend(references(&answer));
    input.push(json!({"type": "item_reference", "id": "msg_of_theirs"}));
    let next = rig
        .ask(&post("/v1/responses", body(false, &input).to_string()))
        .await;
    assert_eq!(next.status, 200, "{}", next.body.text());
    let sent = own.request(0).await.json();
    assert_eq!(sent["input"][1]["content"][0]["text"], "Hello.");
    assert_eq!(
        sent["input"][2],
        json!({"type": "item_reference", "id": "msg_of_theirs"})
    );
    let mut by_answer = body(false, &[user("and?")]);
    by_answer["previous_response_id"] = answer["id"].clone();
    rig.ask(&post("/v1/responses", by_answer.to_string())).await;
    let sent = own.request(1).await.json();
    assert_eq!(sent.get("previous_response_id"), None);
    assert_eq!(sent["input"].as_array().unwrap().len(), 3);
}

/// Gemini 3 rejects a call that comes back without its signature.
#[tokio::test]
async fn signatures_of_calls_are_remembered_for_clients_that_do_not_send_them_back() {
    for stream in [false, true] {
        let rig = Rig::start().await;
        let script = Script::by(|request| {
            let parts = match request.index {
                0 => {
                    json!([{"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2lnbmVk"},
                    {"functionCall": {"name": "f", "args": {"a": 2}}}])
                }
                _ => json!([{"text": "Done."}]),
            };
            let body = json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}});
            match request.target.contains("streamGenerateContent") {
                true => Answer::events(&[&format!("data: {body}\n\n")]).end(),
                false => Answer::json(200, body.to_string()),
            }
        });
        let upstream = add(&rig, "gemini", json!({}), script).await;
        let id = rig.provider("Fake").await["id"].clone();
        rig.create(
            "/provider_models",
            json!({"provider_id": id, "model_name": "gemini-3-pro"}),
        )
        .await;
        let ask = |messages: Value| {
            let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
            let body = json!({"model": "gemini-3-pro", "stream": stream, "messages": messages, "tools": tools});
            post("/v1/chat/completions", body.to_string())
        };
        let first = rig
            .ask(&ask(json!([{"role": "user", "content": "hi"}])))
            .await;
        let ids: Vec<String> = match stream {
            false => {
                let message = first.body.json()["choices"][0]["message"].clone();
                let calls = message["tool_calls"].as_array().unwrap();
                calls
                    .iter()
                    .map(|call| call["id"].as_str().unwrap().to_owned())
                    .collect()
            }
            true => {
                let chunks = datas(first.body.text());
                let calls = chunks
                    .iter()
                    .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0));
                calls
                    .filter_map(|call| call["id"].as_str().map(str::to_owned))
                    .collect()
            }
        };
        assert_eq!(ids.len(), 2);
        // As most clients send it: without `extra_content`.
        let calls: Vec<Value> = ids.iter().zip(1..).map(|(id, a)| {
            json!({"id": id, "type": "function", "function": {"name": "f", "arguments": format!("{{\"a\":{a}}}")}})
        }).collect();
        let mut messages = vec![
            json!({"role": "user", "content": "hi"}),
            json!({"role": "assistant", "content": null, "tool_calls": calls}),
        ];
        messages.extend(
            ids.iter()
                .map(|id| json!({"role": "tool", "tool_call_id": id, "content": "x"})),
        );
        let second = rig.ask(&ask(json!(messages))).await;
        assert_eq!(second.status, 200, "{}", second.body.text());
        let sent = upstream.request(1).await.json();
        let parts = sent["contents"][1]["parts"].as_array().unwrap().clone();
        assert_eq!(parts[0]["thoughtSignature"], "c2lnbmVk", "{parts:?}");
        assert_eq!(parts[1].get("thoughtSignature"), None, "{parts:?}");
    }
}

/// The same for chat completions that pass through to Gemini's compatible endpoint.
#[tokio::test]
async fn signatures_are_remembered_where_chat_completions_pass() {
    for stream in [false, true] {
        let rig = Rig::start().await;
        let script = Script::by(|request| {
            let call = json!({"index": 0, "id": "call_7", "type": "function", "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "c2lnbmVk"}}});
            let said = json!({"role": "assistant", "content": null, "tool_calls": [call]});
            let choice =
                |name: &str| json!({"index": 0, name: said, "finish_reason": "tool_calls"});
            let body = |name: &str| {
                json!({"id": "c", "created": 1, "model": "m", "choices": [choice(name)],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
            };
            match request.wants_stream() {
                true => {
                    Answer::events(&[&format!("data: {}\n\n", body("delta")), "data: [DONE]\n\n"])
                        .end()
                }
                false => Answer::json(200, body("message").to_string()),
            }
        });
        let upstream = add(&rig, "openai", json!({}), script).await;
        let id = rig.provider("Fake").await["id"].clone();
        rig.create(
            "/provider_models",
            json!({"provider_id": id, "model_name": "gemini-3-pro"}),
        )
        .await;
        let ask = |messages: Value| {
            post(
                "/v1/chat/completions",
                json!({"model": "gemini-3-pro", "stream": stream, "messages": messages})
                    .to_string(),
            )
        };
        let user = json!({"role": "user", "content": "hi"});
        assert_eq!(rig.ask(&ask(json!([user]))).await.status, 200);
        let call = json!({"id": "call_7", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let messages = json!([user, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "call_7", "content": "x"}]);
        assert_eq!(rig.ask(&ask(messages)).await.status, 200);
        let sent = upstream.request(1).await.json();
        let extra = &sent["messages"][1]["tool_calls"][0]["extra_content"];
        assert_eq!(extra["google"]["thought_signature"], "c2lnbmVk", "{sent}");
    }
}
