use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;

use super::http1::{Head, value_of};

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// Its place among all requests, from 0.
    pub index: usize,
    /// Which connection brought it, from 0.
    pub connection: usize,
    /// The head's bytes, the blank line included.
    pub raw_head: Bytes,
    /// The method.
    pub method: String,
    /// The request target: path and query, as sent.
    pub target: String,
    /// The headers in order, with their names as sent.
    pub headers: Vec<(String, String)>,
    /// The body; without its chunks, if it came in chunks.
    pub body: Bytes,
    /// When all of it was there.
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

    /// The first value of the header `name`, in whatever case it was sent.
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
