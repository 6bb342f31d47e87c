use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use uuid::{Uuid, Variant};

use crate::error::{Error, ErrorKind, Result};
use crate::wire::Timestamp;

/// Identifies one request, in responses and on the ledger: a UUIDv7 (RFC 9562), so ids sort by
/// time.
///
/// The first 60 bits besides the version are the milliseconds (48 bits) and a fraction of a
/// millisecond (12 bits). They are unique among the ids of one process, and always increase.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct RequestId(Uuid);

/// The first 60 bits of the most recent id.
static NEWEST: AtomicU64 = AtomicU64::new(0);

/// The largest 60-bit number: a moment in the year 10889.
const LAST_SEQ: u64 = (1 << 60) - 1;

const TAIL: u128 = (1 << 62) - 1;

impl RequestId {
    /// A new id with the current time; it sorts after every id that this process made before.
    ///
    /// If the clock has not advanced, or was set back, the id increments the previous one, into the
    /// milliseconds if needed (RFC 9562, section 6.2, methods 1 and 3).
    pub fn new() -> Self {
        let now = present();
        let next = |newest: u64| now.max(newest + 1).min(LAST_SEQ);
        // Only this number is shared, so no other memory needs to be ordered with it.
        let (order, newest) = (Ordering::Relaxed, &NEWEST);
        let before = match newest.fetch_update(order, order, |newest| Some(next(newest))) {
            Ok(before) | Err(before) => before,
        };
        Self::from_bits(next(before), Uuid::new_v4().as_u128() & TAIL)
    }

    /// Makes all later ids of this process sort after this one, also after a restart with the clock
    /// set back. A store calls it with the newest id it holds.
    pub fn rise_above(self) {
        NEWEST.fetch_max(self.seq().cast_unsigned(), Ordering::Relaxed);
    }

    /// The first 60 bits besides the version.
    pub(crate) fn seq(self) -> i64 {
        let bits = self.0.as_u128();
        let seq = (bits >> 80) << 12 | (bits >> 64) & 0xFFF;
        i64::try_from(seq).unwrap_or(i64::MAX)
    }

    /// The other 62 bits; `None` if this is not a UUIDv7, the only version with 122 bits to keep.
    pub(crate) fn tail(self) -> Option<i64> {
        let is_v7 = self.0.get_version_num() == 7 && self.0.get_variant() == Variant::RFC4122;
        let tail = i64::try_from(self.0.as_u128() & TAIL);
        is_v7.then(|| tail.unwrap_or(i64::MAX))
    }

    /// The UUIDv7 with this [`seq`](Self::seq) and this [`tail`](Self::tail).
    pub(crate) fn from_parts(seq: i64, tail: i64) -> Self {
        Self::from_bits(seq.cast_unsigned(), u128::from(tail.cast_unsigned()) & TAIL)
    }

    fn from_bits(seq: u64, tail: u128) -> Self {
        let seq = u128::from(seq);
        let (version, variant) = (7 << 76, 2 << 62);
        Self(Uuid::from_u128(
            seq >> 12 << 80 | version | (seq & 0xFFF) << 64 | variant | tail,
        ))
    }

    /// The sixteen bytes, in sort order.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The smallest id of a request started at `time`: turns a range of times into a range of ids.
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

/// The current time in 4096ths of a millisecond since the epoch.
fn present() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.as_nanos());
    u64::try_from((nanos << 12) / 1_000_000).map_or(LAST_SEQ, |seq| seq.min(LAST_SEQ))
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
            .map_err(|_| Error::new(ErrorKind::Unprocessable, "a request id must be a UUID"))
    }
}

/// Separates conversations of the same name: each client key has its own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConversationScope([u8; 8]);

impl ConversationScope {
    /// The scope with these bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for ConversationScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl FromStr for ConversationScope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_written_so = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = u64::from_str_radix(text, 16).ok().filter(|_| is_written_so);
        bits.map(|bits| Self(bits.to_be_bytes())).ok_or_else(|| {
            let message = "a conversation scope must be 16 hexadecimal digits";
            Error::new(ErrorKind::Unprocessable, message)
        })
    }
}

/// Identifies a conversation: 1 to 128 visible ASCII characters, and the scope in which the name is
/// unique.
///
/// Most are the id of the conversation's first request; these need no allocation. As text it is
/// what the client sees, without the scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConversationId {
    name: Name,
    scope: Option<ConversationScope>,
}

/// A text that spells a request id is never stored as `Text`, so equal names are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Request(RequestId),
    Text(Arc<str>),
}

impl ConversationId {
    /// The maximum length of an id, in characters.
    pub const MAX_CHARS: usize = 128;

    /// The id of a conversation that the client did not name: the id of its first request.
    pub fn begun_by(request: RequestId) -> Self {
        Self {
            name: Name::Request(request),
            scope: None,
        }
    }

    /// The same name in the given scope.
    #[must_use]
    pub fn within(self, scope: ConversationScope) -> Self {
        Self {
            scope: Some(scope),
            ..self
        }
    }

    /// The scope of the name; `None` if it has none.
    pub fn scope(&self) -> Option<ConversationScope> {
        self.scope
    }

    /// The request with this id, if the name has that form.
    pub fn request(&self) -> Option<RequestId> {
        match self.name {
            Name::Request(request) => Some(request),
            Name::Text(_) => None,
        }
    }

    /// The id as text; `buffer` holds it where it is not stored as text.
    pub fn encode<'a>(&'a self, buffer: &'a mut [u8; 36]) -> &'a str {
        match &self.name {
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
    /// [`ErrorKind::InvalidRequest`] when the text is empty, longer than 128 characters, or has any
    /// character that is not visible ASCII. Nothing is truncated.
    fn from_str(text: &str) -> Result<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > Self::MAX_CHARS || !visible {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "a conversation id must be 1 to 128 visible ASCII characters",
            )
            .with_param("x-conversation-id"));
        }
        // Any other spelling of a UUID is kept as it is.
        let request = text.parse::<RequestId>().ok();
        let request = request.filter(|request| request.encode(&mut [0; 36]) == text);
        let name = match request {
            Some(request) => Name::Request(request),
            None => Name::Text(text.into()),
        };
        Ok(Self { name, scope: None })
    }
}

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// Identifies a registered provider. Never reused after the provider is deleted.
    ProviderId
}

row_id! {
    /// Identifies a client's key. Never reused after the key is deleted.
    KeyId
}

row_id! {
    /// Identifies a project. Never reused after the project is deleted.
    ProjectId
}

row_id! {
    /// Identifies a registered model. Never reused after the model is deleted.
    ModelId
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_rise_strictly_across_threads() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    let ids: Vec<_> = (0..20_000).map(|_| RequestId::new()).collect();
                    assert!(ids.is_sorted_by(|one, next| one.seq() < next.seq() && one < next));
                    ids
                })
            })
            .collect();
        let made = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        let mut keys: Vec<_> = made.map(|id| id.seq()).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "no two ids share a key");
    }

    #[test]
    fn new_ids_are_of_version_7_and_contain_the_time() {
        let before = Timestamp::now();
        let id = RequestId::new();
        assert_eq!(
            (id.0.get_version_num(), id.0.get_variant()),
            (7, Variant::RFC4122)
        );
        assert!(id > RequestId::floor(before));
        let random = |id: RequestId| id.tail().unwrap();
        assert_ne!(random(id), random(RequestId::new()));
    }

    proptest! {
        #[test]
        fn parts_make_the_id_again(bytes: [u8; 16]) {
            let id = RequestId::from_bytes(bytes);
            prop_assert_eq!(id.tail().is_some(), bytes[6] >> 4 == 7 && bytes[8] >> 6 == 2);
            let mut bytes = bytes;
            bytes[6] = bytes[6] & 0xF | 0x70;
            bytes[8] = bytes[8] & 0x3F | 0x80;
            let id = RequestId::from_bytes(bytes);
            prop_assert_eq!(RequestId::from_parts(id.seq(), id.tail().unwrap()), id);
        }
    }
}
