use std::borrow::Cow;

/// The length of the part of `bytes` that a JSON string may hold as it is: up to the first quote,
/// backslash or control character. `has_controls` says whether there may be one of the last at all: a
/// text without any, as most are, needs one search less.
pub(super) fn plain_len(bytes: &[u8], has_controls: bool) -> usize {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let stops = stops_in(u64::from_le_bytes(*word));
        if stops != 0 {
            return at + stops.trailing_zeros() as usize / 8;
        }
        at += 8;
        // A string of more than one word is likely to have many.
        if !has_controls {
            let rest = &bytes[at..];
            return at + memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| !is_stop(**byte)).count()
}

/// Whether there is a control character anywhere, line ends and tabs included.
pub(super) fn has_controls(bytes: &[u8]) -> bool {
    // Without an early exit inside, the compiler makes vector code of this.
    bytes
        .iter()
        .fold(false, |found, byte| found | (*byte < 0x20))
}

fn is_stop(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The high bit of the first byte that [`is_stop`]; bits above it mean nothing, as borrows run
/// upwards.
fn stops_in(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let quotes = is_zero(word ^ (ONES * b'"' as u64));
    let backslashes = is_zero(word ^ (ONES * b'\\' as u64));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & HIGHS
}

/// The text of a string whose grammar was checked, given without its quotes. `None` when it is no
/// Unicode: bytes that are not UTF-8, or half of a surrogate pair.
pub(super) fn decode(raw: &[u8]) -> Option<Cow<'_, str>> {
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

/// The character that the escape at the start of `text` means, and the escape's length.
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
        fn finds_the_first_stop(bytes in proptest::collection::vec(
            prop_oneof![8 => 0x20..=0xffu8, 1 => Just(b'"'), 1 => Just(b'\\'), 1 => 0..0x20u8],
            0..100,
        ), pad in 0..80usize) {
            let bytes = [vec![b'a'; pad], bytes].concat();
            let naive = bytes.iter().position(|byte| is_stop(*byte)).unwrap_or(bytes.len());
            prop_assert_eq!(plain_len(&bytes, has_controls(&bytes)), naive);
            prop_assert_eq!(plain_len(&bytes, true), naive);
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
