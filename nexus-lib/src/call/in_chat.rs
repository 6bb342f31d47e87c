use bytes::Bytes;

use crate::call::asides;
use crate::translate::{ClientProtocol, Losses, Output, Part, Request, Source, Text, Turn, chat};
use crate::wire::{Operation, Prefixes, RequestScan};

/// Converts the body of a request for `operation` to one for a chat completion: messages are read
/// from that, whatever the protocol. Empty if it cannot be translated; anything that is not a chat
/// is left unchanged.
pub(crate) fn in_chat(operation: Operation, body: &Bytes) -> Bytes {
    let protocol = match ClientProtocol::of(operation) {
        None | Some(ClientProtocol::Chat) => return body.clone(),
        Some(protocol) => protocol,
    };
    let told = protocol.read_request(body).and_then(|request| {
        // Not the name of a model that is translated specially.
        chat::request::write(&request, "any", &mut Losses::new(false))
    });
    told.map(Bytes::from).unwrap_or_default()
}

/// The messages of a request for `operation`, a chat. Parts that are unknown or cannot be
/// translated count as plain text: a request whose provider accepts more than is known here belongs
/// to its conversation too.
pub(crate) fn said_so_far(operation: Operation, body: &Bytes) -> Prefixes {
    let Some(protocol) = ClientProtocol::of(operation) else {
        return Prefixes::default();
    };
    let mut turns = protocol.read_turns(body);
    turns.retain_mut(|turn| match turn {
        Turn::System(parts) | Turn::User(parts) => {
            let had_parts = !parts.is_empty();
            asides::forget(parts);
            parts.iter_mut().for_each(plain);
            !had_parts || !parts.is_empty()
        }
        Turn::Tool(result) => {
            asides::forget(&mut result.parts);
            result.parts.iter_mut().for_each(plain);
            true
        }
        // Not all clients send images back, and tools already have the client's names.
        Turn::Assistant(said) => {
            said.retain(|said| !matches!(said, Output::Picture(_)));
            true
        }
    });
    let request = Request {
        turns,
        ..Request::default()
    };
    // Not the name of a model that is translated specially.
    let told = chat::request::write(&request, "any", &mut Losses::new(false));
    let scan = told.and_then(|told| RequestScan::of(&told));
    scan.map(|scan| scan.prefixes).unwrap_or_default()
}

/// Converts parts that chat completions cannot express to text.
fn plain(part: &mut Part) {
    let text = match part {
        Part::Image(image) => match &image.source {
            Source::Id(id) => format!("image {id}"),
            Source::Url(_) | Source::Data { .. } => return,
        },
        Part::File(file) => match &file.source {
            Source::Url(url) | Source::Id(url) => format!("file {url}"),
            Source::Data { .. } => return,
        },
        Part::Text(_) | Part::Audio { .. } => return,
    };
    *part = Part::Text(Text { text, cache: None });
}
