use std::collections::VecDeque;
use std::sync::Mutex;

use nexus_lib::testing::{Answer, FakeUpstream, Gate, Script, openai};
use serde_json::json;

use super::chat::{Chat, Kind};

/// How many slow answers are held back at a time: far fewer than there are clients.
const HELD: usize = 12;

/// An upstream that answers each chat as its number determines.
pub(super) async fn start() -> FakeUpstream {
    let held = Held::default();
    FakeUpstream::start(Script::by(move |request| {
        let chat = Chat::of_body(&request.json());
        assert_eq!(request.wants_stream(), chat.is_streamed());
        match chat.kind() {
            Kind::Plain => plain(chat, &held),
            Kind::Streamed => streamed(chat, &held),
            Kind::Cancelled => begun(chat).hang(),
            Kind::Cut => begun(chat).cut(),
        }
    }))
    .await
}

fn plain(chat: Chat, held: &Held) -> Answer {
    let answer = Answer::new();
    let answer = match chat.is_slow() {
        true => answer.pause(&held.next()),
        false => answer,
    };
    let body = chat.completion().to_string();
    let length = body.len().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("content-length", length.as_str()),
    ];
    answer.head(200, &headers).bytes(body)
}

fn streamed(chat: Chat, held: &Held) -> Answer {
    let text = chat.answer();
    let usage = (chat.prompt_tokens(), chat.completion_tokens());
    let events = openai::stream_events(&[&text, "and ", "more"], Some(usage));
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let (first, rest) = events.split_at(2);
    let answer = Answer::events(first);
    let answer = match chat.is_slow() {
        true => answer.pause(&held.next()),
        false => answer,
    };
    answer.sse(rest).end()
}

/// The first half of a stream.
fn begun(chat: Chat) -> Answer {
    let event = |text: &str| {
        let mut chunk = json!({"choices": [{"index": 0, "delta": {"content": text}}]});
        if chat.reports_at_once() {
            chunk["usage"] = chat.completion()["usage"].take();
        }
        format!("data: {chunk}\n\n")
    };
    Answer::events(&[&event(&chat.answer()), &event("and ")])
}

/// The slow answers: each continues when enough others have arrived after it.
#[derive(Default)]
struct Held(Mutex<VecDeque<Gate>>);

impl Held {
    fn next(&self) -> Gate {
        let gate = Gate::new();
        let mut held = self.0.lock().unwrap();
        held.push_back(gate.clone());
        if held.len() > HELD
            && let Some(first) = held.pop_front()
        {
            first.open();
        }
        gate
    }
}
