use bytes::Bytes;

use crate::translate::{ClientProtocol, Losses, chat};
use crate::wire::Operation;

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
