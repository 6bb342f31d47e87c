//! Requests translated to Gemini, and its answers translated to each client's protocol.

use http::StatusCode;
use serde_json::{Value, json};

use super::clients::{self, CLIENTS, check_reply, check_requests, check_stream, next_request};
use super::recorded::fixture;
use crate::translate::ClientProtocol::{Chat, Messages, Responses};
use crate::translate::{
    ClientProtocol, Event, Finish, Losses, Output, Part, ProviderProtocol, Request, Text, Thought,
    ToolCall, ToolResult, Turn, gemini,
};

fn events(stream: &[u8]) -> Vec<Event> {
    clients::events(ProviderProtocol::Gemini, stream)
}

fn written(request: &Request, model: &str) -> Value {
    let body = gemini::request::write(request, model, &mut Losses::default()).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn user(text: &str) -> Turn {
    Turn::User(vec![Part::Text(Text {
        text: text.to_owned(),
        cache: None,
    })])
}

#[test]
fn recorded_requests() {
    let (flash, newest) = ("gemini-2.5-flash", "gemini-3.8-flash");
    check_requests(
        "gemini",
        gemini::request::write,
        &[
            (Chat, "chat", "request_text", flash),
            (Chat, "chat", "request_tools", newest),
            (Chat, "chat", "request_images", flash),
            (Chat, "chat", "request_reasoning", newest),
            (Messages, "messages", "request_text", newest),
            (Messages, "messages", "request_tools", flash),
            (Messages, "messages", "request_images", newest),
            (Messages, "messages", "request_reasoning", flash),
            (Responses, "gemini", "responses_request_text", flash),
            (Responses, "gemini", "responses_request_tools", newest),
            (Responses, "gemini", "responses_request_images", flash),
        ],
    );
}

#[test]
fn recorded_replies() {
    for name in [
        "reply_text",
        "reply_tools",
        "reply_reasoning",
        "reply_blocked",
    ] {
        let body = fixture("gemini", &format!("{name}.json"));
        check_reply(
            "gemini",
            name,
            &ProviderProtocol::Gemini.read_reply(&body).unwrap(),
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
        "stream_blocked",
        "stream_filtered",
    ] {
        let stream = fixture("gemini", &format!("{name}.sse"));
        check_stream("gemini", name, &events(&stream));
    }
}

/// The parts of the model's turn in the request that follows `reply`.
fn parts_sent_back(client: ClientProtocol, reply: &[u8], results: &[(&str, &str)]) -> Vec<Value> {
    let request = client
        .read_request(&next_request(client, reply, results))
        .unwrap();
    let body = written(&request, "gemini-3-flash-preview");
    let model = &body["contents"][1];
    assert_eq!(model["role"], "model", "{body}");
    model["parts"].as_array().unwrap().clone()
}

#[test]
fn signatures_come_back_through_every_client() {
    let thought = fixture("gemini", "reply_reasoning.json");
    let thought = gemini::reply::read(&thought).unwrap();
    let called = fixture("gemini", "stream_tools.sse");
    let called = super::properties::gathered(events(&called));
    for client in CLIENTS {
        let parts = parts_sent_back(client, &client.write_reply(&thought, "asked-for"), &[]);
        let signature = json!({"text": "", "thoughtSignature": "EtwFCtkFAb4+9vsCnRDH"});
        assert_eq!(parts, [json!({"text": "2"}), signature], "{client:?}");

        let results = [("r58xkb2m", "18 degrees"), ("0qv7dh3a", "black")];
        let parts = parts_sent_back(client, &client.write_reply(&called, "asked-for"), &results);
        let args = json!({"place": "Paris", "days": 1.5});
        let expected = [
            json!({"text": "I look."}),
            json!({
                "functionCall": {"id": "r58xkb2m", "name": "get_weather", "args": args},
                "thoughtSignature": "CiQBVKhc7vB+vaaq6rA/",
            }),
            json!({"functionCall": {"id": "0qv7dh3a", "name": "screenshot", "args": {}}}),
        ];
        assert_eq!(parts, expected, "{client:?}");
    }
}

#[test]
fn calls_of_another_provider_are_signed_as_such_where_it_is_wanted() {
    let call = |id: &str| {
        Output::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            ..ToolCall::default()
        })
    };
    let foreign = Output::Reasoning(Thought {
        text: "a thought".to_owned(),
        signature: Some("EqQBCg==".to_owned()),
        ..Thought::default()
    });
    let request = Request {
        turns: vec![
            user("ask"),
            Turn::Assistant(vec![foreign, call("a"), call("b")]),
        ],
        ..Request::default()
    };
    let signatures = |model| -> Vec<Value> {
        let body = written(&request, model);
        let parts = body["contents"][1]["parts"].as_array().unwrap();
        parts
            .iter()
            .map(|part| part["thoughtSignature"].clone())
            .collect()
    };
    let word = json!("skip_thought_signature_validator");
    assert_eq!(signatures("gemini-3.1-pro-preview"), [word, Value::Null]);
    assert_eq!(signatures("gemini-2.5-pro"), [Value::Null, Value::Null]);
}

#[test]
fn what_tools_return_besides_text_comes_behind_all_results() {
    let body = fixture("messages", "request_tools.json");
    let request = Messages.read_request(&body).unwrap();
    let body = written(&request, "gemini-2.5-flash");
    let kinds: Vec<String> = body["contents"][2]["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part.as_object().unwrap().keys().next().unwrap().clone())
        .collect();
    let result = "functionResponse";
    assert_eq!(kinds, [result, result, result, "inlineData", "text"]);
}

#[test]
fn what_cannot_be_said_is_named() {
    let chat = |member: &str| format!(r#"{{"model": "m", {member}}}"#);
    let turns = |turns: &str| chat(&format!(r#""messages": [{turns}]"#));
    let user = |part: &str| turns(&format!(r#"{{"role": "user", "content": [{part}]}}"#));
    let hi = r#""messages": [{"role": "user", "content": "hi"}]"#;
    let with = |member: &str| chat(&format!("{hi}, {member}"));
    let image = |url: &str| format!(r#"{{"type": "image_url", "image_url": {{"url": "{url}"}}}}"#);
    let call = r#"{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "no"}}]}"#;
    let table = [
        (with(r#""n": 2"#), "n"),
        (with(r#""logprobs": true"#), "logprobs"),
        (with(r#""reasoning_effort": "hardly""#), "reasoning_effort"),
        (
            user(&image("data:image/gif;base64,R0lG")),
            "messages[0].content[0].image_url",
        ),
        (
            user(r#"{"type": "file", "file": {"file_id": "file-1"}}"#),
            "messages[0].content[0].file",
        ),
        (
            turns(&format!(
                r#"{{"role": "system", "content": [{}]}}"#,
                image("https://a/b.png")
            )),
            "messages[0].content[0]",
        ),
        (
            turns(r#"{"role": "tool", "tool_call_id": "a", "content": "x"}"#),
            "messages[0].tool_call_id",
        ),
        (turns(call), "messages[0].tool_calls[0].function.arguments"),
    ];
    for (body, param) in table {
        let request = Chat.read_request(body.as_bytes()).unwrap();
        let model = "gemini-3.8-flash";
        let error = gemini::request::write(&request, model, &mut Losses::default()).unwrap_err();
        assert_eq!(error.param(), Some(param), "{body}");
    }
}

#[test]
fn optional_parameters_are_dropped_by_name() {
    let body =
        br#"{"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.2,
        "top_p": 0.9, "presence_penalty": 1, "seed": 4294967296, "verbosity": "low", "user": "u"}"#;
    let request = Chat.read_request(body).unwrap();
    let left_out = |model: &str| {
        let mut losses = Losses::default();
        gemini::request::write(&request, model, &mut losses).unwrap();
        losses.dropped().join(" ")
    };
    assert_eq!(left_out("gemini-2.5-pro"), "verbosity user seed");
    let newest = "verbosity user temperature top_p presence_penalty seed";
    assert_eq!(left_out("gemini-3.8-flash"), newest);
    let strict = gemini::request::write(&request, "gemini-2.5-pro", &mut Losses::new(true));
    assert_eq!(strict.unwrap_err().param(), Some("verbosity"));
}

#[test]
fn an_answer_is_over_when_it_said_why() {
    let part = |text: &str, reason: &str| {
        format!(
            "data: {{\"candidates\": [{{\"content\": {{\"parts\": [{{\"text\": \"{text}\"}}]}}{reason}}}]}}\r\n\r\n"
        )
    };
    let stop = ", \"finishReason\": \"STOP\"";
    // Older models send the reason with every event.
    let older = part("a", stop) + &part("b", stop);
    let actual = events(older.as_bytes());
    let deltas = actual
        .iter()
        .filter(|event| matches!(event, Event::Delta { .. }));
    assert_eq!(deltas.count(), 2);
    assert_eq!(
        actual[actual.len() - 2..],
        [Event::Finish(Finish::Stop), Event::Done]
    );

    // A proxy's final event, and an error in the format of Google's other endpoint.
    let proxied = part("a", stop) + "data: [DONE]\n\n";
    assert_eq!(events(proxied.as_bytes()).last(), Some(&Event::Done));
    let failed =
        part("a", "") + "data: [{\"error\": {\"message\": \"no\"}}]\n\n" + &part("b", stop);
    let Some(Event::Error { message, .. }) = events(failed.as_bytes()).pop() else {
        panic!("an error comes last")
    };
    assert_eq!(message, "no");

    let cut = part("a", "") + &part("b", "");
    assert!(!events(cut.as_bytes()).contains(&Event::Done));
    let empty = events(b"");
    assert_eq!(empty, []);
}

#[test]
fn an_answer_has_its_finish_reason() {
    let text = r#"{"text": "hi"}"#;
    let call = r#"{"functionCall": {"name": "f"}}"#;
    let other = |reason: &str| Finish::Other(reason.to_owned());
    let table = [
        (text, "STOP", Finish::Stop),
        (call, "STOP", Finish::ToolCalls),
        (text, "MAX_TOKENS", Finish::Length),
        (call, "MAX_TOKENS", Finish::Length),
        (text, "SAFETY", Finish::ContentFilter),
        (text, "PROHIBITED_CONTENT", Finish::ContentFilter),
        (
            text,
            "MALFORMED_FUNCTION_CALL",
            other("MALFORMED_FUNCTION_CALL"),
        ),
        (text, "OF_YESTERDAY", other("OF_YESTERDAY")),
    ];
    for (part, reason, expected) in table {
        let body = format!(
            r#"{{"candidates": [{{"content": {{"parts": [{part}]}}, "finishReason": "{reason}"}}]}}"#
        );
        let answered = ProviderProtocol::Gemini
            .read_reply(body.as_bytes())
            .unwrap();
        assert_eq!(answered.finish, expected, "{part} {reason}");
        let actual = events(format!("data: {body}\n\n").as_bytes());
        assert!(actual.contains(&Event::Finish(expected)), "{part} {reason}");
    }
}

#[test]
fn errors_keep_message_kind_and_code() {
    let body = fixture("gemini", "error.json");
    let (message, kind, code) = gemini::error::read(StatusCode::BAD_REQUEST, &body);
    assert_eq!(message, "API key not valid. Please pass a valid API key.");
    assert_eq!(kind.as_deref(), Some("INVALID_ARGUMENT"));
    assert_eq!(code.as_deref(), Some("400"));
    assert!(gemini::error::is_of_key(StatusCode::BAD_REQUEST, &body));
    assert!(!gemini::error::is_of_key(StatusCode::FORBIDDEN, &body));

    let listed = [b"[", &*body, b"]"].concat();
    let (_, kind, _) = gemini::error::read(StatusCode::BAD_REQUEST, &listed);
    assert_eq!(kind.as_deref(), Some("INVALID_ARGUMENT"));
    let (message, kind, code) = gemini::error::read(StatusCode::BAD_GATEWAY, b"<html>");
    assert_eq!(message, "the provider answered 502 (Bad Gateway)");
    assert_eq!((kind, code), (None, None));
}

#[test]
fn no_answer_at_all_is_none() {
    for body in [&b"{}"[..], b"[]", b"", br#"{"candidates": []}"#] {
        assert!(gemini::reply::read(body).is_err());
    }
}

#[test]
fn results_are_objects() {
    let result = |text: &str, is_error| {
        let call = ToolCall {
            id: "a".to_owned(),
            name: "f".to_owned(),
            ..ToolCall::default()
        };
        let Turn::User(parts) = user(text) else {
            unreachable!()
        };
        let request = Request {
            turns: vec![
                Turn::Assistant(vec![Output::ToolCall(call)]),
                Turn::Tool(ToolResult {
                    call_id: "a".to_owned(),
                    parts,
                    is_error,
                    cache: None,
                }),
            ],
            ..Request::default()
        };
        let body = gemini::request::write(&request, "gemini-2.5-pro", &mut Losses::default());
        String::from_utf8(body.unwrap()).unwrap()
    };
    let table = [
        (r#"{"a": 1.50}"#, false, r#""response":{"a": 1.50}"#),
        ("[1]", false, r#""response":{"output":"[1]"}"#),
        ("{no", false, r#""response":{"output":"{no"}"#),
        (r#"{"a": 1}"#, true, r#""response":{"error":"{\"a\": 1}"}"#),
    ];
    for (text, is_error, expected) in table {
        let body = result(text, is_error);
        assert!(body.contains(expected), "{body}");
    }
}
