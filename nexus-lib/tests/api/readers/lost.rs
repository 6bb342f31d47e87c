//! Text and calls that were lost.

use nexus_lib::testing::Answer;
use serde_json::{Value, json};

use super::{Chat, FACES, Face, Messages, Responses, chunk, chunks, datas, over};
use crate::support::Rig;

/// The names of the calls that a stream begins, and their ids.
fn calls(face: Face, stream: &str) -> Vec<(String, String)> {
    let text = |json: &Value| json.as_str().unwrap_or_default().to_owned();
    let events = datas(stream);
    let calls = events.iter().filter_map(|event| {
        let call = match face {
            Chat => &event["choices"][0]["delta"]["tool_calls"][0],
            Messages => &event["content_block"],
            Responses if event["type"] == "response.output_item.added" => &event["item"],
            Responses => &Value::Null,
        };
        let (id, name) = match face {
            Chat => (&call["id"], &call["function"]["name"]),
            Messages => (&call["id"], &call["name"]),
            Responses => (&call["call_id"], &call["name"]),
        };
        name.as_str().map(|name| (text(id), name.to_owned()))
    });
    calls.collect()
}

fn assert_distinct(calls: &[(String, String)], names: &[&str]) {
    let found: Vec<&str> = calls.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(found, names);
    assert!(calls.iter().all(|(id, _)| !id.is_empty()), "{calls:?}");
    assert_ne!(calls[0].0, calls[1].0);
}

async fn assert_state(rig: &Rig, state: &str) -> Value {
    let row = rig.rows().await.remove(0);
    assert_eq!(row["state"], state, "{row}");
    row
}

#[tokio::test]
async fn opencode_49167_words_behind_a_finish_reason_are_kept() {
    let call = json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]});
    let answer = chunks(&[
        chunk(json!({"content": "He"}), Value::Null),
        chunk(json!({}), json!("stop")),
        chunk(json!({"content": "llo"}), Value::Null),
        chunk(call, Value::Null),
    ]);
    for face in [Messages, Responses] {
        let (rig, _upstream) = over("chat", answer.clone()).await;
        let response = rig.ask(&face.request(true)).await;
        assert_eq!(face.words(&response), "Hello");
        let stream = response.body.text();
        assert_eq!(calls(face, stream), [("a".to_owned(), "f".to_owned())]);
        assert!(stream.contains(face.last()), "{stream}");
        assert_state(&rig, "completed").await;
    }
}

#[tokio::test]
async fn cc_switch_6541_an_empty_finish_reason_is_none() {
    let answer = chunks(&[
        chunk(json!({"content": "He"}), json!("")),
        chunk(json!({"content": "llo"}), json!("")),
        chunk(json!({}), json!("length")),
    ]);
    for (face, reason) in [(Messages, "max_tokens"), (Responses, "max_output_tokens")] {
        let (rig, _upstream) = over("chat", answer.clone()).await;
        let response = rig.ask(&face.request(true)).await;
        assert_eq!(face.words(&response), "Hello");
        assert!(
            response.body.text().contains(reason),
            "{}",
            response.body.text()
        );
    }
}

#[tokio::test]
async fn hermes_agent_62940_calls_without_ids_are_two() {
    for index in [Value::Null, json!(0)] {
        let call = |name: &str| {
            let mut call = json!({"id": "", "function": {"name": name, "arguments": "{\"n\":1}"}});
            if !index.is_null() {
                call["index"] = index.clone();
            }
            chunk(json!({"tool_calls": [call]}), Value::Null)
        };
        for names in [["f", "g"], ["f", "f"]] {
            let answer = chunks(&[
                call(names[0]),
                call(names[1]),
                chunk(json!({}), json!("tool_calls")),
            ]);
            for face in [Messages, Responses] {
                let (rig, _upstream) = over("chat", answer.clone()).await;
                let response = rig.ask(&face.request(true)).await;
                assert_distinct(&calls(face, response.body.text()), &names);
            }
        }
    }
}

#[tokio::test]
async fn hermes_agent_101654_calls_with_empty_ids_get_ids_of_their_own() {
    let call = |name: &str| json!({"id": "", "type": "function", "function": {"name": name, "arguments": "{}"}});
    let message = json!({"content": null, "tool_calls": [call("f"), call("g")]});
    let body = json!({"choices": [{"message": message, "finish_reason": "tool_calls"}]});
    let (rig, _upstream) = over("chat", Answer::json(200, body.to_string())).await;
    let response = rig.ask(&Responses.request(false)).await.body.json();
    let ids = [
        &response["output"][0]["call_id"],
        &response["output"][1]["call_id"],
    ];
    assert!(
        ids[0] != ids[1]
            && ids
                .iter()
                .all(|id| id.as_str().is_some_and(|id| !id.is_empty()))
    );
}

#[tokio::test]
async fn deepseek_reasonix_8756_a_message_that_ends_behind_its_reason_is_whole() {
    let events: Vec<String> = [
        json!({"type": "message_start", "message": {"id": "i", "usage": {"input_tokens": 7, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}),
    ]
    .iter()
    .map(|event| format!("data: {event}\n\n"))
    .collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    for face in [Chat, Responses] {
        let (rig, _upstream) = over("anthropic", Answer::events(&events).end()).await;
        let mut request = face.request(true);
        if face == Chat {
            let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#;
            request = request.body(body);
        }
        let response = rig.ask(&request).await;
        assert_eq!(face.words(&response), "Hello");
        let stream = response.body.text();
        assert!(stream.contains(face.last()), "{stream}");
        assert!(stream.contains("\"total_tokens\":9"), "{stream}");
        assert_eq!(assert_state(&rig, "completed").await["total_tokens"], 9);
    }
}

#[tokio::test]
async fn opencodex_4652_a_call_that_comes_whole_is_a_call() {
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{\"n\":1}"});
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": call});
    let empty =
        json!({"type": "response.completed", "response": {"status": "completed", "output": []}});
    let whole = json!({"type": "response.completed", "response": {"status": "completed", "output": [call]}});
    for events in [vec![&done, &empty], vec![&done, &whole], vec![&whole]] {
        let events: Vec<String> = events
            .iter()
            .map(|event| format!("data: {event}\n\n"))
            .collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        for face in [Chat, Messages] {
            let (rig, _upstream) = over("responses", Answer::events(&events).end()).await;
            let response = rig.ask(&face.request(true)).await;
            let stream = response.body.text();
            assert_eq!(
                calls(face, stream),
                [("call_1".to_owned(), "f".to_owned())],
                "{stream}"
            );
            assert!(stream.contains("{\\\"n\\\":1}"), "{stream}");
            assert!(
                stream.contains("tool_calls") || stream.contains("tool_use"),
                "{stream}"
            );
        }
    }
}

#[tokio::test]
async fn eliza_30904_half_a_character_does_not_lose_the_answer() {
    let whole = r#"{"choices":[{"message":{"content":"a\ud83db","tool_calls":[{"id":"x","function":{"name":"f\ude00","arguments":"{\"t\":\"\ud83d\"}"}}]},"finish_reason":"stop"}]}"#;
    for face in [Messages, Responses] {
        let (rig, _upstream) = over("chat", Answer::json(200, whole)).await;
        let response = rig.ask(&face.request(false)).await;
        assert_eq!(face.words(&response), "a\u{fffd}b");
        assert!(response.body.text().contains("f\u{fffd}"));
        assert_state(&rig, "completed").await;
    }
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"a\\ud83db\"},\"finish_reason\":\"stop\"}]}\n\n";
    for face in [Messages, Responses] {
        let (rig, _upstream) =
            over("chat", Answer::events(&[event, "data: [DONE]\n\n"]).end()).await;
        let response = rig.ask(&face.request(true)).await;
        assert_eq!(face.words(&response), "a\u{fffd}b");
        assert_state(&rig, "completed").await;
    }
}

#[tokio::test]
async fn what_is_no_event_of_an_answer_is_passed_over() {
    let said = |text: &str| format!("data: {}\n\n", chunk(json!({"content": text}), Value::Null));
    let mut broken = said("X").into_bytes();
    let at = broken.iter().position(|&byte| byte == b'X').unwrap();
    broken[at] = 0xff;
    let answer = Answer::events(&[
        "data: ping\n\n",
        &said("He"),
        "data: null\n\n",
        "data: \"[DONE]\"\n\n",
    ])
    .chunk(bytes::Bytes::from(broken))
    .sse(&[
        "nonsense\n\n",
        &said("llo"),
        &format!("data: {}\n\n", chunk(json!({}), json!("stop"))),
        "data: [DONE]\n\n",
    ])
    .end();
    for face in [Messages, Responses] {
        let (rig, _upstream) = over("chat", answer.clone()).await;
        let response = rig.ask(&face.request(true)).await;
        assert_eq!(face.words(&response), "He\u{fffd}llo");
        assert!(response.body.text().contains(face.last()));
        assert_state(&rig, "completed").await;
    }
}

#[tokio::test]
async fn a_signed_thought_comes_back_whatever_its_id() {
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": "sig"});
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}});
    let message = json!({
        "id": "i", "type": "message", "content": [thought, call], "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    });
    let (rig, upstream) = over("anthropic", Answer::json(200, message.to_string())).await;
    let ask = |input: Value| {
        let body = json!({
            "model": "m", "input": input, "reasoning": {"effort": "low"},
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        });
        Responses.request(false).body(body.to_string())
    };
    let first = rig.ask(&ask(json!("hi"))).await.body.json();
    let mut input = vec![json!({"type": "message", "role": "user", "content": "hi"})];
    input.extend(first["output"].as_array().unwrap().iter().cloned());
    assert!(input[1]["id"].is_string(), "{}", input[1]);
    input.push(json!({"type": "function_call_output", "call_id": "toolu_1", "output": "1"}));
    rig.ask(&ask(json!(input))).await;
    let sent = upstream.request(1).await.json();
    assert_eq!(sent["messages"][1]["content"][0], thought, "{sent}");
    assert_eq!(sent["thinking"]["type"], "enabled", "{sent}");
}

#[tokio::test]
async fn ollama_2068_figures_that_are_not_reported_are_estimated() {
    let lines = "{\"message\":{\"content\":\"Hello there\"}}\n{\"done\":true,\"done_reason\":\"stop\",\"eval_count\":2}\n";
    let whole = "{\"message\":{\"content\":\"Hello there\"},\"done\":true,\"eval_count\":2}";
    for (is_stream, body) in [(true, lines), (false, whole)] {
        for face in FACES {
            let headers = [("content-type", "application/x-ndjson")];
            let (rig, _upstream) = over("ollama", Answer::fixed(200, &headers, body)).await;
            let response = rig.ask(&face.request(is_stream)).await;
            assert_eq!(face.words(&response), "Hello there");
            let row = assert_state(&rig, "completed").await;
            assert_eq!(row["usage_source"], "estimated", "{row}");
            assert!(row["prompt_tokens"].as_u64().unwrap() > 0, "{row}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_behind_its_reason_comes_to_its_end() {
    let events = [
        chunk(json!({"content": "Hello"}), Value::Null),
        chunk(json!({}), json!("stop")),
    ]
    .map(|chunk| format!("data: {chunk}\n\n"));
    for answer in [
        Answer::events(&[&events[0], &events[1]]).cut(),
        Answer::events(&[&events[0], &events[1]]).reset(),
    ] {
        for face in [Messages, Responses] {
            let (rig, _upstream) = over("chat", answer.clone()).await;
            let response = rig.ask(&face.request(true)).await;
            assert_eq!(face.words(&response), "Hello");
            assert!(
                response.body.text().contains(face.last()),
                "{}",
                response.body.text()
            );
            assert_state(&rig, "completed").await;
        }
    }
    for face in [Messages, Responses] {
        let (rig, _upstream) = over("chat", Answer::events(&[&events[0]]).cut()).await;
        let response = rig.ask(&face.request(true)).await;
        assert!(!response.body.text().contains(face.last()));
        // The gateway's own message.
        assert!(
            response.body.text().contains("event: error"),
            "{}",
            response.body.text()
        );
        assert_state(&rig, "failed").await;
    }
}
