//! Tools with free text as input, for clients that use chat completions.

use nexus_lib::testing::Answer;
use serde_json::{Value, json};

use super::{KINDS, Says, calls, model};
use crate::protocols::{datas, over, post};
use crate::support::Rig;

fn chat(stream: bool) -> Value {
    let format = json!({"type": "grammar", "grammar": {"syntax": "regex", "definition": "[a-z]+"}});
    json!({
        "model": "m", "stream": stream,
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_0", "type": "custom", "custom": {"name": "say", "input": "abc"}}]},
            {"role": "tool", "tool_call_id": "call_0", "content": "said"},
        ],
        "tools": [{"type": "custom", "custom": {"name": "say", "description": "Says it.", "format": format}}],
    })
}

#[tokio::test]
async fn custom_tools_of_chat_completions_go_through_providers_of_every_other_kind() {
    for kind in KINDS
        .into_iter()
        .filter(|kind| !matches!(*kind, "openai" | "xai"))
    {
        for stream in [false, true] {
            let rig = Rig::start().await;
            let says = vec![Says::Calls("say", json!({"input": "x \"y\"\n"}))];
            let upstream = model(&rig, kind, says).await;
            let response = rig
                .ask(&post("/v1/chat/completions", chat(stream).to_string()))
                .await;
            assert_eq!(response.status, 200, "{kind}: {}", response.body.text());
            let sent = upstream.request(0).await.json();
            assert_eq!(
                calls(kind, &sent),
                [("say".to_owned(), json!({"input": "abc"}))],
                "{kind}"
            );
            let (name, input) = match stream {
                false => {
                    let call =
                        response.body.json()["choices"][0]["message"]["tool_calls"][0].clone();
                    assert_eq!(call["type"], "custom", "{kind}: {call}");
                    (
                        call["custom"]["name"].clone(),
                        call["custom"]["input"].as_str().unwrap().to_owned(),
                    )
                }
                true => {
                    let chunks = datas(response.body.text());
                    let calls: Vec<&Value> = chunks
                        .iter()
                        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0))
                        .collect();
                    assert_eq!(calls[0]["type"], "custom", "{kind}");
                    let inputs = calls
                        .iter()
                        .filter_map(|call| call["custom"]["input"].as_str());
                    (calls[0]["custom"]["name"].clone(), inputs.collect())
                }
            };
            assert_eq!(
                (name, input.as_str()),
                (json!("say"), "x \"y\"\n"),
                "{kind}"
            );
        }
    }
}

#[tokio::test]
async fn custom_tools_of_chat_completions_are_custom_tools_of_responses() {
    let item = json!({"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "say", "input": "x", "status": "completed"});
    let usage = json!({"input_tokens": 1, "output_tokens": 1, "total_tokens": 2});
    let whole = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [item], "usage": usage});
    let begun = json!({"id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": []});
    let events = [
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item":
            {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "say", "input": "", "status": "in_progress"}}),
        json!({"type": "response.custom_tool_call_input.delta", "output_index": 0, "item_id": "ctc_1", "delta": "x"}),
        json!({"type": "response.custom_tool_call_input.done", "output_index": 0, "item_id": "ctc_1", "input": "x"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": whole}),
    ];
    let events = events.map(|event| format!("data: {event}\n\n"));
    for stream in [false, true] {
        let answer = match stream {
            false => Answer::json(200, whole.to_string()),
            true => Answer::events(&events.each_ref().map(String::as_str)).end(),
        };
        let (rig, upstream) = over("openai", json!({"protocols": ["responses"]}), answer).await;
        let response = rig
            .ask(&post("/v1/chat/completions", chat(stream).to_string()))
            .await;
        let sent = upstream.request(0).await.json();
        let tool = &sent["tools"][0];
        assert_eq!(
            (&tool["type"], &tool["format"]["definition"]),
            (&json!("custom"), &json!("[a-z]+"))
        );
        let kinds: Vec<_> = sent["input"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["type"].clone())
            .collect();
        assert_eq!(kinds[1..], ["custom_tool_call", "custom_tool_call_output"]);
        assert_eq!(sent["input"][1]["input"], "abc");
        let told = response.body.text();
        assert!(
            told.contains(r#""type":"custom""#) && told.contains(r#""input":"x""#),
            "{told}"
        );
    }
}
