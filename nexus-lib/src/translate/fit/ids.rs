//! Call ids in the characters and the length that a provider accepts.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use super::{Destination, Vendor};
use crate::translate::ProviderProtocol;
use crate::translate::chat::is_openais;

/// A provider's rule for call ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Any.
    Any,
    /// At most this many bytes.
    Short(usize),
    /// Letters, digits, `_` and `-`.
    Plain,
    /// Nine letters and digits.
    Nine,
}

impl Rule {
    pub(super) fn of(to: Destination<'_>) -> Self {
        match to.protocol {
            ProviderProtocol::Messages => Self::Plain,
            ProviderProtocol::Responses => Self::Short(64),
            ProviderProtocol::Chat if to.vendor == Vendor::Mistral => Self::Nine,
            ProviderProtocol::Chat if is_openais(to.model) => Self::Short(40),
            ProviderProtocol::Chat | ProviderProtocol::Gemini | ProviderProtocol::Ollama => {
                Self::Any
            }
        }
    }

    /// `id` converted by this rule. Equal ids stay equal and different ids stay different: a hash
    /// of the whole id follows what is left of it.
    pub(super) fn fit(self, id: &str) -> Cow<'_, str> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        match self {
            Self::Any => return Cow::Borrowed(id),
            Self::Short(most) if id.len() <= most => return Cow::Borrowed(id),
            Self::Plain if id.len() <= 64 && id.chars().all(is_plain) => {
                return Cow::Borrowed(id);
            }
            Self::Nine if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                return Cow::Borrowed(id);
            }
            Self::Short(_) | Self::Plain | Self::Nine => {}
        }
        let mark = xxh3_64(id.as_bytes());
        if self == Self::Nine {
            return Cow::Owned(letters(mark));
        }
        let plain = id.chars().map(|letter| match is_plain(letter) {
            true => letter,
            false => '_',
        });
        let mut fitted: String = plain.take(23).collect();
        fitted.push_str(&format!("_{mark:016x}"));
        Cow::Owned(fitted)
    }
}

/// Nine letters and digits for `mark`.
fn letters(mut mark: u64) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut letters = String::with_capacity(9);
    for _ in 0..9 {
        let at = usize::try_from(mark % 36).unwrap_or_default();
        letters.push(LETTERS.get(at).copied().map_or('a', char::from));
        mark /= 36;
    }
    letters
}
