use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::error::ErrorKind;

const KEY: &str = "sk-canary/0123+456789";

fn seen(text: &str) -> String {
    String::from_utf8(redact(Bytes::copy_from_slice(text.as_bytes()), KEY).to_vec()).unwrap()
}

#[test]
fn every_repetition_of_the_key_is_masked() {
    let text = format!("{KEY}: no such key: {KEY}!");
    assert_eq!(seen(&text), "sk-…6789: no such key: sk-…6789!");
}

#[test]
fn other_text_is_not_copied() {
    let text = Bytes::from_static(b"quota \\u0041 %41 &amp; exceeded");
    assert_eq!(redact(text.clone(), KEY).as_ptr(), text.as_ptr());
}

#[test]
fn a_key_is_found_however_it_is_spelled_and_json_stays_json() {
    let every = |letter: &dyn Fn(char) -> String| KEY.chars().map(letter).collect::<String>();
    let unicode = every(&|letter| format!("\\u{:04X}", u32::from(letter)));
    let spellings = [
        KEY.to_owned(),
        KEY.replace('/', "\\/"),
        unicode.clone(),
        KEY.replace('s', "\\u0073"),
        unicode.replace('\\', "\\\\"),
        KEY.replace('/', "\\\\\\/"),
        every(&|letter| format!("%{:02x}", u32::from(letter))),
        KEY.replace('/', "%2F").replace('+', "%2B"),
        KEY.replace('/', "&#x2F;").replace('+', "&#43;"),
        BASE64_STANDARD.encode(KEY),
        BASE64_STANDARD.encode(format!(":{KEY}")),
        BASE64_STANDARD
            .encode(format!("user:{KEY}:x"))
            .replace('/', "\\/"),
        BASE64_URL_SAFE_NO_PAD.encode(format!("ab{KEY}")),
    ];
    for spelling in spellings {
        for before in ["", "key ", "\\n", "\\\\", "\\u00e9"] {
            if before.ends_with('\\') && spelling.starts_with('\\') {
                // Another encoding, of something else.
                continue;
            }
            let text = format!(r#"{{"error":{{"message":"{before}{spelling}, said","n":1.50}}}}"#);
            let masked = seen(&text);
            let value: Value = serde_json::from_str(&masked).unwrap();
            let message = value["error"]["message"].as_str().unwrap();
            assert!(message.ends_with(", said"), "{masked}");
            assert!(message.contains('…'), "{masked}");
            assert!(!masked.contains(&spelling), "{masked}");
            assert!(masked.ends_with(r#","n":1.50}}"#), "{masked}");
        }
    }
}

#[test]
fn keys_of_odd_letters_leave_valid_json() {
    for key in [
        r#"q"uote-0123456789"#,
        r"back\slash-01234",
        "nab-0123456789",
        r"end-01234567\",
    ] {
        for text in [
            json!({ "message": format!("a {key} b") }).to_string(),
            json!({ "message": json!({ "inner": key }).to_string() }).to_string(),
            format!(r#"{{"message":"\{}"}}"#, &key[..0].to_owned()).replace("\\\"", "\\n\""),
        ] {
            let masked = redact(Bytes::from(text.clone()), key);
            let value: Value = serde_json::from_slice(&masked).unwrap();
            assert!(!value.to_string().contains(key), "{value}");
        }
    }
}

#[test]
fn a_key_at_any_place_of_a_long_text_is_found() {
    for at in (0..300_000).step_by(7001) {
        let mut text = "x".repeat(300_000);
        text.insert_str(at, &KEY.replace('/', "\\u002f"));
        assert!(seen(&text).contains("sk-…6789"), "at {at}");
    }
}

#[test]
fn a_message_that_was_cut_within_the_key_shows_no_part_of_it() {
    let whole = format!("wrong key {KEY}");
    for cut in 16..whole.len() {
        let mut observed = Observed {
            error: Some(whole[..cut].into()),
            ..Observed::default()
        };
        redact_observed(&mut observed, KEY);
        assert_eq!(observed.error.as_deref(), Some("wrong key …"), "{cut}");
    }
}

#[test]
fn headers_are_masked_under_any_name() {
    let mut headers = HeaderMap::new();
    let echo = HeaderValue::from_str(&format!("Bearer {KEY}; q=1")).unwrap();
    headers.insert("x-debug", echo.clone());
    headers.append("x-debug", echo);
    headers.insert(
        "x-other",
        HeaderValue::from_static("a rather long value of no concern"),
    );
    let named = HeaderName::from_bytes(b"x-sk-canary-0123456789").unwrap();
    headers.insert(named, HeaderValue::from_static("1"));
    redact_headers(&mut headers, KEY);
    let debug: Vec<_> = headers.get_all("x-debug").iter().collect();
    assert_eq!(debug, ["Bearer ...; q=1", "Bearer ...; q=1"]);
    redact_headers(&mut headers, "SK-canary-0123456789");
    assert_eq!(headers.len(), 3);
}

#[test]
fn an_error_and_its_causes_are_masked() {
    let error = Error::new(ErrorKind::UpstreamInvalid, format!("it says {KEY}"))
        .with_source(format!("because of {KEY}"));
    let masked = redact_error(error, KEY);
    assert_eq!(masked.to_string(), "it says sk-…6789");
    assert!(!format!("{masked:?} {}", masked.report()).contains(KEY));
    assert_eq!(masked.kind(), ErrorKind::UpstreamInvalid);
}

proptest! {
    #[test]
    fn whatever_surrounds_it(before in "[ -~]{0,40}", after in "[ -~]{0,40}") {
        let message = format!("{before}{KEY}{after}");
        let text = json!({ "message": message }).to_string();
        let masked = redact(Bytes::from(text), KEY);
        let value: Value = serde_json::from_slice(&masked).unwrap();
        prop_assert!(!value.to_string().contains(KEY));
    }

    #[test]
    fn any_bytes(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        redact(Bytes::from(text), KEY);
    }
}
