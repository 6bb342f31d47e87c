//! Requests that were rejected in production, or that the provider would have rejected, over
//! sockets.

use nexus_lib::testing::{Answer, FakeProxy, FakeUpstream, openai};
use serde_json::{Value, json};

use super::{MESSAGE, datas, over, post};
use crate::support::Rig;

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

/// A provider at `url`, which is a fake behind a proxy.
async fn named(url: &str, kind: &str, answer: Answer) -> (Rig, FakeUpstream, FakeProxy) {
    let upstream = FakeUpstream::start(answer).await;
    let proxy = FakeProxy::start().await.leading_to(upstream.addr());
    let rig = Rig::start().await;
    let fields = json!({"kind": kind, "proxy_url": proxy.url("http")});
    rig.add_provider_with("Named", url, fields).await;
    (rig, upstream, proxy)
}

fn completion() -> Answer {
    Answer::json(200, openai::completion("hi", 1, 1).to_string())
}

#[tokio::test]
async fn freellmapi_1070_no_thoughts_are_sent_to_groq_and_cerebras() {
    let thinking = json!({"type": "thinking", "thinking": "hmm", "signature": "EqQB"});
    let messages = json!({"model": "m", "max_tokens": 9, "messages": [
        user("go"), {"role": "assistant", "content": [thinking, {"type": "text", "text": "yes"}]}, user("on"),
    ]});
    let said = json!({"role": "assistant", "reasoning_content": "hmm", "content": "yes",
        "reasoning_details": [{"type": "reasoning", "text": "hmm"}]});
    let chat = json!({"model": "m", "messages": [user("go"), said, user("on")], "seed": 1});
    for (url, is_sent) in [
        ("http://api.groq.com/openai/v1", false),
        ("http://api.cerebras.ai/v1", false),
        ("http://api.deepseek.com/v1", true),
    ] {
        let (rig, upstream, _proxy) = named(url, "openai", completion()).await;
        let response = rig.ask(&post("/v1/messages", messages.to_string())).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        let response = rig
            .ask(&post("/v1/chat/completions", chat.to_string()))
            .await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        for at in [0, 1] {
            let sent = upstream.request(at).await.json();
            let said = &sent["messages"][1];
            assert_eq!(said["content"], "yes");
            assert_eq!(
                said["reasoning_content"].is_string(),
                is_sent,
                "{url}: {sent}"
            );
            assert_eq!(
                said["reasoning_details"].is_array(),
                is_sent,
                "{url}: {sent}"
            );
        }
        if is_sent {
            assert_eq!(upstream.request(1).await.body, chat.to_string());
        }
    }
}

#[tokio::test]
async fn codex2api_613_a_session_goes_on_at_anthropic_without_the_gateways_own_thoughts() {
    let (rig, upstream) = over("anthropic", json!({}), Answer::json(200, MESSAGE)).await;
    let body = |content: &str| {
        format!(
            r#"{{"model":"m","max_tokens" : 9,"messages":[{{"role":"user","content":"go"}},{{"role":"assistant","content":[{content}]}},{{"role":"user","content":"on"}}]}}"#
        )
    };
    let made = r#"{"type":"thinking","thinking":"hm","signature":""}"#;
    let own = r#"{"type":"thinking","thinking":"hm","signature":"EqQB"}"#;
    let text = r#"{"type":"text", "text":"yes"}"#;
    for (sent, expected) in [
        (format!("{made},{text}"), text.to_owned()),
        (format!("{own},{text}"), format!("{own},{text}")),
    ] {
        let response = rig.ask(&post("/v1/messages", body(&sent))).await;
        assert_eq!(response.status, 200);
        let last = upstream.requests().pop().unwrap();
        assert_eq!(last.body, body(&expected));
    }
}

#[tokio::test]
async fn pydantic_ai_a_forced_call_comes_from_ollama_whole_and_streamed() {
    let text = r#"{"place":"Paris"}"#;
    let line = json!({"model": "q", "message": {"role": "assistant", "content": text}, "done": true,
        "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 2});
    let schema = json!({"type": "object", "properties": {"place": {"type": "string"}}});
    for stream in [false, true] {
        let answer = Answer::fixed(
            200,
            &[("content-type", "application/x-ndjson")],
            format!("{line}\n"),
        );
        let (rig, upstream) = over("ollama", json!({}), answer).await;
        let body = json!({"model": "m", "stream": stream, "messages": [user("Paris?")], "tool_choice": "required",
            "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}]});
        let response = rig
            .ask(&post("/v1/chat/completions", body.to_string()))
            .await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        assert_eq!(response.header("x-nexus-dropped"), None);
        assert_eq!(upstream.request(0).await.json()["format"], schema);
        let told = match stream {
            false => response.body.json()["choices"][0].clone(),
            true => {
                let chunks = datas(response.body.text());
                let pieces = chunks.iter().filter_map(|chunk| {
                    let call = &chunk["choices"][0]["delta"]["tool_calls"][0]["function"];
                    call["arguments"].as_str()
                });
                let arguments: String = pieces.collect();
                let finish = chunks
                    .iter()
                    .find_map(|chunk| chunk["choices"][0]["finish_reason"].as_str());
                json!({"message": {"tool_calls": [{"function": {"name": "get_weather", "arguments": arguments}}]},
                    "finish_reason": finish})
            }
        };
        let function = &told["message"]["tool_calls"][0]["function"];
        assert_eq!(
            (&function["name"], &function["arguments"]),
            (&json!("get_weather"), &json!(text))
        );
        assert_eq!(told["finish_reason"], "tool_calls");
        assert_eq!(rig.settled().await["total_tokens"], 9);
    }
}

#[tokio::test]
async fn what_was_left_out_is_named_and_refused_where_nothing_may_be() {
    let (rig, upstream) = over("anthropic", json!({}), Answer::json(200, MESSAGE)).await;
    let body = json!({"model": "m", "messages": [user("hi")], "stop": ["\n", "END"], "seed": 1});
    let response = rig
        .ask(&post("/v1/chat/completions", body.to_string()))
        .await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("x-nexus-dropped"), Some("stop,seed"));
    assert_eq!(
        upstream.request(0).await.json()["stop_sequences"],
        json!(["END"])
    );
}

#[tokio::test]
async fn names_of_tools_come_back_whole_and_streamed() {
    let name = "mcp.files/read";
    let tool =
        json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}});
    // The first request shows what the provider gets.
    let (rig, upstream) = over("anthropic", json!({}), Answer::json(200, MESSAGE)).await;
    let body = json!({"model": "m", "messages": [user("hi")], "tools": [tool]});
    rig.ask(&post("/v1/chat/completions", body.to_string()))
        .await;
    let told = upstream.request(0).await.json()["tools"][0]["name"].clone();
    let told = told.as_str().unwrap();
    let used = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "stop_reason": "tool_use",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": told, "input": {}}],
        "usage": {"input_tokens": 1, "output_tokens": 1}});
    let (rig, _upstream) = over("anthropic", json!({}), Answer::json(200, used.to_string())).await;
    let response = rig
        .ask(&post("/v1/chat/completions", body.to_string()))
        .await;
    let answer = response.body.json();
    assert_eq!(
        answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"],
        name
    );
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "content": [], "usage": {"input_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "toolu_1", "name": told, "input": {}}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ];
    let events = events.map(|event| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    });
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let (rig, _upstream) = over("anthropic", json!({}), Answer::events(&events).end()).await;
    let mut body = body;
    body["stream"] = json!(true);
    let response = rig
        .ask(&post("/v1/chat/completions", body.to_string()))
        .await;
    let chunks = datas(response.body.text());
    let call = chunks
        .iter()
        .find(|chunk| chunk["choices"][0]["delta"]["tool_calls"].is_array());
    assert_eq!(
        call.unwrap()["choices"][0]["delta"]["tool_calls"][0]["function"]["name"],
        name
    );
}

#[tokio::test]
async fn tokens_are_counted_whatever_tools_there_are() {
    let (rig, _upstream) = over("openai", json!({}), completion()).await;
    let tools = json!([{"type": "web_search_20250305", "name": "web_search"},
        {"type": "bash_20250124", "name": "bash"}]);
    let body = json!({"model": "m", "messages": [user("hi")], "tools": tools});
    let request = post("/v1/messages/count_tokens", body.to_string());
    let response = rig.ask(&request).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    assert!(response.body.json()["input_tokens"].as_u64().unwrap() > 5);
}
