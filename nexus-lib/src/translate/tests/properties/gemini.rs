//! Requests to Gemini, and arbitrary answers.

use proptest::prelude::*;
use serde_json::Value;

use super::any_request::any_request;
use super::words::Words;
use super::{check_events, mutated, mutated_stream};
use crate::error::ErrorKind;
use crate::translate::ClientProtocol::{Chat, Messages, Responses};
use crate::translate::tests::clients::{CLIENTS, events, streamed_to};
use crate::translate::{
    ClientProtocol, Event, Losses, Output, Part, ProviderProtocol, Request, Source, Turn, gemini,
    ollama,
};
use crate::wire::json::any_json;

const MODELS: [&str; 5] = [
    "gemini-2.0-flash",
    "gemini-2.5-pro",
    "gemini-2.5-flash-lite",
    "gemini-3-flash-preview",
    "gemini-3.8-flash",
];

const STREAMS: [&str; 7] = [
    include_str!("../../gemini/fixtures/stream_text.sse"),
    include_str!("../../gemini/fixtures/stream_tools.sse"),
    include_str!("../../gemini/fixtures/stream_reasoning.sse"),
    include_str!("../../gemini/fixtures/stream_error.sse"),
    include_str!("../../gemini/fixtures/stream_blocked.sse"),
    include_str!("../../gemini/fixtures/stream_filtered.sse"),
    include_str!("../../gemini/fixtures/stream_picture.sse"),
];

const BODIES: [&str; 6] = [
    include_str!("../../gemini/fixtures/reply_text.json"),
    include_str!("../../gemini/fixtures/reply_tools.json"),
    include_str!("../../gemini/fixtures/reply_reasoning.json"),
    include_str!("../../gemini/fixtures/reply_blocked.json"),
    include_str!("../../gemini/fixtures/reply_picture.json"),
    include_str!("../../gemini/fixtures/error.json"),
];

/// Clients' requests, by protocol.
const REQUESTS: [(ClientProtocol, &str); 10] = [
    (Chat, include_str!("../../chat/fixtures/request_text.json")),
    (Chat, include_str!("../../chat/fixtures/request_tools.json")),
    (
        Chat,
        include_str!("../../chat/fixtures/request_images.json"),
    ),
    (
        Chat,
        include_str!("../../chat/fixtures/request_reasoning.json"),
    ),
    (
        Chat,
        include_str!("../../chat/fixtures/request_picture.json"),
    ),
    (
        Messages,
        include_str!("../../messages/fixtures/request_tools.json"),
    ),
    (
        Messages,
        include_str!("../../messages/fixtures/request_images.json"),
    ),
    (
        Responses,
        include_str!("../../gemini/fixtures/responses_request_text.json"),
    ),
    (
        Responses,
        include_str!("../../gemini/fixtures/responses_request_tools.json"),
    ),
    (
        Responses,
        include_str!("../../gemini/fixtures/responses_request_images.json"),
    ),
];

fn any_words() -> impl Strategy<Value = Words> {
    prop_oneof![
        Just(Words::Chat),
        Just(Words::ChatWithThoughts),
        Just(Words::Messages),
        Just(Words::Both)
    ]
}

/// The author, the kind, and the content.
type Entry = (String, String, String);

fn one(role: &str, kind: &str, output: &str) -> Entry {
    (role.to_owned(), kind.to_owned(), output.to_owned())
}

/// The content of a request, in order, with tool results other than text after the others.
fn entries(request: &Request) -> Vec<Entry> {
    let (mut entries, mut behind) = (Vec::new(), Vec::new());
    for turn in &request.turns {
        match turn {
            Turn::Tool(result) => {
                entries.push(one("user", "functionResponse", &result.call_id));
                let parts = result.parts.iter();
                behind.extend(
                    parts
                        .filter(|part| !matches!(part, Part::Text(_)))
                        .map(given),
                );
                continue;
            }
            _ => entries.append(&mut behind),
        }
        match turn {
            Turn::User(parts) => entries.extend(parts.iter().map(given)),
            Turn::Assistant(output) => {
                entries.extend(output.iter().filter_map(|output| match output {
                    Output::Text(text) | Output::Refusal(text) => Some(one("model", "text", text)),
                    Output::ToolCall(call) => Some(one("model", "functionCall", &call.id)),
                    Output::Picture(picture) => match &picture.source {
                        Source::Data { data, .. } => Some(one("model", "inlineData", data)),
                        source => panic!("{source:?}"),
                    },
                    Output::Reasoning(_) => None,
                }))
            }
            Turn::System(_) | Turn::Tool(_) => {}
        }
    }
    entries.append(&mut behind);
    entries
}

fn given(part: &Part) -> Entry {
    let source = match part {
        Part::Text(text) => return one("user", "text", &text.text),
        Part::Audio { data, .. } => return one("user", "inlineData", data),
        Part::Image(image) => &image.source,
        Part::File(file) => &file.source,
    };
    match source {
        Source::Data { data, .. } => one("user", "inlineData", data),
        Source::Url(url) | Source::Id(url) => one("user", "fileData", url),
    }
}

fn instructions(request: &Request) -> Vec<&str> {
    let systems = request.turns.iter().filter_map(|turn| match turn {
        Turn::System(parts) => Some(parts),
        _ => None,
    });
    let texts = systems.flatten().map(|part| match part {
        Part::Text(text) => text.text.as_str(),
        part => panic!("{part:?}"),
    });
    texts.collect()
}

/// The same for a body that was written.
fn found(body: &Value) -> Vec<Entry> {
    let mut found = Vec::new();
    for content in body["contents"].as_array().unwrap() {
        let role = content["role"].as_str().unwrap();
        for part in content["parts"].as_array().unwrap() {
            let part = part.as_object().unwrap();
            let (kind, value) = (part.iter())
                .find(|(kind, _)| *kind != "thoughtSignature")
                .unwrap();
            let output = match kind.as_str() {
                "text" => value,
                "inlineData" => &value["data"],
                "fileData" => &value["fileUri"],
                _ => &value["id"],
            };
            found.push(one(role, kind, output.as_str().unwrap()));
        }
    }
    found
}

fn read(stream: &[u8]) -> Vec<Event> {
    events(ProviderProtocol::Gemini, stream)
}

fn check_stream(stream: &[u8]) {
    let events = read(stream);
    check_events(&events);
    for client in CLIENTS {
        streamed_to(client, events.clone());
    }
}

fn check_body(body: &[u8]) {
    match gemini::reply::read(body) {
        Ok(answered) => CLIENTS
            .iter()
            .for_each(|client| drop(client.write_reply(&answered, "asked-for"))),
        Err(error) => assert_eq!(error.kind(), ErrorKind::UpstreamInvalid),
    }
    gemini::error::read(http::StatusCode::BAD_GATEWAY, body);
}

proptest! {
    #[test]
    fn requests_are_written_or_refused_by_name(
        request in any_words().prop_flat_map(any_request), which in 0..MODELS.len(), is_strict: bool,
    ) {
        match gemini::request::write(&request, MODELS[which], &mut Losses::new(is_strict)) {
            Ok(body) => drop(serde_json::from_slice::<Value>(&body).unwrap()),
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                prop_assert!(error.param().is_some());
            }
        }
    }

    #[test]
    fn requests_keep_what_is_said(
        mut request in any_words().prop_flat_map(any_request), which in 0..MODELS.len(),
    ) {
        request.extra.clear();
        let body = gemini::request::write(&request, MODELS[which], &mut Losses::new(false)).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(found(&body), entries(&request));
        let parts = body["systemInstruction"]["parts"].as_array().cloned().unwrap_or_default();
        let texts: Vec<&str> = parts.iter().map(|part| part["text"].as_str().unwrap()).collect();
        prop_assert_eq!(texts, instructions(&request));
        let tools = body["tools"][0]["functionDeclarations"].as_array().cloned().unwrap_or_default();
        prop_assert_eq!(tools.len(), request.tools.len());
        for (tool, given) in tools.iter().zip(&request.tools) {
            let schema: Value = serde_json::from_str(given.parameters.as_ref().unwrap().get()).unwrap();
            prop_assert_eq!(&tool["name"], &given.name);
            prop_assert_eq!(&tool["parametersJsonSchema"], &schema);
        }
    }

    #[test]
    fn writers_tolerate_requests_with_a_value_replaced(
        which in 0..REQUESTS.len(), at in 0..60_usize, with in prop::option::of(any_json()),
    ) {
        let (client, text) = REQUESTS[which];
        let json: Value = serde_json::from_str(text).unwrap();
        let json = mutated(&json, &mut at.clone(), &with).unwrap_or_default();
        let Ok(request) = client.read_request(json.to_string().as_bytes()) else {
            return Ok(());
        };
        for model in MODELS {
            let mut losses = Losses::new(false);
            let to_gemini = gemini::request::write(&request, model, &mut losses);
            let to_ollama = ollama::request::write(&request, model, &mut losses);
            for error in [to_gemini, to_ollama].into_iter().filter_map(Result::err) {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                prop_assert!(error.param().is_some(), "{}", error);
            }
        }
    }

    #[test]
    fn readers_tolerate_any_bytes(stream: Vec<u8>, json in any_json()) {
        check_stream(&stream);
        check_stream(&[b"data: ", &*stream, b"\n\n"].concat());
        check_stream(format!("data: {json}\n\n").as_bytes());
        check_body(&stream);
        check_body(json.to_string().as_bytes());
    }

    #[test]
    fn readers_tolerate_streams_with_a_value_replaced(
        which in 0..STREAMS.len(), event in 0..8_usize, at in 0..40_usize, with in prop::option::of(any_json()),
    ) {
        check_stream(&mutated_stream(STREAMS[which], event, at, &with));
    }

    #[test]
    fn readers_tolerate_streams_in_any_order(
        which in 0..STREAMS.len(), order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let events: Vec<&str> = STREAMS[which].split_inclusive("\n\n").collect();
        let stream: String = order.iter().map(|at| events[at.index(events.len())]).collect();
        check_stream(stream.as_bytes());
    }

    #[test]
    fn readers_tolerate_bodies_with_a_value_replaced(
        which in 0..BODIES.len(), at in 0..60_usize, with in prop::option::of(any_json()),
    ) {
        let json: Value = serde_json::from_str(BODIES[which]).unwrap();
        let json = mutated(&json, &mut at.clone(), &with).unwrap_or_default();
        check_body(json.to_string().as_bytes());
    }
}
