use bytes::Bytes;

use crate::call::asides;
use crate::translate::{ClientProtocol, Losses, Output, Part, Request, Source, Text, Turn, chat};
use crate::wire::{Operation, Prefixes, RequestScan};

/// The body of a request for `operation`, told as one for a chat completion: what was said is read of that,
/// whatever protocol it came in. Empty when it cannot be told so; what is no chat is left as it is.
pub(crate) fn in_chat(operation: Operation, body: &Bytes) -> Bytes {
    let protocol = match ClientProtocol::of(operation) {
        None | Some(ClientProtocol::Chat) => return body.clone(),
        Some(protocol) => protocol,
    };
    let told = protocol.read_request(body).and_then(|request| {
        // The name of no model that is told otherwise than others.
        chat::request::write(&request, "any", &mut Losses::new(false))
    });
    told.map(Bytes::from).unwrap_or_default()
}

/// What was said so far in a request for `operation`, a chat. What cannot be read or told elsewhere counts as the
/// text that it is: a request whose provider takes more than is known here belongs to its conversation, too.
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
        // Pictures are not sent back by all, and names of calls' clients are said already.
        Turn::Assistant(said) => {
            said.retain(|said| !matches!(said, Output::Picture(_)));
            true
        }
    });
    let request = Request {
        turns,
        ..Request::default()
    };
    // The name of no model that is told otherwise than others.
    let told = chat::request::write(&request, "any", &mut Losses::new(false));
    let scan = told.and_then(|told| RequestScan::of(&told));
    scan.map(|scan| scan.prefixes).unwrap_or_default()
}

/// Makes a text of what chat completions have no place for.
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
