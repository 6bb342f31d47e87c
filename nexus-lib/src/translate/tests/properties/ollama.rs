//! Requests to Ollama, and arbitrary answers.

use proptest::prelude::*;
use serde_json::Value;

use super::any_request::any_request;
use super::words::Words;
use super::{check_events, mutated};
use crate::error::ErrorKind;
use crate::translate::tests::clients::{CLIENTS, events, streamed_to};
use crate::translate::{
    Event, Losses, Output, Part, ProviderProtocol, Request, Source, ToolChoice, Turn, ollama,
};
use crate::wire::json::any_json;

const STREAMS: [&str; 4] = [
    include_str!("../../ollama/fixtures/stream_text.ndjson"),
    include_str!("../../ollama/fixtures/stream_tools.ndjson"),
    include_str!("../../ollama/fixtures/stream_reasoning.ndjson"),
    include_str!("../../ollama/fixtures/stream_error.ndjson"),
];

const BODIES: [&str; 4] = [
    include_str!("../../ollama/fixtures/reply_text.json"),
    include_str!("../../ollama/fixtures/reply_tools.json"),
    include_str!("../../ollama/fixtures/reply_reasoning.json"),
    include_str!("../../ollama/fixtures/error.json"),
];

fn any_words() -> impl Strategy<Value = Words> {
    prop_oneof![
        Just(Words::Chat),
        Just(Words::ChatWithThoughts),
        Just(Words::Messages),
        Just(Words::Both)
    ]
}

/// Whether all of `request` can be translated.
fn is_translatable(request: &Request) -> bool {
    let is_forced = matches!(
        request.tool_choice,
        Some(ToolChoice::Required | ToolChoice::Named(_))
    );
    let mut parts = request.turns.iter().flat_map(|turn| match turn {
        Turn::System(parts) | Turn::User(parts) => parts.as_slice(),
        Turn::Tool(result) => &result.parts,
        Turn::Assistant(_) => &[],
    });
    !is_forced
        && parts.all(|part| match part {
            Part::Text(_) => true,
            Part::Image(image) => matches!(image.source, Source::Data { .. }),
            Part::File(_) | Part::Audio { .. } => false,
        })
}

fn content(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn images(parts: &[Part]) -> Vec<&str> {
    let images = parts.iter().filter_map(|part| match part {
        Part::Image(image) => Some(data(&image.source)),
        _ => None,
    });
    images.collect()
}

fn data(source: &Source) -> &str {
    match source {
        Source::Data { data, .. } => data,
        source => panic!("{source:?}"),
    }
}

/// The message for `turn`, without its reasoning and calls.
fn check_message(message: &Value, turn: &Turn) {
    let list = |name: &str| message[name].as_array().cloned().unwrap_or_default();
    let (role, parts) = match turn {
        Turn::System(parts) => ("system", parts),
        Turn::User(parts) => ("user", parts),
        Turn::Tool(result) => {
            assert_eq!(message["tool_call_id"], result.call_id);
            assert_eq!(message["tool_name"], "a_tool");
            ("tool", &result.parts)
        }
        Turn::Assistant(output) => {
            let (mut text, mut calls, mut pictures) = (String::new(), Vec::new(), Vec::new());
            for output in output {
                match output {
                    Output::Text(more) | Output::Refusal(more) => text += more,
                    Output::ToolCall(call) => calls.push(Value::from(call.id.as_str())),
                    Output::Picture(picture) => pictures.push(data(&picture.source)),
                    Output::Reasoning(_) => {}
                }
            }
            assert_eq!(message["role"], "assistant");
            assert_eq!(message["content"], text);
            let ids: Vec<Value> = list("tool_calls")
                .iter()
                .map(|call| call["id"].clone())
                .collect();
            assert_eq!(ids, calls);
            assert_eq!(list("images"), pictures);
            return;
        }
    };
    assert_eq!(message["role"], role);
    assert_eq!(message["content"], content(parts));
    assert_eq!(list("images"), images(parts));
}

fn read(stream: &[u8]) -> Vec<Event> {
    events(ProviderProtocol::Ollama, stream)
}

fn check_stream(stream: &[u8]) {
    let events = read(stream);
    check_events(&events);
    for client in CLIENTS {
        streamed_to(client, events.clone());
    }
}

fn check_body(body: &[u8]) {
    match ollama::reply::read(body) {
        Ok(answered) => CLIENTS
            .iter()
            .for_each(|client| drop(client.write_reply(&answered, "asked-for"))),
        Err(error) => assert_eq!(error.kind(), ErrorKind::UpstreamInvalid),
    }
    ollama::error::read(http::StatusCode::BAD_GATEWAY, body);
}

proptest! {
    #[test]
    fn requests_are_written_or_refused_by_name(
        request in any_words().prop_flat_map(any_request), is_strict: bool,
    ) {
        match ollama::request::write(&request, "qwen3", &mut Losses::new(is_strict)) {
            Ok(body) => drop(serde_json::from_slice::<Value>(&body).unwrap()),
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                prop_assert!(error.param().is_some());
            }
        }
    }

    #[test]
    fn requests_keep_what_is_said(mut request in any_words().prop_flat_map(any_request)) {
        request.extra.clear();
        let written = ollama::request::write(&request, "qwen3", &mut Losses::new(false));
        prop_assert_eq!(written.is_ok(), is_translatable(&request));
        let Ok(body) = written else {
            return Ok(());
        };
        let body: Value = serde_json::from_slice(&body).unwrap();
        let messages = body["messages"].as_array().unwrap();
        prop_assert_eq!(messages.len(), request.turns.len());
        for (message, turn) in messages.iter().zip(&request.turns) {
            check_message(message, turn);
        }
    }

    #[test]
    fn readers_tolerate_any_bytes(stream: Vec<u8>, json in any_json()) {
        check_stream(&stream);
        check_stream(json.to_string().as_bytes());
        check_body(&stream);
        check_body(json.to_string().as_bytes());
    }

    #[test]
    fn readers_tolerate_streams_with_a_value_replaced(
        which in 0..STREAMS.len(), line in 0..4_usize, at in 0..20_usize, with in prop::option::of(any_json()),
    ) {
        let mut stream = String::new();
        for (number, text) in STREAMS[which].lines().enumerate() {
            let mut json: Value = serde_json::from_str(text).unwrap();
            if number == line {
                json = mutated(&json, &mut at.clone(), &with).unwrap_or_default();
            }
            stream += &format!("{json}\n");
        }
        check_stream(stream.as_bytes());
    }

    #[test]
    fn readers_tolerate_streams_in_any_order(
        which in 0..STREAMS.len(), order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let lines: Vec<&str> = STREAMS[which].split_inclusive('\n').collect();
        let stream: String = order.iter().map(|at| lines[at.index(lines.len())]).collect();
        check_stream(stream.as_bytes());
    }

    #[test]
    fn readers_tolerate_bodies_with_a_value_replaced(
        which in 0..BODIES.len(), at in 0..30_usize, with in prop::option::of(any_json()),
    ) {
        let json: Value = serde_json::from_str(BODIES[which]).unwrap();
        let json = mutated(&json, &mut at.clone(), &with).unwrap_or_default();
        check_body(json.to_string().as_bytes());
    }
}
