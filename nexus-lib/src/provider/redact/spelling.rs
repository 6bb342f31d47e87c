use std::ops::Range;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::memmem;
use zeroize::Zeroizing;

/// How much of a text is searched at once, at least. A match must lie within one piece.
const PIECE: usize = 64 * 1024;

/// The maximum length of an encoded byte: `\\u0041`, escaped once more.
const MAX_LETTERS: usize = 16;

/// What is searched for: a key as it is, and in base64 at each alignment.
pub(super) struct Needles {
    key: Zeroizing<Vec<u8>>,
    encoded: Vec<Zeroizing<Vec<u8>>>,
}

impl Needles {
    pub(super) fn of(key: &str) -> Self {
        let mut encoded = Vec::new();
        for before in 0..3 {
            let mut bytes = Zeroizing::new(vec![0; before]);
            bytes.extend_from_slice(key.as_bytes());
            let text = Zeroizing::new(BASE64_STANDARD.encode(&*bytes));
            // Only characters that encode bits of the key alone.
            let letters = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
            let core = text.as_bytes().get(letters).unwrap_or_default();
            let in_url = core.iter().map(|letter| match letter {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            });
            let in_url = Zeroizing::new(in_url.collect::<Vec<u8>>());
            if *in_url != core {
                encoded.push(in_url);
            }
            encoded.push(Zeroizing::new(core.to_vec()));
        }
        Self {
            key: Zeroizing::new(key.as_bytes().to_vec()),
            encoded,
        }
    }

    /// The positions of the key in `text`, in any encoding: as it is, with JSON escapes, also
    /// doubled, percent-encoded, with HTML entities, in base64. In order, without overlaps.
    ///
    /// Whole escapes are covered: the text around a position stays as valid as it was.
    pub(super) fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        let overlap = (self.key.len() * MAX_LETTERS).max(1024);
        let piece = PIECE.max(4 * overlap);
        let mut places = Vec::new();
        let mut start = 0;
        loop {
            let end = text.len().min(start + piece);
            self.places_in(&text[start..end], start, &mut places);
            if end == text.len() {
                return joined(places);
            }
            start = end - overlap;
        }
    }

    fn places_in(&self, text: &[u8], offset: usize, places: &mut Vec<Range<usize>>) {
        let mut found = |range: Range<usize>| places.push(offset + range.start..offset + range.end);
        self.each(text, |range| {
            // The first character may belong to an escape, which is then broken: `\n` and what
            // follows.
            let before = text[..range.start].iter().rev();
            let slashes = before.take_while(|byte| **byte == b'\\').count();
            found(range.start - slashes % 2..range.end);
        });
        let mut read: Option<Read> = None;
        for stage in [unescaped, unescaped, unquoted, without_entities] {
            let next = match &read {
                None => stage(text),
                Some(read) => stage(&read.bytes).map(|next| next.of(read)),
            };
            if let Some(next) = next {
                self.each(&next.bytes, |range| {
                    found(next.at[range.start]..next.at[range.end])
                });
                read = Some(next);
            }
        }
    }

    fn each(&self, text: &[u8], mut found: impl FnMut(Range<usize>)) {
        for needle in [&self.key].into_iter().chain(&self.encoded) {
            for at in memmem::find_iter(text, needle.as_slice()) {
                found(at..at + needle.len());
            }
        }
    }
}

/// A text after decoding.
struct Read {
    bytes: Vec<u8>,
    /// The position of each decoded byte in the encoded text, and its end.
    at: Vec<usize>,
}

impl Read {
    fn with_capacity(length: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(length),
            at: Vec::with_capacity(length + 1),
        }
    }

    fn push(&mut self, byte: u8, at: usize) {
        self.bytes.push(byte);
        self.at.push(at);
    }

    /// Maps the positions to those in the text that `before` was decoded from.
    fn of(mut self, before: &Self) -> Self {
        for at in &mut self.at {
            *at = before.at[*at];
        }
        self
    }
}

/// Decodes what `letter` introduces: `decode` returns the byte and the length of its encoding.
/// `None` if there is nothing to decode.
fn decoded(text: &[u8], letter: u8, decode: impl Fn(&[u8]) -> Option<(u8, usize)>) -> Option<Read> {
    memchr::memchr(letter, text)?;
    let mut read = Read::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let (said, length) = match byte == letter {
            true => decode(&text[at..]).unwrap_or((byte, 1)),
            false => (byte, 1),
        };
        read.push(said, at);
        at += length;
    }
    read.at.push(text.len());
    Some(read)
}

/// JSON escapes, and those of related languages.
fn unescaped(text: &[u8]) -> Option<Read> {
    decoded(text, b'\\', |rest| match rest {
        [_, b'u', digits @ ..] => {
            let code = number(digits.get(..4)?, 16)?;
            Some((u8::try_from(code).ok().filter(u8::is_ascii)?, 6))
        }
        [_, b'x', digits @ ..] => {
            let code = number(digits.get(..2)?, 16)?;
            Some((u8::try_from(code).ok().filter(u8::is_ascii)?, 4))
        }
        [_, b'n', ..] => Some((b'\n', 2)),
        [_, b'r', ..] => Some((b'\r', 2)),
        [_, b't', ..] => Some((b'\t', 2)),
        [_, b'b' | b'f', ..] => Some((b' ', 2)),
        [_, other, ..] => Some((*other, 2)),
        _ => None,
    })
}

/// Percent encoding in URLs.
fn unquoted(text: &[u8]) -> Option<Read> {
    decoded(text, b'%', |rest| {
        let code = number(rest.get(1..3)?, 16)?;
        Some((u8::try_from(code).ok()?, 3))
    })
}

/// HTML entities.
fn without_entities(text: &[u8]) -> Option<Read> {
    decoded(text, b'&', |rest| {
        let end = rest.iter().take(10).position(|byte| *byte == b';')?;
        let byte = match rest.get(1..end)? {
            b"amp" => b'&',
            b"lt" => b'<',
            b"gt" => b'>',
            b"quot" => b'"',
            b"apos" => b'\'',
            [b'#', b'x' | b'X', digits @ ..] => u8::try_from(number(digits, 16)?).ok()?,
            [b'#', digits @ ..] => u8::try_from(number(digits, 10)?).ok()?,
            _ => return None,
        };
        Some((byte, end + 1))
    })
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_number.then(|| u32::from_str_radix(digits, radix).ok())?
}

fn joined(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_unstable_by_key(|place| (place.start, place.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match joined.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => joined.push(place),
        }
    }
    joined
}
