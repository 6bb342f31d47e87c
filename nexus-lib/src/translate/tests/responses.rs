//! Responses requests translated to the other protocols, and answers in both directions.

use http::StatusCode;

use super::clients::{
    self, check, check_reply, check_requests, check_stream, next_request, streamed_to,
};
use super::recorded::{fixture, pretty, readable};
use crate::translate::ClientProtocol::{Chat, Messages, Responses};
use crate::translate::{
    ClientProtocol, Event, Losses, Output, ProviderProtocol, Turn, chat, messages, responses,
};

fn events(provider: ProviderProtocol, folder: &str, name: &str) -> Vec<Event> {
    clients::events(provider, &fixture(folder, &format!("{name}.sse")))
}

#[test]
fn recorded_requests() {
    let own = "responses";
    check_requests(
        "chat",
        chat::request::write,
        &[
            (Responses, own, "request_text", "gpt-5"),
            (Responses, own, "request_tools", "llama-3"),
            (Responses, own, "request_images", "gpt-4.1"),
            (Responses, own, "request_reasoning", "deepseek-reasoner"),
        ],
    );
    check_requests(
        "messages",
        messages::request::write,
        &[
            (Responses, own, "request_text", "claude-sonnet-4-5"),
            (Responses, own, "request_tools", "claude-opus-4-8"),
            (Responses, own, "request_images", "claude-sonnet-4-5"),
            (Responses, own, "request_reasoning", "claude-opus-4-8"),
        ],
    );
    check_requests(
        "responses",
        responses::request::write,
        &[
            (Chat, "chat", "request_tools", "gpt-5"),
            (Chat, "chat", "request_images", "gpt-4.1"),
            (Chat, "chat", "request_reasoning", "o4-mini"),
            (Messages, "messages", "request_tools", "gpt-5"),
            (Messages, "messages", "request_images", "gpt-4.1"),
            (Messages, "messages", "request_reasoning", "o4-mini"),
        ],
    );
}

#[test]
fn stop_sequences_cannot_be_translated() {
    for (client, folder) in [(Chat, "chat"), (Messages, "messages")] {
        let mut request = client
            .read_request(&fixture(folder, "request_text.json"))
            .unwrap();
        let mut losses = Losses::new(false);
        let error = responses::request::write(&request, "gpt-5", &mut losses).unwrap_err();
        assert_eq!(error.param(), Some("stop"));
        request.stop.clear();
        let actual = responses::request::write(&request, "gpt-5", &mut losses).unwrap();
        let text = format!("left out: {:?}\n{}", losses.dropped(), pretty(&actual));
        check(&format!("{folder}_to_responses_request_text"), &text);
    }
}

#[test]
fn recorded_replies() {
    for name in [
        "reply_text",
        "reply_tools",
        "reply_reasoning",
        "reply_refusal",
        "reply_incomplete",
    ] {
        let body = fixture("responses", &format!("{name}.json"));
        check_reply(
            "responses",
            name,
            &ProviderProtocol::Responses.read_reply(&body).unwrap(),
        );
    }
    for (provider, folder) in [
        (ProviderProtocol::Chat, "chat"),
        (ProviderProtocol::Messages, "messages"),
    ] {
        for name in [
            "reply_text",
            "reply_tools",
            "reply_reasoning",
            "reply_refusal",
        ] {
            let body = fixture(folder, &format!("{name}.json"));
            let answered = provider.read_reply(&body).unwrap();
            let actual = Responses.write_reply(&answered, "asked-for");
            check(&format!("{folder}_to_responses_{name}"), &pretty(&actual));
        }
    }
}

#[test]
fn recorded_streams() {
    for name in [
        "stream_text",
        "stream_tools",
        "stream_reasoning",
        "stream_refusal",
        "stream_error",
        "stream_failed",
    ] {
        let actual = events(ProviderProtocol::Responses, "responses", name);
        check_stream("responses", name, &actual);
    }
    for (provider, folder) in [
        (ProviderProtocol::Chat, "chat"),
        (ProviderProtocol::Messages, "messages"),
    ] {
        for name in [
            "stream_text",
            "stream_tools",
            "stream_reasoning",
            "stream_error",
        ] {
            let actual = streamed_to(Responses, events(provider, folder, name));
            let name = format!("{folder}_to_responses_{name}");
            check(&name, &readable(&actual));
        }
    }
}

#[test]
fn errors_keep_message_kind_and_code() {
    let body = fixture("responses", "error.json");
    let (message, kind, code) = responses::error::read(StatusCode::BAD_REQUEST, &body);
    assert!(message.starts_with("Invalid value: 'blob'."));
    let actual = Messages.write_error(
        StatusCode::BAD_REQUEST,
        &message,
        kind.as_deref(),
        code.as_deref(),
    );
    let actual = String::from_utf8(actual).unwrap();
    assert!(
        actual.contains(r#""type":"invalid_request_error""#),
        "{actual}"
    );
    assert!(actual.contains(r#""code":"invalid_value""#), "{actual}");
}

#[test]
fn what_was_sealed_comes_back_as_it_was() {
    let sealed = responses::reply::read(&fixture("responses", "reply_reasoning.json")).unwrap();
    let thought = sealed.output[0].clone();
    for client in clients::CLIENTS {
        let actual = client.write_reply(&sealed, "asked-for");
        let next = client
            .read_request(&next_request(client, &actual, &[]))
            .unwrap();
        let output = next.turns.iter().find_map(|turn| match turn {
            Turn::Assistant(output) => output.first(),
            _ => None,
        });
        let (Some(Output::Reasoning(back)), Output::Reasoning(thought)) = (output, &thought) else {
            panic!("{client:?}: {output:?}");
        };
        assert_eq!(back.sealed, thought.sealed, "{client:?}");
    }
}

#[test]
fn whatever_is_kept_at_the_provider_is_refused_by_name() {
    for (field, value) in [
        ("previous_response_id", r#""resp_1""#),
        ("conversation", r#""conv_1""#),
        ("background", "true"),
        ("prompt", r#"{"id":"pmpt_1"}"#),
    ] {
        let body = format!(r#"{{"model":"m","input":"hi","{field}":{value}}}"#);
        for provider in [ProviderProtocol::Chat, ProviderProtocol::Messages] {
            let actual = Responses
                .read_request(body.as_bytes())
                .and_then(|request| provider.write_request(&request, "m", &mut Losses::new(false)));
            let error = actual.unwrap_err();
            assert_eq!(error.param(), Some(field), "{error}");
            assert_eq!(error.status(), 400);
        }
    }
}

#[test]
fn what_is_wrong_is_named_in_every_protocol() {
    let table: [(ClientProtocol, &str, &str); 12] = [
        (
            Chat,
            r#"{"model":"m","messages":[{"role":"judge","content":"x"}]}"#,
            "messages[0].role",
        ),
        (
            Chat,
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"video"}]}]}"#,
            "messages[0].content[0]",
        ),
        (
            Chat,
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":3}]}]}"#,
            "messages[0].content[0].image_url",
        ),
        (Chat, r#"{"model":"m","messages":7}"#, "messages"),
        (
            Messages,
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"judge","content":"x"}]}"#,
            "messages[0].role",
        ),
        (
            Messages,
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"video"}]}]}"#,
            "messages[0].content[0]",
        ),
        (
            Messages,
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"ftp"}}]}]}"#,
            "messages[0].content[0].source",
        ),
        (Messages, r#"{"model":"m","messages":[]}"#, "max_tokens"),
        (
            Responses,
            r#"{"model":"m","input":[{"role":"judge","content":"x"}]}"#,
            "input[0].role",
        ),
        (
            Responses,
            r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_video"}]}]}"#,
            "input[0].content[0]",
        ),
        (
            Responses,
            r#"{"model":"m","input":[{"type":"shell_call"}]}"#,
            "input[0]",
        ),
        (Responses, r#"{"model":"m","input":7}"#, "input"),
    ];
    for (client, body, place) in table {
        let actual = client.read_request(body.as_bytes());
        let error = actual.expect_err(body);
        assert_eq!(error.status(), 400, "{body}");
        let param = error.param().unwrap_or_default();
        assert!(param.starts_with(place), "{body}: `{param}`: {error}");
    }
}

#[test]
fn arguments_that_are_no_json_and_depths_without_end_harm_nobody() {
    let cases = [
        (
            Chat,
            r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{oops"}}]},{"role":"tool","tool_call_id":"c","content":"x"}]}"#,
        ),
        (
            Responses,
            r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{oops"},{"type":"function_call_output","call_id":"c","output":"x"}]}"#,
        ),
    ];
    let all = [
        ProviderProtocol::Chat,
        ProviderProtocol::Messages,
        ProviderProtocol::Responses,
        ProviderProtocol::Gemini,
        ProviderProtocol::Ollama,
    ];
    for (client, body) in cases {
        let request = client.read_request(body.as_bytes()).unwrap();
        for provider in all {
            match provider.write_request(&request, "m", &mut Losses::new(false)) {
                // Unchanged where arguments are a string.
                Ok(actual) => assert!(String::from_utf8(actual).unwrap().contains("oops")),
                Err(error) => assert_eq!(error.status(), 400, "{provider:?}: {error}"),
            }
        }
    }
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [100, 127, 128, 100_000] {
        let tool = format!(
            r#"{{"type":"function","name":"f","parameters":{}}}"#,
            nested(depth)
        );
        let body = format!(r#"{{"model":"m","input":"hi","tools":[{tool}]}}"#);
        if let Ok(request) = Responses.read_request(body.as_bytes()) {
            for provider in all {
                let actual = provider.write_request(&request, "m", &mut Losses::new(false));
                let actual = actual.map(|actual| String::from_utf8(actual).unwrap());
                assert!(actual.is_err() || actual.unwrap().contains(&nested(depth.min(20))));
            }
        }
    }
    let deep = "[".repeat(100_000);
    for (client, field) in [
        (Chat, "messages"),
        (Messages, "messages"),
        (Responses, "input"),
    ] {
        let body = format!(r#"{{"model":"m","max_tokens":1,"{field}":{deep}"#);
        assert_eq!(
            client.read_request(body.as_bytes()).unwrap_err().status(),
            400
        );
    }
}

#[test]
fn readers_outlive_every_cut_and_every_lost_byte() {
    for name in [
        "stream_text",
        "stream_tools",
        "stream_reasoning",
        "stream_error",
    ] {
        let stream = fixture("responses", &format!("{name}.sse"));
        for at in 0..stream.len() {
            for broken in [
                stream[..at].to_vec(),
                [&stream[..at], &stream[at + 1..]].concat(),
                [&stream[..at], b"\"", &stream[at..]].concat(),
            ] {
                let mut reader = ProviderProtocol::Responses.reader();
                let mut actual = reader.push(&broken);
                actual.extend(reader.end(b""));
                // Each of them in turn.
                streamed_to(clients::CLIENTS[at % clients::CLIENTS.len()], actual);
            }
        }
    }
    for name in ["reply_text", "reply_tools", "reply_reasoning"] {
        let body = fixture("responses", &format!("{name}.json"));
        for at in 0..body.len() {
            let broken = [&body[..at], &body[at + 1..]].concat();
            if let Ok(answered) = responses::reply::read(&broken) {
                for client in clients::CLIENTS {
                    client.write_reply(&answered, "m");
                }
            }
        }
    }
}
