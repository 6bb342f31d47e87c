use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::text;
use crate::wire::json::{Escapes, decode};

/// Up to this limit, whole numbers are equal whether written with a fraction or without.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The fingerprint of a tool call's arguments as a `field`: JSON inside the JSON string `raw`,
/// given without its quotes.
///
/// Agents parse arguments and serialise them again, with other whitespace, escapes, numbers and
/// member order. The meaning is the same. Arguments that are not JSON are compared as text.
pub(super) fn print(field: u64, raw: &[u8], escapes: Escapes) -> u128 {
    let text = match escapes {
        Escapes::None => str::from_utf8(raw).ok().map(Into::into),
        _ => decode(raw),
    };
    match text.as_deref().and_then(usual) {
        Some(usual) => xxh3_128_with_seed(&usual, field),
        None => text::print(field, raw, escapes),
    }
}

/// The same for arguments that are an object instead of a string.
pub(super) fn print_object(field: u64, json: &[u8]) -> u128 {
    let text = str::from_utf8(json).ok();
    match text.and_then(usual) {
        Some(usual) => xxh3_128_with_seed(&usual, field),
        None => xxh3_128_with_seed(json, field),
    }
}

/// JSON in canonical form; `None` if it is not JSON. Empty text and null mean no arguments.
fn usual(json: &str) -> Option<Vec<u8>> {
    let value = match json.trim_ascii() {
        "" => Value::Null,
        json => serde_json::from_str(json).ok()?,
    };
    let mut usual = Vec::with_capacity(json.len());
    match value {
        Value::Null => usual.extend_from_slice(b"{}"),
        value => write(&value, &mut usual),
    }
    Some(usual)
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (name, value) in members {
                // Writing strings into a growing buffer cannot fail.
                let _ = serde_json::to_writer(&mut *out, name);
                out.push(b':');
                write(value, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(elements) => {
            out.push(b'[');
            for element in elements {
                write(element, out);
                out.push(b',');
            }
            out.push(b']');
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= MAX_WHOLE => {
                out.extend_from_slice(format!("{float:.0}").as_bytes());
            }
            _ => out.extend_from_slice(number.to_string().as_bytes()),
        },
        other => {
            let _ = serde_json::to_writer(&mut *out, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        usual(one) == usual(other)
    }

    #[test]
    fn what_is_written_otherwise_is_the_same() {
        for (one, other) in [
            (r#"{"a": 1, "b": [1, 2]}"#, r#"{"b":[1,2],"a":1}"#),
            (r#"{"a":"\u6a21\/x"}"#, r#"{"a":"模/x"}"#),
            (
                r#"{"a":1.0,"b":1.50,"c":-0.0}"#,
                r#"{"a":1,"b":1.5,"c":-0}"#,
            ),
            ("", "{}"),
            ("null", " { } "),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn different_content_has_a_different_print() {
        for (one, other) in [
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":1}"#, r#"{"a":1.5}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
            (r#"{"a":"x y"}"#, r#"{"a":"xy"}"#),
            (r#"{"a":null}"#, "{}"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
        assert_eq!(usual("{oops"), None);
    }
}
