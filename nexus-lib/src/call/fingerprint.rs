//! What a conversation is recognised by in protocols other than chat completions.

use std::borrow::Cow;

use crate::call::asides;
use crate::translate::{Output, Part, Source, Text, Turn, chat};
use crate::wire::Prefixes;

/// The fingerprints of these messages, as if they were those of a chat completion. Parts that have
/// no place there count as plain text: a request whose provider accepts more than is known here
/// belongs to its conversation too.
pub(super) fn fingerprints(turns: &[Turn]) -> Prefixes {
    let turns: Vec<Cow<'_, Turn>> = turns.iter().filter_map(kept).collect();
    let messages = chat::request::write_messages(&turns);
    let read = messages.map(|messages| Prefixes::of(&messages));
    read.unwrap_or_default()
}

/// What of `turn` is compared; `None` if that is nothing.
fn kept(turn: &Turn) -> Option<Cow<'_, Turn>> {
    let changes = match turn {
        Turn::System(parts) | Turn::User(parts) => changes(parts),
        Turn::Tool(result) => changes(&result.parts),
        Turn::Assistant(said) => said.iter().any(is_picture),
    };
    if !changes {
        return Some(Cow::Borrowed(turn));
    }
    let mut turn = turn.clone();
    match &mut turn {
        Turn::System(parts) | Turn::User(parts) => {
            change(parts);
            if parts.is_empty() {
                return None;
            }
        }
        Turn::Tool(result) => change(&mut result.parts),
        // Not all clients send images back, and tools already have the client's names.
        Turn::Assistant(said) => said.retain(|said| !is_picture(said)),
    }
    Some(Cow::Owned(turn))
}

fn is_picture(said: &Output) -> bool {
    matches!(said, Output::Picture(_))
}

fn changes(parts: &[Part]) -> bool {
    let mut parts = parts.iter();
    parts.any(|part| asides::are_in(part) || in_words(part).is_some())
}

fn change(parts: &mut Vec<Part>) {
    asides::forget(parts);
    for part in parts {
        if let Some(text) = in_words(part) {
            *part = Part::Text(Text { text, cache: None });
        }
    }
}

/// A part that chat completions cannot express, as text.
fn in_words(part: &Part) -> Option<String> {
    match part {
        Part::Image(image) => match &image.source {
            Source::Id(id) => Some(format!("image {id}")),
            Source::Url(_) | Source::Data { .. } => None,
        },
        Part::File(file) => match &file.source {
            Source::Url(url) | Source::Id(url) => Some(format!("file {url}")),
            Source::Data { .. } => None,
        },
        Part::Text(_) | Part::Audio { .. } => None,
    }
}
