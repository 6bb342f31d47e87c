use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::Timestamp;

/// Names one request, here and on the ledger: a UUIDv7 (RFC 9562), so ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new id, bearing the present time.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The sixteen bytes, in sorting order.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The smallest id that a request started at `time` can have: turns a range of times into a
    /// range of ids.
    pub fn floor(time: Timestamp) -> Self {
        let millis = u64::try_from(time.as_millis()).unwrap_or(0);
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        Self(Uuid::from_bytes(bytes))
    }

    /// Writes the id as text into `buffer`, without allocating.
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        self.0.hyphenated().encode_lower(buffer)
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl FromStr for RequestId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| Error::new(ErrorKind::Unprocessable, "a request id is a UUID"))
    }
}

/// Names a conversation: 1 to 128 visible ASCII characters.
///
/// Most are the id of the request that began the conversation; these take no allocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConversationId(Name);

/// A text that is written as a request's id is never a `Text`, so that equal names are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Request(RequestId),
    Text(Arc<str>),
}

impl ConversationId {
    /// The longest id that is accepted, in characters.
    pub const MAX_CHARS: usize = 128;

    /// The id of a conversation that nobody named: that of the request that begins it.
    pub fn begun_by(request: RequestId) -> Self {
        Self(Name::Request(request))
    }

    /// The request whose id this is, if it is written as one.
    pub fn request(&self) -> Option<RequestId> {
        match self.0 {
            Name::Request(request) => Some(request),
            Name::Text(_) => None,
        }
    }

    /// The id as text; `buffer` is where one is written that is no text yet.
    pub fn encode<'a>(&'a self, buffer: &'a mut [u8; 36]) -> &'a str {
        match &self.0 {
            Name::Request(request) => request.encode(buffer),
            Name::Text(text) => text,
        }
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; 36]))
    }
}

impl Serialize for ConversationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.encode(&mut [0; 36]))
    }
}

impl FromStr for ConversationId {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::InvalidRequest`] when the text is empty, over 128 characters, or has others than
    /// visible ASCII ones. Nothing is cut off.
    fn from_str(text: &str) -> Result<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > Self::MAX_CHARS || !visible {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "a conversation id has 1 to 128 visible ASCII characters",
            )
            .with_param("x-conversation-id"));
        }
        // Any other spelling of a UUID stays as it is.
        let request = text.parse::<RequestId>().ok();
        let request = request.filter(|request| request.encode(&mut [0; 36]) == text);
        Ok(Self(match request {
            Some(request) => Name::Request(request),
            None => Name::Text(text.into()),
        }))
    }
}

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id! {
    /// Names a registered provider. Never used again after its provider is deleted.
    ProviderId
}

row_id! {
    /// Names a registered model. Never used again after its model is deleted.
    ModelId
}
