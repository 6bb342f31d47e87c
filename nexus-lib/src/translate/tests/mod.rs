//! Recorded text in both protocols, and properties of all translators.

mod clients;
mod contract;
mod gemini;
mod ollama;
mod pictures;
mod properties;
mod quirks;
mod recorded;
mod refusals;
mod requests;
mod response_streams;
mod responses;
mod work;

use crate::translate::{Event, ProviderProtocol, chat, messages};

fn chat_events(stream: &[u8]) -> Vec<Event> {
    clients::events(ProviderProtocol::Chat, stream)
}

fn messages_events(stream: &[u8]) -> Vec<Event> {
    clients::events(ProviderProtocol::Messages, stream)
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
