//! Recorded text through both protocols, and properties of all translators.

mod clients;
mod gemini;
mod ollama;
mod pictures;
mod properties;
mod quirks;
mod recorded;
mod refusals;
mod response_streams;
mod responses;

use crate::sse;
use crate::translate::{Event, chat, messages};

fn chat_events(stream: &[u8]) -> Vec<Event> {
    let mut reader = chat::stream::Reader::new();
    let mut told = Vec::new();
    for event in sse::events(stream) {
        told.extend(reader.push(&event).unwrap());
    }
    told.extend(reader.end());
    told
}

fn messages_events(stream: &[u8]) -> Vec<Event> {
    let mut reader = messages::stream::Reader::new();
    let mut told = Vec::new();
    for event in sse::events(stream) {
        told.extend(reader.push(&event).unwrap());
    }
    told.extend(reader.end());
    told
}

fn as_chat(events: Vec<Event>, include_usage: bool) -> Vec<u8> {
    let options = chat::stream::Options { include_usage };
    let mut writer = chat::stream::Writer::new("asked-for", options);
    let pieces = events.into_iter().map(|event| writer.push(event));
    pieces.flat_map(|piece| piece.to_vec()).collect()
}

fn as_messages(events: Vec<Event>) -> Vec<u8> {
    let options = messages::stream::Options::default();
    let mut writer = messages::stream::Writer::new("asked-for", options);
    let pieces = events.into_iter().map(|event| writer.push(event));
    pieces.flat_map(|piece| piece.to_vec()).collect()
}
