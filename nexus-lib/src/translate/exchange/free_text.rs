//! Free text as the arguments of a function: a JSON object with one string.

use serde_json::{Value, json};

/// The function's only parameter.
pub(crate) const INPUT: &str = "input";

/// What precedes and follows the text in the arguments.
pub(crate) const HEAD: &str = r#"{"input":""#;
pub(crate) const TAIL: &str = r#""}"#;

/// `text` as the inside of a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// The arguments for `text`.
pub(crate) fn wrap(text: &str) -> String {
    json!({ INPUT: text }).to_string()
}

/// The text in `arguments`. If the model wrote them badly, the only string in them is meant, or all
/// that it wrote.
pub(crate) fn unwrap(arguments: &str) -> String {
    match serde_json::from_str(arguments) {
        Ok(Value::String(text)) => text,
        Ok(Value::Object(mut members)) => match members.remove(INPUT) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => {
                let mut texts = members.values().filter_map(Value::as_str);
                match (texts.next(), texts.next()) {
                    (Some(only), None) => only.to_owned(),
                    _ if members.is_empty() => String::new(),
                    _ => arguments.to_owned(),
                }
            }
        },
        _ => arguments.to_owned(),
    }
}

/// Extracts the text from arguments that arrive in fragments, reading each once.
#[derive(Debug, Default)]
pub(crate) struct Unwrapping {
    arguments: String,
    state: State,
    /// How many bytes of the text were returned.
    given: usize,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// The start has not arrived.
    #[default]
    Before,
    /// The text was returned up to this byte.
    Inside(usize),
    /// All of it was returned, or it is not a plain string and is returned at the end.
    Over,
}

/// How far the start of the text is searched for.
const MAX_HEAD_BYTES: usize = 64;

impl Unwrapping {
    /// The text that `piece` adds.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        self.arguments.push_str(piece);
        if matches!(self.state, State::Before) {
            self.state = match text_start(&self.arguments) {
                Some(start) => State::Inside(start),
                None if self.arguments.len() > MAX_HEAD_BYTES => State::Over,
                None => State::Before,
            };
        }
        let State::Inside(start) = self.state else {
            return String::new();
        };
        let raw = &self.arguments[start..];
        let (length, is_over) = whole_characters(raw.as_bytes());
        let quoted = ["\"", &raw[..length], "\""].concat();
        let text: Option<String> = serde_json::from_str(&quoted).ok();
        self.state = match (is_over, &text) {
            (false, Some(_)) => State::Inside(start + length),
            _ => State::Over,
        };
        let text = text.unwrap_or_default();
        self.given += text.len();
        text
    }

    /// The whole text, and the part that was not returned yet.
    pub(crate) fn end(&self) -> (String, String) {
        let whole = unwrap(&self.arguments);
        let missing = whole.get(self.given..).unwrap_or_default().to_owned();
        (whole, missing)
    }

    /// The whole text.
    pub(crate) fn text(&self) -> String {
        unwrap(&self.arguments)
    }
}

/// The start of the text in `{"input":"…`.
fn text_start(arguments: &str) -> Option<usize> {
    let mut rest = arguments.trim_start();
    for token in ["{", "\"input\"", ":"] {
        rest = rest.strip_prefix(token)?.trim_start();
    }
    rest.strip_prefix('"')
        .map(|text| arguments.len() - text.len())
}

/// How many bytes of the inside of a JSON string are whole characters, and whether the string ends
/// after them.
fn whole_characters(raw: &[u8]) -> (usize, bool) {
    let mut at = 0;
    loop {
        let Some(found) = memchr::memchr2(b'"', b'\\', &raw[at..]) else {
            return (raw.len(), false);
        };
        at += found;
        if raw[at] == b'"' {
            return (at, true);
        }
        let length = match raw.get(at + 1) {
            Some(b'u') => match raw.get(at + 2..at + 4) {
                // The first half of a surrogate pair.
                Some([b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B']) => 12,
                _ => 6,
            },
            _ => 2,
        };
        if raw.len() < at + length {
            return (at, false);
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_out_however_its_arguments_are_cut(
            text in any::<String>(), escapes: bool, blank in "[ \n]{0,3}", size in 1..20usize,
        ) {
            let mut arguments = wrap(&text).replacen(':', &format!("{blank}:{blank}"), 1);
            if escapes {
                let escaped = arguments.chars().flat_map(|letter| {
                    let mut units = [0; 2];
                    let units = letter.encode_utf16(&mut units).to_vec();
                    match letter.is_ascii() {
                        true => vec![letter.to_string()],
                        false => units.iter().map(|unit| format!("\\u{unit:04x}")).collect(),
                    }
                });
                arguments = escaped.collect();
            }
            prop_assert_eq!(&unwrap(&arguments), &text);
            let letters: Vec<char> = arguments.chars().collect();
            let mut unwrapping = Unwrapping::default();
            let mut unwrapped = String::new();
            for piece in letters.chunks(size) {
                unwrapped += &unwrapping.push(&piece.iter().collect::<String>());
            }
            prop_assert_eq!(&unwrapped, &text);
            prop_assert_eq!(unwrapping.end(), (text, String::new()));
        }
    }

    #[test]
    fn what_is_badly_written_is_the_text_that_was_meant() {
        for (arguments, text) in [
            (r#"{"patch":"*** Begin"}"#, "*** Begin"),
            (r#""*** Begin""#, "*** Begin"),
            ("*** Begin", "*** Begin"),
            ("{}", ""),
            (r#"{"input":{"a":1}}"#, r#"{"a":1}"#),
            (r#"{"input":"cut"#, r#"{"input":"cut"#),
        ] {
            assert_eq!(unwrap(arguments), text, "{arguments}");
        }
        let mut unwrapping = Unwrapping::default();
        assert_eq!(unwrapping.push(r#"{"patch":"#), "");
        assert_eq!(unwrapping.push(r#""x"}"#), "");
        assert_eq!(unwrapping.end(), ("x".to_owned(), "x".to_owned()));
    }
}
