//! Removes the provider's key from everything that an upstream sends.
//!
//! An upstream that rejects a key may repeat it: in an error's body, in any encoding, in a header,
//! in an error among the events of a stream. Everything that any provider answers passes here:
//! [`outcome`] before anything else reads it, and [`piece`] for the parts of a stream. Answers
//! without an error are searched for the key as it is, not for other encodings.

mod spelling;

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memmem;

use crate::call::{Observed, Piece, ProviderProfile, Reply, ReplyBody, SHORTEST_KEY};
use crate::error::{Error, Result};
use crate::wire::mask;
use spelling::Needles;

/// The longest successful answer that is searched, in bytes. Longer ones are images and the like.
const MAX_SEARCHED: usize = 4 << 20;

/// A truncated message is assumed to end within the key if this many of the key's first characters
/// are its last.
const SHORTEST_PART: usize = 6;

/// The outcome of an attempt, without the key of its provider.
pub(crate) fn outcome(outcome: Result<Reply>, profile: &ProviderProfile) -> Result<Reply> {
    let key = profile.expose_key();
    match outcome {
        _ if key.len() < SHORTEST_KEY => outcome,
        Ok(mut reply) => {
            redact_headers(&mut reply.headers, key);
            if let ReplyBody::Full { bytes, observed } = &mut reply.body
                && (observed.error.is_some()
                    || !reply.status.is_success()
                    || bytes.len() <= MAX_SEARCHED && profile.is_key_in(bytes))
            {
                *bytes = redact(std::mem::take(bytes), key);
                redact_observed(observed, key);
            }
            Ok(reply)
        }
        Err(error) => Err(redact_error(error, key)),
    }
}

/// A piece of a stream, without the key of its provider.
pub(crate) fn piece(mut piece: Piece, profile: &ProviderProfile) -> Piece {
    let key = profile.expose_key();
    if key.len() >= SHORTEST_KEY
        && (piece.observed.error.is_some() || profile.is_key_in(&piece.bytes))
    {
        piece.bytes = redact(piece.bytes, key);
        redact_observed(&mut piece.observed, key);
    }
    piece
}

/// The error that broke a stream, without the key of its provider.
pub(crate) fn error(error: Error, profile: &ProviderProfile) -> Error {
    match profile.expose_key() {
        key if key.len() < SHORTEST_KEY => error,
        key => redact_error(error, key),
    }
}

/// The model names of an upstream, except those that contain its key.
pub(crate) fn names(mut names: Vec<String>, profile: &ProviderProfile) -> Vec<String> {
    let key = profile.expose_key();
    if key.len() >= SHORTEST_KEY {
        let needles = Needles::of(key);
        names.retain(|name| needles.places(name.as_bytes()).is_empty());
    }
    names
}

/// `text` with the key masked in every place. The same bytes if it does not contain the key.
fn redact(text: Bytes, key: &str) -> Bytes {
    match masked(&text, key, &shown(key)) {
        Some(masked) => masked.into(),
        None => text,
    }
}

fn redact_text<'t>(text: &'t str, key: &str) -> Cow<'t, str> {
    let mut masked = match masked(text.as_bytes(), key, &shown(key)) {
        Some(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
        None => Cow::Borrowed(text),
    };
    if let Some(part) = part_at_end(&masked, key) {
        let kept = masked.len() - part;
        masked.to_mut().truncate(kept);
        masked.to_mut().push('…');
    }
    masked
}

/// How many of the last characters are the first ones of the key: a truncated text may end in the
/// middle of it.
fn part_at_end(text: &str, key: &str) -> Option<usize> {
    let longest = key.len().min(text.len());
    let parts = (SHORTEST_PART..=longest).rev();
    parts
        .filter(|length| key.is_char_boundary(*length))
        .find(|length| text.ends_with(&key[..*length]))
}

fn redact_observed(observed: &mut Observed, key: &str) {
    if let Some(message) = &mut observed.error
        && let Cow::Owned(masked) = redact_text(message, key)
    {
        *message = masked.into();
    }
}

fn redact_error(error: Error, key: &str) -> Error {
    // Includes the source chain, which is for the log.
    match redact_text(&error.report(), key) {
        Cow::Borrowed(_) => error,
        Cow::Owned(report) => {
            let message = redact_text(&error.to_string(), key).into_owned();
            error.reworded(message, report)
        }
    }
}

fn redact_headers(headers: &mut HeaderMap, key: &str) {
    let mut repeating: Option<HeaderName> = None;
    for (name, value) in headers.iter_mut() {
        // Nearly all are shorter than a key, or plain words: that avoids the search.
        if may_spell(value.as_bytes(), key)
            && let Some(masked) = masked(value.as_bytes(), key, "...")
        {
            *value = HeaderValue::from_bytes(&masked).unwrap_or(HeaderValue::from_static("..."));
        }
        if name.as_str().len() >= key.len() && repeats(name, key) {
            repeating = Some(name.clone());
        }
    }
    if let Some(name) = repeating {
        headers.remove(&name);
        // There may be others like it.
        redact_headers(headers, key);
    }
}

/// Whether `value` is worth a search. An encoded key has an escape in it, or is a run of base64
/// characters that is longer than the key.
fn may_spell(value: &[u8], key: &str) -> bool {
    if value.len() < key.len() {
        return false;
    }
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    value.iter().any(|byte| b"\\%&".contains(byte))
        || value
            .split(|byte| !is_letter(byte))
            .any(|run| run.len() >= key.len())
        || memmem::find(value, key.as_bytes()).is_some()
}

/// Header names are lower case.
fn repeats(name: &HeaderName, key: &str) -> bool {
    name.as_str().contains(&key.to_ascii_lowercase())
}

/// `None` if it does not contain the key.
fn masked(text: &[u8], key: &str, mask: &str) -> Option<Vec<u8>> {
    let places = Needles::of(key).places(text);
    if places.is_empty() {
        return None;
    }
    let mut masked = Vec::with_capacity(text.len());
    let mut kept = 0;
    for place in places {
        masked.extend_from_slice(&text[kept..place.start]);
        masked.extend_from_slice(mask.as_bytes());
        kept = place.end;
    }
    masked.extend_from_slice(&text[kept..]);
    Some(masked)
}

/// What replaces the key: the mask that operators see elsewhere, if it is valid in any text.
fn shown(key: &str) -> String {
    let shown = mask(key);
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.…".contains(letter);
    match shown.chars().all(is_plain) {
        true => shown,
        false => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests;
