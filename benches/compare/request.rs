//! The requests of the load.

use std::net::SocketAddr;

use memchr::memmem::find;
use nexus_benches::request_body;

/// The load's key.
pub(crate) const CLIENT_KEY: &str = "bench-client-key-7f3a9c51d2e84b06";

const MARK: &str = "request ";
const DIGITS: usize = 12;

/// What a request asks for.
#[derive(Clone, Copy)]
pub(crate) enum Ask {
    /// A completion that is not streamed; the request's body has about this many bytes.
    Unary { body_bytes: usize },
    /// A stream with this many content events.
    Stream { events: u32 },
}

/// A request, ready to be sent many times.
pub(crate) struct Request {
    bytes: Vec<u8>,
    counter_end: usize,
}

impl Request {
    /// For the connection with `slot`; its prompts are numbered from `start`.
    pub(crate) fn new(host: SocketAddr, ask: Ask, slot: usize, start: usize) -> Self {
        let (body_bytes, more) = match ask {
            Ask::Unary { body_bytes } => (body_bytes, String::new()),
            Ask::Stream { events } => (
                1024,
                format!(r#""stream":true,"max_tokens":{events},"user":"slot-{slot}","#),
            ),
        };
        let body = request_body(
            body_bytes,
            &more,
            &format!("{MARK}{start:0DIGITS$}: what is missing here?"),
        );
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {CLIENT_KEY}\r\n\
             content-type: application/json\r\naccept: application/json\r\nuser-agent: nexus-benches\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let bytes = [head, body].concat().into_bytes();
        let counter_end = find(&bytes, MARK.as_bytes()).map_or(0, |at| at + MARK.len() + DIGITS);
        Self { bytes, counter_end }
    }

    /// The bytes to send: the same each time, except for a number in the prompt, since real ones
    /// differ too.
    pub(crate) fn next(&mut self) -> &[u8] {
        for digit in self.bytes[..self.counter_end].iter_mut().rev() {
            if *digit == b'9' {
                *digit = b'0';
            } else {
                *digit += 1;
                break;
            }
        }
        &self.bytes
    }
}
