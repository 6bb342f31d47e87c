//! Requests translated to Ollama, and its answers translated to each client's protocol.

use http::StatusCode;
use serde_json::{Value, json};

use super::clients::{
    self, CLIENTS, check, check_reply, check_requests, check_stream, next_request, protocol,
};
use super::recorded::{fixture, request_to};
use crate::translate::ClientProtocol::{Chat, Messages, Responses};
use crate::translate::{Event, Losses, ProviderProtocol, ollama};

fn events(stream: &[u8]) -> Vec<Event> {
    clients::events(ProviderProtocol::Ollama, stream)
}

#[test]
fn recorded_requests() {
    check_requests(
        "ollama",
        ollama::request::write,
        &[
            (Chat, "chat", "request_text", "llama3.2"),
            (Chat, "ollama", "chat_request_images", "gemma3"),
            (Chat, "ollama", "chat_request_options", "gpt-oss:20b"),
            (Chat, "chat", "request_reasoning", "qwen3"),
            (Messages, "messages", "request_text", "llama3.2"),
            (Messages, "ollama", "messages_request_images", "gemma3"),
            (Messages, "messages", "request_reasoning", "gpt-oss:20b"),
            (Responses, "gemini", "responses_request_text", "llama3.2"),
            (Responses, "gemini", "responses_request_tools", "qwen3"),
            (Responses, "ollama", "responses_request_images", "gemma3"),
        ],
    );
    // Their requirements are rejected; see below.
    for client in [Chat, Messages] {
        let body = fixture(protocol(client), "request_tools.json");
        let mut request = client.read_request(&body).unwrap();
        request.tool_choice = None;
        let text = request_to(ollama::request::write, &request, "qwen3");
        check(
            &format!("{}_to_ollama_request_tools", protocol(client)),
            &text,
        );
    }
}

#[test]
fn recorded_replies() {
    for name in ["reply_text", "reply_tools", "reply_reasoning"] {
        let body = fixture("ollama", &format!("{name}.json"));
        check_reply(
            "ollama",
            name,
            &ProviderProtocol::Ollama.read_reply(&body).unwrap(),
        );
    }
}

#[test]
fn recorded_streams() {
    for name in [
        "stream_text",
        "stream_tools",
        "stream_reasoning",
        "stream_error",
    ] {
        let stream = fixture("ollama", &format!("{name}.ndjson"));
        check_stream("ollama", name, &events(&stream));
    }
}

#[test]
fn what_was_thought_and_called_comes_back_through_every_client() {
    let called = super::properties::gathered(events(&fixture("ollama", "stream_tools.ndjson")));
    for client in CLIENTS {
        let body = next_request(
            client,
            &client.write_reply(&called, "asked-for"),
            &[("call_vq1hn5t2", "18 degrees")],
        );
        let request = client.read_request(&body).unwrap();
        let body = ollama::request::write(&request, "qwen3", &mut Losses::new(true)).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let output = &body["messages"][1];
        assert_eq!(output["content"], "I look.");
        let function = json!({
            "index": 0, "name": "get_weather", "arguments": {"place": "Paris", "days": 1.5},
        });
        assert_eq!(output["tool_calls"][0]["function"], function, "{client:?}");
        assert_eq!(output["tool_calls"][1]["function"]["name"], "screenshot");
        let result = json!({
            "role": "tool", "content": "18 degrees", "tool_name": "get_weather", "tool_call_id": "call_vq1hn5t2",
        });
        assert_eq!(body["messages"][2], result, "{client:?}");
    }
}

#[test]
fn what_cannot_be_said_is_named() {
    let user = |part: &str| {
        format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": [{part}]}}]}}"#)
    };
    let with = |member: &str| {
        format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": "hi"}}], {member}}}"#)
    };
    let tool = r#""tools": [{"type": "function", "function": {"name": "f"}}]"#;
    let table = [
        (with(r#""n": 2"#), "n"),
        (with(r#""num_ctx": 0"#), "num_ctx"),
        (with(r#""num_ctx": "4k""#), "num_ctx"),
        (with(r#""reasoning_effort": "hardly""#), "reasoning_effort"),
        (
            with(&format!(r#"{tool}, "tool_choice": "required""#)),
            "tool_choice",
        ),
        (
            user(r#"{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}"#),
            "messages[0].content[0].image_url",
        ),
        (
            user(
                r#"{"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0="}}"#,
            ),
            "messages[0].content[0].file",
        ),
        (
            user(r#"{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}"#),
            "messages[0].content[0].input_audio",
        ),
    ];
    for (body, param) in table {
        let request = Chat.read_request(body.as_bytes()).unwrap();
        let error = ollama::request::write(&request, "m", &mut Losses::default()).unwrap_err();
        assert_eq!(error.param(), Some(param), "{body}");
    }
    let without = with(&format!(r#"{tool}, "tool_choice": "none""#));
    let request = Chat.read_request(without.as_bytes()).unwrap();
    let body = ollama::request::write(&request, "m", &mut Losses::new(true)).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body.get("tools"), None);
}

#[test]
fn a_cut_stream_is_not_over() {
    let whole = fixture("ollama", "stream_text.ndjson");
    assert_eq!(events(&whole).last(), Some(&Event::Done));
    let first = whole.split(|&byte| byte == b'\n').next().unwrap();
    let actual = events(first);
    assert!(!actual.is_empty() && !actual.contains(&Event::Done));
}

#[test]
fn errors_are_a_text() {
    let body = fixture("ollama", "error.json");
    let actual = ollama::error::read(StatusCode::NOT_FOUND, &body);
    assert_eq!(actual, ("model 'llama9' not found".to_owned(), None, None));
    let (message, ..) = ollama::error::read(StatusCode::BAD_GATEWAY, b"");
    assert_eq!(message, "the provider answered 502 (Bad Gateway)");
}

#[test]
fn no_answer_at_all_is_none() {
    for body in [&b"{}"[..], b"[]", b"", br#"{"error": "no"}"#] {
        assert!(ollama::reply::read(body).is_err());
    }
}
