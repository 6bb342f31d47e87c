//! Everything that Responses can express survives a round trip, and its readers and writers
//! tolerate any input.

use proptest::prelude::*;
use serde_json::Value;

use super::any_answer::{any_answer, gathered, streamed};
use super::any_event::any_events;
use super::any_request::any_request;
use super::words::Words;
use super::{check_events, frames, mutated, mutated_stream, through_chat, through_messages};
use crate::error::ErrorKind;
use crate::translate::tests::clients::{CLIENTS, events, streamed_to};
use crate::translate::{
    Answered, ClientProtocol, Finish, Format, Json, Losses, Output, Part, ProviderProtocol,
    Request, Sampling, ToolResult, Turn, responses,
};
use crate::wire::json::any_json;

fn through_responses(request: &Request) -> Request {
    let mut losses = Losses::new(true);
    let body = responses::request::write(request, &request.model, &mut losses).unwrap();
    responses::request::read(&body).unwrap()
}

/// The part of `request` that Responses can express.
fn expressible(mut request: Request) -> Request {
    request.stop.clear();
    request.sampling = Sampling {
        temperature: request.sampling.temperature,
        top_p: request.sampling.top_p,
        ..Sampling::default()
    };
    for tool in &mut request.tools {
        tool.strict.get_or_insert(false);
        tool.parameters = tool.parameters.as_ref().map(rewritten);
    }
    if let Some(Format::Schema { schema, .. }) = &mut request.format {
        *schema = rewritten(schema);
    }
    for turn in &mut request.turns {
        if let Turn::Assistant(output) = turn {
            // OpenAI only accepts its own reasoning.
            output.retain(|output| !matches!(output, Output::Reasoning(_)));
            for output in output {
                if let Output::ToolCall(call) = output {
                    call.signature = None;
                }
            }
        }
    }
    // Defaults, written explicitly.
    for turn in &mut request.turns {
        let (Turn::User(parts) | Turn::Tool(ToolResult { parts, .. })) = turn else {
            continue;
        };
        for part in parts {
            if let Part::Image(image) = part {
                image.detail.get_or_insert_with(|| "auto".to_owned());
            }
        }
    }
    let says = |turn: &Turn| !matches!(turn, Turn::Assistant(output) if output.is_empty());
    request.turns.retain(says);
    request.extra.clear();
    request
}

/// The same value in canonical form.
fn rewritten(json: &Json) -> Json {
    let value: Value = serde_json::from_str(json.get()).unwrap();
    Json::parse(value.to_string()).unwrap()
}

/// Checks that OpenAI could have written a stream: numbered, and each item complete before it ends.
fn check_stream(stream: &[u8]) {
    let mut open: Vec<u64> = Vec::new();
    let mut is_over = false;
    for (number, (name, data)) in frames(stream).iter().enumerate() {
        let event: Value = serde_json::from_slice(data).unwrap();
        assert!(!is_over, "nothing comes behind the end");
        assert_eq!(event["type"], name.as_deref().unwrap());
        assert_eq!(event["sequence_number"], number);
        let index = event["output_index"].as_u64();
        match event["type"].as_str().unwrap() {
            "response.output_item.added" => open.push(index.unwrap()),
            "response.output_item.done" => {
                let at = open.iter().position(|open| Some(*open) == index);
                open.remove(at.expect("only what is open ends"));
            }
            "response.completed" | "response.incomplete" => {
                assert!(open.is_empty(), "all items have ended");
                is_over = true;
            }
            "response.failed" | "error" => is_over = true,
            _ if index.is_some() => assert!(open.contains(&index.unwrap())),
            _ => {}
        }
    }
}

/// Reads `stream` as Responses, and writes it for every client.
fn check_reader(stream: &[u8]) {
    let mut reader = ProviderProtocol::Responses.reader();
    let mut actual = reader.push(stream);
    actual.extend(reader.end(b""));
    check_events(&actual);
    for client in CLIENTS {
        streamed_to(client, actual.clone());
    }
}

fn check_body(body: &[u8]) {
    match responses::reply::read(body) {
        Ok(answered) => {
            for client in CLIENTS {
                let actual = client.write_reply(&answered, "m");
                assert!(ProviderProtocol::from(client).read_reply(&actual).is_ok());
            }
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::UpstreamInvalid),
    }
    let mut losses = Losses::default();
    let all = [
        ProviderProtocol::Chat,
        ProviderProtocol::Messages,
        ProviderProtocol::Responses,
        ProviderProtocol::Gemini,
        ProviderProtocol::Ollama,
    ];
    match responses::request::read(body) {
        Ok(request) => {
            for provider in all {
                if let Err(error) = provider.write_request(&request, "m", &mut losses) {
                    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
                }
            }
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}"),
    }
}

const STREAMS: [&str; 7] = [
    include_str!("../../responses/fixtures/stream_text.sse"),
    include_str!("../../responses/fixtures/stream_tools.sse"),
    include_str!("../../responses/fixtures/stream_reasoning.sse"),
    include_str!("../../responses/fixtures/stream_refusal.sse"),
    include_str!("../../responses/fixtures/stream_error.sse"),
    include_str!("../../responses/fixtures/stream_failed.sse"),
    include_str!("../../responses/fixtures/stream_picture.sse"),
];

const BODIES: [&str; 8] = [
    include_str!("../../responses/fixtures/request_text.json"),
    include_str!("../../responses/fixtures/request_tools.json"),
    include_str!("../../responses/fixtures/request_images.json"),
    include_str!("../../responses/fixtures/request_reasoning.json"),
    include_str!("../../responses/fixtures/reply_text.json"),
    include_str!("../../responses/fixtures/reply_tools.json"),
    include_str!("../../responses/fixtures/reply_reasoning.json"),
    include_str!("../../responses/fixtures/reply_refusal.json"),
];

proptest! {
    #[test]
    fn what_all_three_can_express_survives_all_three(request in any_request(Words::Both)) {
        let request = expressible(request);
        let model = &request.model;
        let actual = through_responses(&request);
        prop_assert_eq!(&actual, &request);
        for back in [
            through_responses(&through_chat(&request, model)),
            through_chat(&actual, model),
            through_messages(&actual, model),
        ] {
            prop_assert_eq!(&expressible(back), &request);
        }
    }

    #[test]
    fn an_answer_comes_back_as_it_was(mut answered in any_answer(true), size in 1..9_usize) {
        // There is no value for other reasons.
        if !matches!(answered.finish, Finish::Length | Finish::ToolCalls) {
            answered.finish = Finish::Length;
        }
        let has_called = answered.output.iter().any(|output| matches!(output, Output::ToolCall(_)));
        if answered.finish == Finish::ToolCalls && !has_called {
            answered.finish = Finish::Stop;
        }
        if let Some(counts) = &mut answered.usage {
            counts.cache_write_tokens = 0;
        }
        let whole = ClientProtocol::Responses.write_reply(&answered, "m");
        let back = ProviderProtocol::Responses.read_reply(&whole).unwrap();
        prop_assert_eq!(&plain(back), &plain(Answered { model: "m".to_owned(), ..answered.clone() }));
        let stream = streamed_to(ClientProtocol::Responses, streamed(&answered, size));
        check_stream(&stream);
        let back = gathered(events(ProviderProtocol::Responses, &stream));
        prop_assert_eq!(plain(back), plain(Answered { model: "asked-for".to_owned(), ..answered }));
    }

    #[test]
    fn the_writer_writes_well_whatever_comes(events in any_events()) {
        check_stream(&streamed_to(ClientProtocol::Responses, events));
    }

    #[test]
    fn the_reader_tolerates_any_bytes(stream: Vec<u8>, json in any_json()) {
        check_reader(&stream);
        check_reader(format!("data: {json}\n\n").as_bytes());
        check_body(&stream);
        check_body(json.to_string().as_bytes());
    }

    #[test]
    fn the_reader_tolerates_streams_with_a_value_replaced(
        which in 0..STREAMS.len(), event in 0..48_usize, at in 0..40_usize, with in prop::option::of(any_json()),
    ) {
        check_reader(&mutated_stream(STREAMS[which], event, at, &with));
    }

    #[test]
    fn the_reader_tolerates_streams_in_any_order(
        which in 0..STREAMS.len(), order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let events: Vec<&str> = STREAMS[which].split_inclusive("\n\n").collect();
        let stream: String = order.iter().map(|at| events[at.index(events.len())]).collect();
        check_reader(stream.as_bytes());
    }

    #[test]
    fn the_reader_tolerates_bodies_with_a_value_replaced(
        which in 0..BODIES.len(), at in 0..80_usize, with in prop::option::of(any_json()),
    ) {
        let json: Value = serde_json::from_str(BODIES[which]).unwrap();
        let json = mutated(&json, &mut at.clone(), &with).unwrap_or_default();
        check_body(json.to_string().as_bytes());
    }
}

/// Without generated ids, and with the signature or encrypted form of reasoning in its one place.
fn plain(mut answered: Answered) -> Answered {
    answered.id.clear();
    for output in &mut answered.output {
        if let Output::Reasoning(thought) = output {
            thought.id = None;
            // A stream has one place for both.
            let seal = thought.sealed.take().or(thought.signature.take());
            thought.signature = seal;
        }
    }
    answered
}
