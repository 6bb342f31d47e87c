//! What every client sends and receives if the provider speaks a protocol that no client does.

use serde_json::{Value, json};

use super::recorded::{fixture, pretty, readable, request_to};
use crate::error::Result;
use crate::translate::{Answered, ClientProtocol, Event, Json, Losses, ProviderProtocol, Request};

pub(super) const CLIENTS: [ClientProtocol; 3] = [
    ClientProtocol::Chat,
    ClientProtocol::Messages,
    ClientProtocol::Responses,
];

pub(super) fn protocol(client: ClientProtocol) -> &'static str {
    match client {
        ClientProtocol::Chat => "chat",
        ClientProtocol::Messages => "messages",
        ClientProtocol::Responses => "responses",
    }
}

/// The events of `stream`.
pub(super) fn events(provider: ProviderProtocol, stream: &[u8]) -> Vec<Event> {
    let mut reader = provider.reader();
    let mut actual = reader.push(stream);
    actual.extend(reader.end(b""));
    actual
}

/// The stream that `client` receives, with usage.
pub(super) fn streamed_to(client: ClientProtocol, events: Vec<Event>) -> Vec<u8> {
    let options = Json::parse(r#"{"include_usage": true}"#).unwrap();
    let mut writer = client.writer(&Request {
        model: "asked-for".to_owned(),
        extra: vec![("stream_options".to_owned(), options)],
        ..Request::default()
    });
    let pieces = events.into_iter().map(|event| writer.push(event));
    pieces.flat_map(|piece| piece.to_vec()).collect()
}

/// The next request of a client that received `reply`: with `results`, by the ids of its calls.
pub(super) fn next_request(
    client: ClientProtocol,
    reply: &[u8],
    results: &[(&str, &str)],
) -> Vec<u8> {
    let reply: Value = serde_json::from_slice(reply).unwrap();
    let user = |content: Value| json!({"role": "user", "content": content});
    let mut turns = vec![user(json!("ask"))];
    let results = results.iter().map(|(id, text)| match client {
        ClientProtocol::Chat => json!({"role": "tool", "tool_call_id": id, "content": text}),
        ClientProtocol::Messages => {
            json!({"type": "tool_result", "tool_use_id": id, "content": text})
        }
        ClientProtocol::Responses => {
            json!({"type": "function_call_output", "call_id": id, "output": text})
        }
    });
    let body = match client {
        ClientProtocol::Chat => {
            turns.push(reply["choices"][0]["message"].clone());
            turns.extend(results);
            turns.push(user(json!("go on")));
            json!({"model": "m", "messages": turns})
        }
        ClientProtocol::Messages => {
            turns.push(json!({"role": "assistant", "content": reply["content"]}));
            let go_on = json!({"type": "text", "text": "go on"});
            turns.push(user(results.chain([go_on]).collect()));
            json!({"model": "m", "max_tokens": 9, "messages": turns})
        }
        ClientProtocol::Responses => {
            turns.extend(reply["output"].as_array().unwrap().iter().cloned());
            turns.extend(results);
            turns.push(user(json!("go on")));
            json!({"model": "m", "input": turns})
        }
    };
    body.to_string().into_bytes()
}

/// Compares with the snapshot of that name.
pub(super) fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, without_chance(text)));
}

/// Compares the translation of recorded requests, each of a folder and for the provider's model.
pub(super) fn check_requests(
    provider: &str,
    write: fn(&Request, &str, &mut Losses) -> Result<Vec<u8>>,
    recorded: &[(ClientProtocol, &str, &str, &str)],
) {
    for (client, folder, file, model) in recorded {
        let request = client
            .read_request(&fixture(folder, &format!("{file}.json")))
            .unwrap();
        let name = file.trim_start_matches(&format!("{}_", protocol(*client)));
        check(
            &format!("{}_to_{provider}_{name}", protocol(*client)),
            &request_to(write, &request, model),
        );
    }
}

/// Compares what each client receives for a recorded answer.
pub(super) fn check_reply(provider: &str, name: &str, answered: &Answered) {
    for client in CLIENTS {
        let text = pretty(&client.write_reply(answered, "asked-for"));
        check(&format!("{provider}_to_{}_{name}", protocol(client)), &text);
    }
}

/// Compares what each client receives for a recorded stream.
pub(super) fn check_stream(provider: &str, name: &str, events: &[Event]) {
    for client in CLIENTS {
        let text = readable(&streamed_to(client, events.to_vec()));
        check(&format!("{provider}_to_{}_{name}", protocol(client)), &text);
    }
}

/// Without the time; generated ids are replaced by their order.
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
