//! Responses streams of compatible servers, and how much of an interrupted answer is kept.

use serde_json::Value;

use super::clients;
use crate::translate::{
    Answered, BlockKind, ClientProtocol, Delta, Event, Finish, Output, ProviderProtocol,
};

/// The text of a stream with `events` in the middle.
fn words(events: &str) -> String {
    let stream = [
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\"}}\n\n",
        events,
        "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n",
    ];
    let actual = clients::events(ProviderProtocol::Responses, stream.concat().as_bytes());
    assert_eq!(actual.last(), Some(&Event::Done));
    let words = actual.into_iter().filter_map(|event| match event {
        Event::Delta {
            delta: Delta::Text(text),
            ..
        } => Some(text),
        _ => None,
    });
    words.collect()
}

#[test]
fn words_that_nobody_announced_are_heard() {
    let deltas = concat!(
        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hel\"}\n\n",
        "data: {\"type\":\"response.new_thing\",\"delta\":3}\n\n",
        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"lo\"}\n\n",
    );
    let done = "data: {\"type\":\"response.output_text.done\",\"text\":\"Hello\"}\n\n";
    let part_done = "data: {\"type\":\"response.content_part.done\",\"output_index\":0,\"content_index\":0,\"part\":{}}\n\n";
    let refused =
        "data: {\"type\":\"response.refusal.done\",\"output_index\":1,\"refusal\":\"No.\"}\n\n";
    for (events, expected) in [
        (deltas.to_owned(), "Hello"),
        ([deltas, done].concat(), "Hello"),
        ([deltas, part_done, done].concat(), "Hello"),
        // All at once.
        (done.to_owned(), "Hello"),
        ([done, part_done, done, refused].concat(), "HelloNo."),
    ] {
        assert_eq!(words(&events), expected, "{events}");
    }
}

#[test]
fn what_was_cut_for_its_length_is_not_whole() {
    let output = vec![Output::Text("a".to_owned()), Output::Text("b".to_owned())];
    for (finish, last) in [(Finish::Length, "incomplete"), (Finish::Stop, "completed")] {
        let answered = Answered {
            output: output.clone(),
            finish: finish.clone(),
            ..Answered::default()
        };
        let whole = ClientProtocol::Responses.write_reply(&answered, "m");
        let whole: Value = serde_json::from_slice(&whole).unwrap();
        let mut events = Vec::new();
        for (block, text) in ["a", "b"].into_iter().enumerate() {
            let kind = BlockKind::Text;
            let delta = Delta::Text(text.to_owned());
            events.push(Event::Begin { block, kind });
            events.push(Event::Delta { block, delta });
            events.push(Event::End { block });
        }
        events.extend([Event::Finish(finish), Event::Done]);
        let stream = clients::streamed_to(ClientProtocol::Responses, events);
        let end = crate::sse::events(&stream).last().unwrap();
        let end: Value = serde_json::from_slice(&end.data()).unwrap();
        for response in [&whole, &end["response"]] {
            assert_eq!(response["status"], last);
            assert_eq!(response["output"][0]["status"], "completed");
            assert_eq!(response["output"][1]["status"], last);
        }
    }
}

#[test]
fn what_comes_behind_the_last_index_there_is_has_that_index_too() {
    let last = u64::MAX;
    let item = r#""item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#;
    let responses = format!(
        "data: {{\"type\":\"response.output_text.delta\",\"output_index\":{last},\"delta\":\"a\"}}\n\n\
         data: {{\"type\":\"response.output_item.added\",{item}}}\n\n"
    );
    let block = r#""content_block":{"type":"text","text":"a"}"#;
    let messages = format!(
        "data: {{\"type\":\"content_block_start\",\"index\":{last},{block}}}\n\n\
         data: {{\"type\":\"content_block_start\",{block}}}\n\n"
    );
    for (protocol, stream) in [
        (ProviderProtocol::Responses, responses),
        (ProviderProtocol::Messages, messages),
    ] {
        let events = clients::events(protocol, stream.as_bytes());
        let begun = events.iter();
        let begun = begun.filter(|event| matches!(event, Event::Begin { .. }));
        assert_eq!(begun.count(), 2, "{protocol:?}: {events:?}");
    }
}
