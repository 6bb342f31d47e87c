use std::borrow::Cow;

use wide::u8x16;

/// How a string is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// Not at all.
    None,
    /// Only where necessary, in the short form, as nearly all writers do.
    Usual,
    /// Also with `\uXXXX` or `\/`.
    Other,
}

/// Where a string ends, or where it is malformed.
pub(super) enum Scanned {
    /// The position of its closing quote.
    End(usize, Escapes),
    /// Where the grammar is broken.
    Broken(usize, &'static str),
}

/// The length of a string of less than 32 bytes without escapes, as keys and most values are;
/// `None` means use [`scan`].
#[inline]
pub(super) fn short_len(bytes: &[u8]) -> Option<usize> {
    let block = bytes.first_chunk::<16>()?;
    let mut stops = stops_in(u8x16::new(*block));
    if stops == 0 {
        let next = bytes.get(16..)?.first_chunk::<16>()?;
        stops = stops_in(u8x16::new(*next)) << 16;
    }
    let stop = stops.trailing_zeros() as usize;
    // Without a stop, the bytes after the two blocks have not been checked.
    (stop < 32 && bytes.get(stop) == Some(&b'"')).then_some(stop)
}

/// Walks the string from `at` to its closing quote.
pub(super) fn scan(bytes: &[u8], mut at: usize) -> Scanned {
    let mut escapes = Escapes::None;
    'blocks: loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(block) = rest.first_chunk::<16>() else {
            break;
        };
        let mut stops = stops_in(u8x16::new(*block));
        while stops != 0 {
            let stop = stops.trailing_zeros() as usize;
            match block[stop & 15] {
                b'"' => return Scanned::End(at + stop, escapes),
                b'\\' => {
                    match block.get(stop + 1) {
                        // The escaped byte is not a stop, and no further block has to be loaded.
                        Some(escaped) if is_usual_escape(*escaped) => {
                            escapes = escapes.and(Escapes::Usual);
                            stops &= !(0b11 << stop);
                        }
                        _ => match escape_len(&rest[stop..]) {
                            Ok(len) => {
                                escapes = escapes.and(Escapes::of(rest[stop + 1]));
                                at += stop + len;
                                continue 'blocks;
                            }
                            Err((offset, expected)) => {
                                return Scanned::Broken(at + stop + offset, expected);
                            }
                        },
                    }
                }
                _ => return Scanned::Broken(at + stop, CONTROL),
            }
        }
        at += 16;
    }
    loop {
        match bytes.get(at) {
            Some(b'"') => return Scanned::End(at, escapes),
            Some(b'\\') => match escape_len(&bytes[at..]) {
                Ok(len) => {
                    escapes = escapes.and(Escapes::of(bytes[at + 1]));
                    at += len;
                }
                Err((offset, expected)) => return Scanned::Broken(at + offset, expected),
            },
            Some(0..0x20) => return Scanned::Broken(at, CONTROL),
            Some(_) => at += 1,
            None => return Scanned::Broken(bytes.len(), "the string's closing quote"),
        }
    }
}

const CONTROL: &str = "an escape instead of a control character";

impl Escapes {
    /// The kind of the escape whose second byte is `escaped`.
    fn of(escaped: u8) -> Self {
        match is_usual_escape(escaped) {
            true => Self::Usual,
            false => Self::Other,
        }
    }

    fn and(self, other: Self) -> Self {
        match self {
            Self::Other => self,
            _ => other,
        }
    }
}

fn is_usual_escape(escaped: u8) -> bool {
    matches!(escaped, b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't')
}

/// The length of the escape at the start of `bytes`; otherwise where it is malformed, and what was
/// expected.
fn escape_len(bytes: &[u8]) -> Result<usize, (usize, &'static str)> {
    match bytes.get(1) {
        Some(escaped) if is_usual_escape(*escaped) || *escaped == b'/' => Ok(2),
        Some(b'u') => {
            let digits = bytes[2..].iter().take(4);
            match digits.take_while(|byte| byte.is_ascii_hexdigit()).count() {
                4 => Ok(6),
                digits => Err((2 + digits, "four hexadecimal digits")),
            }
        }
        _ => Err((1, "one of \"\\/bfnrtu after the backslash")),
    }
}

/// A bit for each quote, backslash and control character, the first one lowest.
#[inline]
fn stops_in(block: u8x16) -> u32 {
    let quotes = block.simd_eq(u8x16::splat(b'"'));
    let backslashes = block.simd_eq(u8x16::splat(b'\\'));
    let controls = block.min(u8x16::splat(0x1f)).simd_eq(block);
    (quotes | backslashes | controls).to_bitmask()
}

/// The text of a string whose grammar was checked, given without its quotes. `None` if it is not
/// valid Unicode: bytes that are not UTF-8, or half of a surrogate pair.
pub(crate) fn decode(raw: &[u8]) -> Option<Cow<'_, str>> {
    let raw = std::str::from_utf8(raw).ok()?;
    let Some(mut backslash) = memchr::memchr(b'\\', raw.as_bytes()) else {
        return Some(Cow::Borrowed(raw));
    };
    let (mut text, mut rest) = (String::with_capacity(raw.len()), raw);
    loop {
        text.push_str(rest.get(..backslash)?);
        let (character, len) = escape(rest.get(backslash..)?)?;
        text.push(character);
        rest = rest.get(backslash + len..)?;
        match memchr::memchr(b'\\', rest.as_bytes()) {
            Some(next) => backslash = next,
            None => {
                text.push_str(rest);
                return Some(Cow::Owned(text));
            }
        }
    }
}

/// The character of the escape at the start of `text`, and the escape's length.
fn escape(text: &str) -> Option<(char, usize)> {
    let character = match text.as_bytes().get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text),
        other => char::from(*other),
    };
    Some((character, 2))
}

fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let hex = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(hex, 16).ok()
    };
    let first = unit(0)?;
    match char::from_u32(u32::from(first)) {
        Some(character) => Some((character, 6)),
        None => {
            let mut pair = char::decode_utf16([first, unit(6)?]);
            Some((pair.next()?.ok()?, 12))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decodes_like_the_grammar_says() {
        let table = [
            (r"plain", Some("plain")),
            (r"\u6a21\u578b", Some("模型")),
            (r"mod\u0065l", Some("model")),
            (r#"\"\\\/\b\f\n\r\t"#, Some("\"\\/\u{8}\u{c}\n\r\t")),
            (r"\ud83d\ude00!", Some("😀!")),
            (r"\ud83d", None),
            (r"\ude00\ud83d", None),
            (r"\ud83dx", None),
            (r"\ud83d\u0041", None),
        ];
        for (raw, text) in table {
            assert_eq!(decode(raw.as_bytes()).as_deref(), text, "{raw}");
        }
        assert_eq!(decode(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn ends_where_a_byte_by_byte_reading_does(bytes in proptest::collection::vec(
            prop_oneof![
                12 => 0x20..=0xffu8, 1 => Just(b'"'), 4 => Just(b'\\'), 2 => Just(b'u'), 2 => Just(b'n'),
                3 => b'0'..=b'9', 1 => 0..0x20u8,
            ],
            0..100,
        ), pad in 0..80usize) {
            let bytes = [vec![b'a'; pad], bytes].concat();
            // Fewer than sixteen bytes are read one by one.
            let mut at = 0;
            let naive = loop {
                match bytes.get(at) {
                    Some(b'"') => break Some(at),
                    Some(b'\\') => match escape_len(&bytes[at..]) {
                        Ok(len) => at += len,
                        Err(_) => break None,
                    },
                    Some(0..0x20) | None => break None,
                    Some(_) => at += 1,
                }
            };
            let short = short_len(&bytes);
            prop_assert!(short.is_none() || short == naive);
            match scan(&bytes, 0) {
                Scanned::End(end, escapes) => {
                    prop_assert_eq!(Some(end), naive);
                    let text = decode(&bytes[..end]);
                    prop_assert_eq!(escapes == Escapes::None, !bytes[..end].contains(&b'\\'));
                    if let (Some(text), true) = (text, escapes != Escapes::Other) {
                        let usual = serde_json::to_string(&text).unwrap();
                        prop_assert_eq!(&bytes[..end], &usual.as_bytes()[1..usual.len() - 1]);
                    }
                }
                Scanned::Broken(offset, _) => {
                    prop_assert_eq!(naive, None);
                    prop_assert!(offset >= at && offset <= bytes.len());
                }
            }
        }

        #[test]
        fn decodes_like_serde_json(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let raw = &json.as_bytes()[1..json.len() - 1];
            let decoded = decode(raw);
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
        }
    }
}
