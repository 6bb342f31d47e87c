use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

/// The start of an escaped surrogate.
static SURROGATES: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| ["\\ud", "\\uD"].map(Finder::new));

/// JSON, or lines of it, with U+FFFD in place of invalid bytes and escapes. One bad byte is no
/// reason to lose an answer.
pub(crate) fn mended(json: &[u8]) -> Cow<'_, [u8]> {
    let json = without_mark(json);
    match simdutf8::basic::from_utf8(json) {
        Ok(_) => paired(json),
        Err(_) => {
            let text = String::from_utf8_lossy(json).into_owned().into_bytes();
            paired(&text).into_owned().into()
        }
    }
}

/// JSON with U+FFFD in place of unpaired surrogates, at the same positions. A client that cuts a
/// text between two of them sends such a half; parsers differ in what they make of it.
pub(crate) fn paired(json: &[u8]) -> Cow<'_, [u8]> {
    // Most JSON has no escapes at all, and images have none in megabytes.
    let escapes = memchr::memchr(b'\\', json).map(|at| &json[at..]);
    let has_surrogates = escapes.is_some_and(|escapes| {
        SURROGATES
            .iter()
            .any(|escape| escape.find(escapes).is_some())
    });
    match has_surrogates.then(|| lone_surrogates(json)) {
        Some(lone) if !lone.is_empty() => {
            let mut paired = json.to_vec();
            for at in lone {
                paired[at..at + 6].copy_from_slice(b"\\ufffd");
            }
            paired.into()
        }
        _ => json.into(),
    }
}

/// `text` without the byte order mark that some servers send.
pub(crate) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// The positions of unpaired escaped surrogates.
fn lone_surrogates(json: &[u8]) -> Vec<usize> {
    let mut lone = Vec::new();
    let mut from = 0;
    while let Some(at) = json
        .get(from..)
        .and_then(|rest| memchr::memchr(b'\\', rest))
    {
        let at = from + at;
        from = match (escaped(json, at), escaped(json, at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at + 12,
            (Some(0xd800..=0xdfff), _) => {
                lone.push(at);
                at + 6
            }
            (Some(_), _) => at + 6,
            (None, _) => at + 2,
        };
    }
    lone
}

/// The number of the escape `\uXXXX` at `at`, if there is one.
fn escaped(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_no_character_is_replaced() {
        let table: [(&[u8], &str); 7] = [
            (br#""\ud83d""#, r#""\ufffd""#),
            (br#""\uDE00\uD83D""#, r#""\ufffd\ufffd""#),
            (br#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (br#""\\ud83d \\\ud83d""#, r#""\\ud83d \\\ufffd""#),
            (br#""\ud83d\n""#, r#""\ufffd\n""#),
            (b"\"a\xffb\"", "\"a\u{fffd}b\""),
            (b"\"\xff\\ud83d\"", "\"\u{fffd}\\ufffd\""),
        ];
        for (json, expected) in table {
            assert_eq!(&*mended(json), expected.as_bytes());
            serde_json::from_slice::<String>(&mended(json)).unwrap();
        }
    }

    #[test]
    fn a_byte_order_mark_is_left_out() {
        assert_eq!(&*mended(b"\xef\xbb\xbf{}"), b"{}");
    }

    #[test]
    fn all_else_is_not_copied() {
        for json in [
            &br#""\ud83d\ude00 \u00e9""#[..],
            "\"世\"".as_bytes(),
            b"\\u",
        ] {
            assert!(matches!(mended(json), Cow::Borrowed(_)));
        }
    }
}
