use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;

use super::http1::{Head, value_of};

/// A request as it was received.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// Its position among all requests, from 0.
    pub index: usize,
    /// The index of its connection, from 0.
    pub connection: usize,
    /// The head's bytes, including the blank line.
    pub raw_head: Bytes,
    /// The method.
    pub method: String,
    /// The request target: path and query, as sent.
    pub target: String,
    /// The headers in order, with their names as sent.
    pub headers: Vec<(String, String)>,
    /// The body, without chunk framing.
    pub body: Bytes,
    /// When it was complete.
    pub received: Instant,
}

impl RecordedRequest {
    pub(super) fn new(index: usize, connection: usize, head: Head, body: Bytes) -> Self {
        let mut words = head.first_line.splitn(3, ' ').map(str::to_owned);
        Self {
            index,
            connection,
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            raw_head: head.raw,
            headers: head.headers,
            body,
            received: Instant::now(),
        }
    }

    /// The first value of the header `name`, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.headers, name)
    }

    /// The names of all headers, in lower case, sorted.
    pub fn header_names(&self) -> Vec<String> {
        let lower = |(name, _): &(String, String)| name.to_ascii_lowercase();
        let mut names: Vec<_> = self.headers.iter().map(lower).collect();
        names.sort_unstable();
        names
    }

    /// The body as JSON; `null` when it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether the body asks for a stream.
    pub fn wants_stream(&self) -> bool {
        self.json()["stream"] == true
    }

    /// Whether the body asks for usage within the stream.
    pub fn wants_stream_usage(&self) -> bool {
        self.json()["stream_options"]["include_usage"] == true
    }
}
