//! Properties of every request, every stream and all malformed input.

mod any_answer;
mod any_event;
mod any_part;
mod any_request;
mod gemini;
mod ollama;
mod responses;
mod words;

use proptest::prelude::*;
use serde_json::Value;

use super::clients::events;
use super::{as_chat, as_messages};
use crate::error::ErrorKind;
use crate::sse;
use crate::translate::{Answered, Event, Losses, ProviderProtocol, Request, chat, messages};
use crate::wire::json::any_json;
pub(super) use any_answer::gathered;
use any_answer::{any_answer, streamed};
use any_event::any_events;
use any_request::any_request;
use words::Words;

fn through_chat(request: &Request, model: &str) -> Request {
    let mut losses = Losses::new(true);
    let body = chat::request::write(request, model, &mut losses).unwrap();
    chat::request::read(&body).unwrap()
}

fn through_messages(request: &Request, model: &str) -> Request {
    let mut losses = Losses::new(true);
    let body = messages::request::write(request, model, &mut losses).unwrap();
    messages::request::read(&body).unwrap()
}

/// The data of each event of a stream, and its name.
fn frames(stream: &[u8]) -> Vec<(Option<String>, Vec<u8>)> {
    let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    sse::events(stream)
        .map(|event| (event.name().map(text), event.data().into_owned()))
        .collect()
}

/// Checks that OpenAI could have written a stream.
fn check_chat(stream: &[u8]) {
    assert!(stream.is_empty() || stream.ends_with(b"\n\n"));
    let frames = frames(stream);
    let (mut id, mut is_over) = (None, false);
    for (name, data) in &frames {
        assert_eq!(*name, None);
        assert!(!is_over, "nothing comes behind the end");
        if data == b"[DONE]" {
            is_over = true;
            continue;
        }
        let chunk: Value = serde_json::from_slice(data).unwrap();
        if chunk.get("error").is_some() {
            is_over = true;
            continue;
        }
        assert_eq!(chunk["object"], "chat.completion.chunk");
        let id = id.get_or_insert_with(|| chunk["id"].clone());
        assert_eq!(chunk["id"], *id, "all chunks have one id");
        let is_first = chunk["choices"][0]["delta"]["role"] == "assistant";
        assert_eq!(is_first, std::ptr::eq(data, &raw const frames[0].1));
    }
}

/// Checks that Anthropic could have written a stream.
fn check_messages(stream: &[u8]) {
    assert!(stream.is_empty() || stream.ends_with(b"\n\n"));
    let (mut begun, mut open, mut is_over) = (0, Vec::new(), false);
    for (at, (name, data)) in frames(stream).iter().enumerate() {
        let event: Value = serde_json::from_slice(data).unwrap();
        assert_eq!(event["type"], name.as_deref().unwrap());
        assert!(!is_over, "nothing comes behind the end");
        assert!(
            name.as_deref() == Some("error") || (at == 0) == (event["type"] == "message_start")
        );
        let index = event["index"].as_u64();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!(index, Some(begun), "blocks are counted");
                open.push(begun);
                begun += 1;
            }
            "content_block_delta" => assert!(open.contains(&index.unwrap())),
            "content_block_stop" => {
                let at = open.iter().position(|open| Some(*open) == index);
                open.remove(at.expect("only what is open ends"));
            }
            "message_delta" => assert!(open.is_empty(), "all blocks have ended"),
            "message_stop" | "error" => is_over = true,
            _ => {}
        }
    }
}

fn read_chat(stream: &[u8]) -> Vec<Event> {
    events(ProviderProtocol::Chat, stream)
}

fn read_messages(stream: &[u8]) -> Vec<Event> {
    events(ProviderProtocol::Messages, stream)
}

/// Checks that events are in the order that [`Event`] guarantees.
fn check_events(events: &[Event]) {
    let (mut begun, mut open) = (0, Vec::new());
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Begin { block, .. } => {
                assert_eq!(*block, begun);
                open.push(begun);
                begun += 1;
            }
            Event::Delta { block, .. } => assert!(open.contains(block)),
            Event::End { block } => {
                let at = open.iter().position(|open| open == block);
                open.remove(at.expect("only what is open ends"));
            }
            Event::Done | Event::Error { .. } => assert_eq!(at + 1, events.len()),
            Event::Start { .. }
            | Event::Picture(_)
            | Event::Finish(_)
            | Event::Usage(_)
            | Event::Ping => {}
        }
    }
    if events.last() == Some(&Event::Done) {
        assert!(open.is_empty(), "all blocks have ended");
    }
}

const CHAT_STREAMS: [&str; 5] = [
    include_str!("../../chat/fixtures/stream_text.sse"),
    include_str!("../../chat/fixtures/stream_tools.sse"),
    include_str!("../../chat/fixtures/stream_gemini.sse"),
    include_str!("../../chat/fixtures/stream_openrouter.sse"),
    include_str!("../../chat/fixtures/stream_error.sse"),
];

const MESSAGES_STREAMS: [&str; 4] = [
    include_str!("../../messages/fixtures/stream_text.sse"),
    include_str!("../../messages/fixtures/stream_tools.sse"),
    include_str!("../../messages/fixtures/stream_reasoning.sse"),
    include_str!("../../messages/fixtures/stream_error.sse"),
];

const BODIES: [&str; 16] = [
    include_str!("../../chat/fixtures/request_text.json"),
    include_str!("../../chat/fixtures/request_tools.json"),
    include_str!("../../chat/fixtures/request_images.json"),
    include_str!("../../chat/fixtures/request_reasoning.json"),
    include_str!("../../chat/fixtures/reply_text.json"),
    include_str!("../../chat/fixtures/reply_tools.json"),
    include_str!("../../chat/fixtures/reply_reasoning.json"),
    include_str!("../../chat/fixtures/reply_refusal.json"),
    include_str!("../../messages/fixtures/request_text.json"),
    include_str!("../../messages/fixtures/request_tools.json"),
    include_str!("../../messages/fixtures/request_images.json"),
    include_str!("../../messages/fixtures/request_reasoning.json"),
    include_str!("../../messages/fixtures/reply_text.json"),
    include_str!("../../messages/fixtures/reply_tools.json"),
    include_str!("../../messages/fixtures/reply_reasoning.json"),
    include_str!("../../messages/fixtures/reply_refusal.json"),
];

/// A document with one of its values replaced or removed.
fn mutated(json: &Value, at: &mut usize, with: &Option<Value>) -> Option<Value> {
    if *at == 0 {
        *at = usize::MAX;
        return with.clone();
    }
    *at = at.saturating_sub(usize::from(*at != usize::MAX));
    Some(match json {
        Value::Array(list) => list
            .iter()
            .filter_map(|json| mutated(json, at, with))
            .collect(),
        Value::Object(map) => map
            .iter()
            .filter_map(|(name, json)| Some((name.clone(), mutated(json, at, with)?)))
            .collect(),
        leaf => leaf.clone(),
    })
}

fn mutated_stream(stream: &str, event: usize, at: usize, with: &Option<Value>) -> Vec<u8> {
    let mut out = String::new();
    for (number, line) in stream.lines().enumerate() {
        let json = line
            .strip_prefix("data: ")
            .and_then(|data| serde_json::from_str(data).ok());
        match json.filter(|_| number == event) {
            Some(json) => {
                let json = mutated(&json, &mut at.clone(), with);
                out += &format!("data: {}\n", json.unwrap_or_default());
            }
            None => out += &format!("{line}\n"),
        }
    }
    out.into_bytes()
}

fn check_readers(stream: &[u8]) {
    for events in [read_chat(stream), read_messages(stream)] {
        check_events(&events);
        check_chat(&as_chat(events.clone(), true));
        check_messages(&as_messages(events));
    }
}

/// Reads `body` in every protocol, and writes the result in every protocol.
fn check_body(body: &[u8]) {
    for answered in [chat::reply::read(body), messages::reply::read(body)] {
        match answered {
            Ok(answered) => {
                let chat = chat::reply::write(&answered, "m");
                assert!(chat::reply::read(&chat).is_ok());
                let messages = messages::reply::write(&answered, "m");
                assert!(messages::reply::read(&messages).is_ok());
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::UpstreamInvalid),
        }
    }
    for request in [chat::request::read(body), messages::request::read(body)] {
        let written = request.and_then(|request| {
            let mut losses = Losses::default();
            let chat = chat::request::write(&request, "m", &mut losses)?;
            chat::request::read(&chat)?;
            let body = messages::request::write(&request, "claude-sonnet-4-6", &mut losses)?;
            messages::request::read(&body)
        });
        if let Err(error) = written {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        }
    }
}

proptest! {
    #[test]
    fn a_request_comes_back_from_chat_as_it_was(request in any_request(Words::Chat)) {
        prop_assert_eq!(&through_chat(&request, &request.model), &request);
    }

    #[test]
    fn thoughts_come_back_from_chat_as_they_were(request in any_request(Words::ChatWithThoughts)) {
        prop_assert_eq!(&through_chat(&request, &request.model), &request);
    }

    #[test]
    fn a_request_comes_back_from_messages_as_it_was(request in any_request(Words::Messages)) {
        prop_assert_eq!(&through_messages(&request, &request.model), &request);
    }

    #[test]
    fn what_both_can_express_survives_both(request in any_request(Words::Both)) {
        let model = &request.model;
        prop_assert_eq!(&through_messages(&through_chat(&request, model), model), &request);
        prop_assert_eq!(&through_chat(&through_messages(&request, model), model), &request);
    }

    #[test]
    fn an_answer_comes_back_from_chat_as_it_was(answered in any_answer(true), size in 1..9_usize) {
        let whole = chat::reply::write(&answered, "m");
        prop_assert_eq!(&chat::reply::read(&whole).unwrap(), &answered);
        let stream = as_chat(streamed(&answered, size), true);
        prop_assert_eq!(gathered(read_chat(&stream)), Answered { model: "asked-for".to_owned(), ..answered });
    }

    #[test]
    fn an_answer_comes_back_from_messages_as_it_was(mut answered in any_answer(false), size in 1..9_usize) {
        // Anthropic always reports usage.
        answered.usage.get_or_insert_default();
        let whole = messages::reply::write(&answered, "m");
        prop_assert_eq!(&messages::reply::read(&whole).unwrap(), &answered);
        let stream = as_messages(streamed(&answered, size));
        prop_assert_eq!(gathered(read_messages(&stream)), Answered { model: "asked-for".to_owned(), ..answered });
    }

    #[test]
    fn writers_write_well_whatever_comes(events in any_events(), include_usage: bool) {
        check_chat(&as_chat(events.clone(), include_usage));
        check_messages(&as_messages(events));
    }

    #[test]
    fn readers_tolerate_any_bytes(stream: Vec<u8>, json in any_json()) {
        check_readers(&stream);
        check_readers(&[b"data: ", &*stream, b"\n\n"].concat());
        check_readers(format!("data: {json}\n\n").as_bytes());
        check_body(&stream);
        check_body(json.to_string().as_bytes());
    }

    #[test]
    fn readers_tolerate_streams_with_a_value_replaced(
        which in 0..9_usize, event in 0..48_usize, at in 0..40_usize, with in prop::option::of(any_json()),
    ) {
        let streams = CHAT_STREAMS.iter().chain(&MESSAGES_STREAMS);
        let stream = streams.clone().nth(which).unwrap();
        check_readers(&mutated_stream(stream, event, at, &with));
    }

    #[test]
    fn readers_tolerate_streams_in_any_order(
        which in 0..9_usize, order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let streams = CHAT_STREAMS.iter().chain(&MESSAGES_STREAMS);
        let events: Vec<&str> = streams.clone().nth(which).unwrap().split_inclusive("\n\n").collect();
        let stream: String = order.iter().map(|at| events[at.index(events.len())]).collect();
        check_readers(stream.as_bytes());
    }

    #[test]
    fn readers_tolerate_bodies_with_a_value_replaced(
        which in 0..16_usize, at in 0..80_usize, with in prop::option::of(any_json()),
    ) {
        let json: Value = serde_json::from_str(BODIES[which]).unwrap();
        let json = mutated(&json, &mut at.clone(), &with).unwrap_or_default();
        check_body(json.to_string().as_bytes());
    }
}
