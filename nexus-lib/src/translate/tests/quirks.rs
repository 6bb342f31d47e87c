//! Quirks of servers that are almost compatible with OpenAI.

use serde_json::{Value, json};

use super::{as_chat, as_messages, chat_events, messages_events};
use crate::translate::{Event, ProviderProtocol, messages};

/// A stream of one choice's deltas, with its end.
fn stream(deltas: &[Value], finish_reason: &str) -> Vec<u8> {
    let mut stream = String::new();
    for delta in deltas {
        let choice = json!({"index": 0, "delta": delta});
        stream += &format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}));
    }
    let last = json!({"index": 0, "delta": {}, "finish_reason": finish_reason});
    stream += &format!("data: {}\n\n", json!({"id": "c", "choices": [last]}));
    stream.into_bytes()
}

fn call(index: Option<u64>, id: Option<&str>, name: Option<&str>, arguments: &str) -> Value {
    let mut call = json!({"function": {"arguments": arguments}});
    if let Some(index) = index {
        call["index"] = index.into();
    }
    if let Some(id) = id {
        call["id"] = id.into();
    }
    if let Some(name) = name {
        call["function"]["name"] = name.into();
    }
    json!({"tool_calls": [call]})
}

/// The calls that an Anthropic client assembles, by index: id, name and arguments.
fn calls(stream: &[u8]) -> Vec<(String, String, String)> {
    let mut blocks: Vec<(String, String, String)> = Vec::new();
    for event in crate::sse::events(stream) {
        let event: Value = serde_json::from_slice(&event.data()).unwrap();
        let text = |json: &Value| json.as_str().unwrap_or_default().to_owned();
        let block = &event["content_block"];
        if !block.is_null() {
            blocks.push((text(&block["id"]), text(&block["name"]), String::new()));
        }
        if let Some(piece) = event["delta"]["partial_json"].as_str() {
            let index = usize::try_from(event["index"].as_u64().unwrap()).unwrap();
            blocks[index].2 += piece;
        }
    }
    blocks
}

fn expected(calls: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let calls = calls.iter();
    calls
        .map(|(id, name, arguments)| ((*id).into(), (*name).into(), (*arguments).into()))
        .collect()
}

#[test]
fn calls_are_kept_apart_however_they_are_numbered() {
    let side_by_side = [
        call(Some(0), Some("a"), Some("f"), "{\"x\""),
        call(Some(1), Some("b"), Some("g"), "{\"y\""),
        call(Some(0), None, None, ":1}"),
        call(Some(1), None, None, ":2}"),
    ];
    let all_the_first = [
        call(Some(0), Some("a"), Some("f"), "{\"x\":1}"),
        call(Some(0), Some("b"), Some("g"), "{\"y\":2}"),
    ];
    let uncounted = [
        call(None, Some("a"), Some("f"), "{\"x\""),
        call(None, None, None, ":1}"),
        call(None, Some("b"), Some("g"), "{\"y\":2}"),
    ];
    let id_again = [
        call(Some(0), Some("a"), Some("f"), "{\"x\""),
        call(Some(0), Some("a"), None, ":1}"),
        call(Some(1), Some("b"), Some("g"), "{\"y\":2}"),
        call(Some(0), None, None, ""),
        call(Some(0), None, None, " "),
    ];
    for deltas in [&side_by_side[..], &all_the_first, &uncounted, &id_again] {
        let events = chat_events(&stream(deltas, "tool_calls"));
        let expected = expected(&[("a", "f", "{\"x\":1}"), ("b", "g", "{\"y\":2}")]);
        assert_eq!(calls(&as_messages(events)), expected, "{deltas:?}");
    }
}

#[test]
fn a_stream_that_lacks_only_its_last_word_is_over() {
    let stream = stream(&[json!({"content": "hi"})], "stop");
    let mut reader = ProviderProtocol::Chat.reader();
    assert!(!reader.push(&stream).contains(&Event::Done));
    assert!(reader.end(b"").contains(&Event::Done));
    assert_eq!(reader.end(b""), []);
}

#[test]
fn a_cut_stream_is_not_over() {
    let whole = stream(
        &[json!({"content": "hi"}), json!({"content": "ho"})],
        "stop",
    );
    let cut = &whole[..whole.len() / 2];
    let cut = &cut[..=cut.iter().rposition(|&byte| byte == b'\n').unwrap()];
    let events = chat_events(cut);
    assert!(!events.is_empty() && !events.contains(&Event::Done));
    let written = as_chat(events, true);
    assert!(!String::from_utf8(written).unwrap().contains("[DONE]"));

    let whole = include_bytes!("../messages/fixtures/stream_text.sse");
    let before_its_reason = memchr::memmem::find(whole, b"event: message_delta").unwrap();
    let events = messages_events(&whole[..before_its_reason]);
    assert!(!events.is_empty() && !events.contains(&Event::Done));
}

#[test]
fn usage_counts_wherever_it_comes() {
    let groq = br#"data: {"id": "c", "choices": [], "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}}

"#;
    let [Event::Usage(counts)] = &chat_events(groq)[..] else {
        panic!("its figures");
    };
    assert_eq!(
        (counts.usage.prompt_tokens, counts.usage.total_tokens),
        (3, 7)
    );
}

#[test]
fn thoughts_go_to_a_client_and_come_back() {
    let stream = include_bytes!("../messages/fixtures/stream_reasoning.sse");
    let events = messages_events(stream);
    let again = chat_events(&as_chat(events, false));
    let again = messages_events(&as_messages(again));
    let first = messages_events(stream);
    let without_usage = |events: Vec<Event>| -> Vec<Event> {
        let events = events.into_iter();
        events
            .filter(|event| !matches!(event, Event::Usage(_) | Event::Start { .. }))
            .collect()
    };
    assert_eq!(without_usage(again), without_usage(first));
}

#[test]
fn tokens_are_counted_without_a_limit() {
    let body = br#"{"model": "m", "messages": [{"role": "user", "content": "hi"}]}"#;
    let request = messages::request::read_to_count(body).unwrap();
    assert_eq!((request.turns.len(), request.max_tokens), (1, None));
}
