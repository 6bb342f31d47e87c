use std::ops::Deref;

use bytes::Bytes;
use serde_json::Value;

use super::http1::{Head, value_of};

/// The head of an answer as it was received.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RawHead {
    /// The status.
    pub status: u16,
    /// The headers in order, with their names as sent.
    pub headers: Vec<(String, String)>,
    /// The head's bytes, including the blank line.
    pub raw: Bytes,
}

impl RawHead {
    pub(super) fn new(head: Head) -> Self {
        let status = head.first_line.split(' ').nth(1);
        let status = status.and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or_else(|| panic!("no status in {:?}", head.first_line)),
            headers: head.headers,
            raw: head.raw,
        }
    }

    /// The first value of the header `name`, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.headers, name)
    }
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// According to its framing.
    Complete,
    /// The connection was closed before.
    Closed,
    /// The connection was reset before.
    Reset,
}

/// A body as it was received.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RawBody {
    /// The content, without chunk framing.
    pub content: Bytes,
    /// The content with its framing.
    pub raw: Bytes,
    /// How it ended.
    pub ending: Ending,
}

impl RawBody {
    /// The content as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.content).expect("a body in UTF-8")
    }

    /// The content as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.content)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.content))
    }
}

/// A whole answer. Dereferences to its head.
#[derive(Debug, Clone)]
pub struct RawResponse {
    /// The head.
    pub head: RawHead,
    /// The body.
    pub body: RawBody,
}

impl Deref for RawResponse {
    type Target = RawHead;

    fn deref(&self) -> &RawHead {
        &self.head
    }
}
