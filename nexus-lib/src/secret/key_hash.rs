use std::fmt;

use sha2::{Digest, Sha256};

use crate::wire::ConversationScope;

/// The SHA-256 of a client's key: all that is kept of it.
///
/// Keys are random and long, so a plain hash is enough; and since hashes are compared, never keys,
/// the time of a comparison tells nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of `key`.
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Enough of it to tell clients apart where it does not matter when two are taken for one.
    pub(crate) fn short(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The scope in which this client names its conversations.
    pub fn scope(&self) -> ConversationScope {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        ConversationScope::from_bytes([a, b, c, d, e, f, g, h])
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}
