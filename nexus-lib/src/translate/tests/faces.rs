//! The protocols that clients speak, behind which any provider may stand.

use serde_json::{Value, json};

use super::recorded::{fixture, pretty, readable, request_to};
use super::{as_chat, as_messages};
use crate::error::Result;
use crate::translate::{Answered, Event, Losses, Request, chat, messages, responses};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Chat,
    Messages,
    Responses,
}

pub(super) const FACES: [Face; 3] = [Face::Chat, Face::Messages, Face::Responses];

impl Face {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Messages => "messages",
            Self::Responses => "responses",
        }
    }

    pub(super) fn request(self, body: &[u8]) -> Result<Request> {
        match self {
            Self::Chat => chat::request::read(body),
            Self::Messages => messages::request::read(body),
            Self::Responses => responses::request::read(body),
        }
    }

    pub(super) fn reply(self, answered: &Answered) -> Vec<u8> {
        match self {
            Self::Chat => chat::reply::write(answered, "asked-for"),
            Self::Messages => messages::reply::write(answered, "asked-for"),
            Self::Responses => responses::reply::write(answered, "asked-for"),
        }
    }

    pub(super) fn stream(self, events: Vec<Event>) -> Vec<u8> {
        match self {
            Self::Chat => as_chat(events, true),
            Self::Messages => as_messages(events),
            Self::Responses => {
                let options = responses::stream::Options::default();
                let mut writer = responses::stream::Writer::new("asked-for", options);
                let pieces = events.into_iter().map(|event| writer.push(event));
                pieces.flat_map(|piece| piece.to_vec()).collect()
            }
        }
    }

    /// What a client asks next that was answered with `reply`: with `results`, by the ids of its calls.
    pub(super) fn next_request(self, reply: &[u8], results: &[(&str, &str)]) -> Vec<u8> {
        let reply: Value = serde_json::from_slice(reply).unwrap();
        let body = match self {
            Self::Chat => {
                let mut turns = vec![json!({"role": "user", "content": "ask"})];
                turns.push(reply["choices"][0]["message"].clone());
                turns.extend(results.iter().map(
                    |(id, text)| json!({"role": "tool", "tool_call_id": id, "content": text}),
                ));
                turns.push(json!({"role": "user", "content": "go on"}));
                json!({"model": "m", "messages": turns})
            }
            Self::Messages => {
                let mut next: Vec<Value> = (results.iter())
                    .map(|(id, text)| json!({"type": "tool_result", "tool_use_id": id, "content": text}))
                    .collect();
                next.push(json!({"type": "text", "text": "go on"}));
                let turns = [
                    json!({"role": "user", "content": "ask"}),
                    json!({"role": "assistant", "content": reply["content"]}),
                    json!({"role": "user", "content": next}),
                ];
                json!({"model": "m", "max_tokens": 9, "messages": turns})
            }
            Self::Responses => {
                let mut items = vec![json!({"role": "user", "content": "ask"})];
                items.extend(reply["output"].as_array().unwrap().iter().cloned());
                items.extend(results.iter().map(|(id, text)| {
                    json!({"type": "function_call_output", "call_id": id, "output": text})
                }));
                items.push(json!({"role": "user", "content": "go on"}));
                json!({"model": "m", "input": items})
            }
        };
        body.to_string().into_bytes()
    }
}

/// Compares with the snapshot of that name.
pub(super) fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, without_chance(text)));
}

/// Compares what becomes of recorded requests, each of a folder and with the provider's model.
pub(super) fn check_requests(
    provider: &str,
    write: fn(&Request, &str, &mut Losses) -> Result<Vec<u8>>,
    recorded: &[(Face, &str, &str, &str)],
) {
    for (face, folder, file, model) in recorded {
        let request = face
            .request(&fixture(folder, &format!("{file}.json")))
            .unwrap();
        let name = file.trim_start_matches(&format!("{}_", face.name()));
        check(
            &format!("{}_to_{provider}_{name}", face.name()),
            &request_to(write, &request, model),
        );
    }
}

/// Compares what each client is told of a recorded answer.
pub(super) fn check_reply(provider: &str, name: &str, answered: &Answered) {
    for face in FACES {
        let text = pretty(&face.reply(answered));
        check(&format!("{provider}_to_{}_{name}", face.name()), &text);
    }
}

/// Compares what each client is told of a recorded stream.
pub(super) fn check_stream(provider: &str, name: &str, events: &[Event]) {
    for face in FACES {
        let text = readable(&face.stream(events.to_vec()));
        check(&format!("{provider}_to_{}_{name}", face.name()), &text);
    }
}

/// Without the time; ids that are made here by the order in which they come.
fn without_chance(text: &str) -> String {
    let mut out = String::new();
    let mut ids: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|letter: char| !letter.is_ascii_hexdigit());
        let (word, after) = from.split_at(end.unwrap_or(from.len()));
        out.push_str(before);
        match word.len() {
            32 => {
                let known = ids.iter().position(|id| *id == word);
                let number = known.unwrap_or_else(|| {
                    ids.push(word);
                    ids.len() - 1
                });
                out.push_str(&format!("ID{number}"));
            }
            _ if out.ends_with("_at\":") => out.push_str("TIME"),
            _ => out.push_str(word),
        }
        rest = after;
    }
    out + rest
}
