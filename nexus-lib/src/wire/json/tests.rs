use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::{Cursor, elements, members};

fn accepts(json: &[u8]) -> bool {
    let walk = || {
        let mut cursor = Cursor::of_text(json)?;
        cursor.skip()?;
        cursor.end()
    };
    walk().is_ok()
}

/// serde_json, which does not check the bytes of strings that it ignores.
fn serde_accepts(json: &[u8]) -> bool {
    std::str::from_utf8(json).is_ok() && serde_json::from_slice::<IgnoredAny>(json).is_ok()
}

#[test]
fn agrees_with_the_grammar() {
    let good = [
        "null",
        " true ",
        "false",
        "0",
        "-0",
        "-0.0e-0",
        "1E+9",
        "12.50",
        "\"\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[1,2]",
        "[[],{}]",
        r#"{"a":{"b":[1,{"c":null}]},"a":2}"#,
        "\t\r\n[1\n,\t2 ]\r",
        r#""\ud800""#,
        r#""\u00eF\/""#,
        "\"模型\"",
    ];
    for json in good {
        assert!(accepts(json.as_bytes()), "{json}");
        assert!(serde_accepts(json.as_bytes()), "{json}");
    }
    let bad = [
        "",
        " ",
        "nul",
        "True",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1.e3",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12\"",
        "\"a\nb\"",
        "\"\u{0}\"",
        "'a'",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "]",
        "{",
        "{a:1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{1:2}",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "{}{}",
        "[] ,",
        "\u{feff}{}",
        "/**/1",
        "{\"a\":1 \"b\":2}",
        "\u{a0}1",
    ];
    for json in bad {
        assert!(!accepts(json.as_bytes()), "{json}");
        assert!(!serde_accepts(json.as_bytes()), "{json}");
    }
    assert!(!accepts(b"\"\xff\""));
}

#[test]
fn limits_the_depth() {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(accepts(&nested(128)));
    assert!(!accepts(&nested(129)));
    assert!(!accepts(&vec![b'['; 1 << 20]));
    let inside = |depth: usize| [b"{\"a\":", &nested(depth)[..], b"}"].concat();
    assert!(members(&inside(127), |_, _| ()).is_ok());
    let error = members(&inside(128), |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("128 levels"), "{error}");
    let mixed = "{\"a\":[".repeat(64) + &"]}".repeat(64);
    assert!(accepts(mixed.as_bytes()));
    let mixed = "{\"a\":[".repeat(64) + "{}" + &"]}".repeat(64);
    assert!(!accepts(mixed.as_bytes()));
}

#[test]
fn reports_line_column_and_what_was_expected() {
    let error = |json: &[u8]| members(json, |_, _| ()).unwrap_err().to_string();
    assert_eq!(
        error(b"{\n  \"a\": 1,\n  \"b\" 2\n}"),
        "malformed JSON: expected `:` at line 3 column 7"
    );
    assert!(error("{\"模型\": x}".as_bytes()).ends_with("a value at line 1 column 8"));
    assert!(error(b"[1]").ends_with("an object at line 1 column 1"));
    assert!(error(b"{} x").ends_with("the end at line 1 column 4"));
    assert!(error(b"{\"a\":\"\xe6\xa8\"}").ends_with("UTF-8 at line 1 column 7"));
    assert!(error(b"{\"a\":\"\n\"}").contains("control character at line 1 column 7"));
    assert!(error(b"").ends_with("an object at line 1 column 1"));
}

#[test]
fn gives_members_and_elements() {
    let json = br#" { "mod\u0065l" : "x" , "n":[1, {"a":"b"} ],"\ud800":null} "#;
    let mut found = Vec::new();
    members(json, |key, value| {
        found.push((key.into_owned(), &json[value]))
    })
    .unwrap();
    assert_eq!(found[0], ("model".to_owned(), &br#""x""#[..]));
    assert_eq!(found[1], ("n".to_owned(), &br#"[1, {"a":"b"} ]"#[..]));
    assert_eq!(found[2].0, "\u{fffd}");
    let json = br#"[1, {"a":"b"} ]"#;
    let mut found = Vec::new();
    elements(json, |value| found.push(&json[value])).unwrap();
    assert_eq!(found, [&b"1"[..], br#"{"a":"b"}"#]);
    assert!(elements(b"{}", |_| ()).is_err());
    assert!(elements(b"[1]]", |_| ()).is_err());
}

/// Bytes that are almost JSON.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("\""),
        Just("\\"),
        Just("\"a\""),
        Just("\"a\":"),
        Just("1"),
        Just("-"),
        Just("0"),
        Just("."),
        Just("e"),
        Just("null"),
        Just("true"),
        Just(" "),
        Just("\n"),
        Just("\\u00e9"),
        Just("模"),
    ];
    proptest::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat().into_bytes())
}

pub(crate) fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,80}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn accepts_what_serde_json_writes(value in any_json(), pretty in any::<bool>()) {
        let json = match pretty {
            true => serde_json::to_vec_pretty(&value).unwrap(),
            false => serde_json::to_vec(&value).unwrap(),
        };
        prop_assert!(accepts(&json));
    }

    #[test]
    fn agrees_with_serde_json_on_near_misses(json in nearly_json()) {
        prop_assert_eq!(accepts(&json), serde_accepts(&json));
    }

    #[test]
    fn agrees_with_serde_json_on_mutations(
        value in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut json = serde_json::to_vec(&value).unwrap();
        let at = at.index(json.len());
        match cut {
            true => drop(json.remove(at)),
            false => json[at] = byte,
        }
        prop_assert_eq!(accepts(&json), serde_accepts(&json));
    }

    #[test]
    fn never_panics(json in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert_eq!(accepts(&json), serde_accepts(&json));
        let _ = members(&json, |_, _| ());
        let _ = elements(&json, |_| ());
    }
}
