use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn scan(body: &str) -> Result<RequestScan> {
    RequestScan::of(body.as_bytes())
}

#[test]
fn reads_what_routing_needs() {
    let table = [
        (r#"{"model":"m","messages":[]}"#, "m", false, false),
        (
            r#"{"messages":[],"stream":true,"model":"m"}"#,
            "m",
            true,
            false,
        ),
        (
            r#"{"model":"m","messages":[],"stream":null}"#,
            "m",
            false,
            false,
        ),
        (
            r#" { "mod\u0065l" : "\u6a21/\"x\"" , "messages" : [{"model":"no"}] } "#,
            "模/\"x\"",
            false,
            false,
        ),
        (
            r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#,
            "m",
            true,
            true,
        ),
        (
            r#"{"model":"m","messages":[],"stream_options":{"include_usage":false,"x":1}}"#,
            "m",
            false,
            false,
        ),
    ];
    for (body, model, stream, include_usage) in table {
        let scan = scan(body).expect(body);
        let fields = (&*scan.model, scan.stream, scan.include_usage);
        assert_eq!(fields, (model, stream, include_usage), "{body}");
    }
}

#[test]
fn refuses_and_names_what_is_wrong() {
    let table = [
        (r#"{"messages":[]}"#, Some("model")),
        (r#"{"model":null,"messages":[]}"#, Some("model")),
        (r#"{"model":1,"messages":[]}"#, Some("model")),
        (r#"{"model":"","messages":[]}"#, Some("model")),
        (r#"{"model":"\ud800","messages":[]}"#, Some("model")),
        (r#"{"model":"m"}"#, Some("messages")),
        (r#"{"model":"m","messages":"hi"}"#, Some("messages")),
        (r#"{"model":"m","messages":null}"#, Some("messages")),
        (r#"{"model":"m","messages":[],"stream":1}"#, Some("stream")),
        (
            r#"{"model":"m","messages":[],"stream":"true"}"#,
            Some("stream"),
        ),
        (
            r#"{"model":"m","messages":[],"stream_options":[]}"#,
            Some("stream_options"),
        ),
        (
            r#"{"model":"m","messages":[],"stream_options":true}"#,
            Some("stream_options"),
        ),
        (
            r#"{"model":"m","messages":[],"stream_options":{"include_usage":1}}"#,
            Some("stream_options"),
        ),
        (r#"{"model":"m","messages":[],"model":"m"}"#, Some("model")),
        (
            r#"{"model":"m","messages":[],"mode\u006c":"n"}"#,
            Some("model"),
        ),
        (r#"{"model":"m","messages":[],"Model":"n"}"#, Some("model")),
        (
            r#"{"model":"m","messages":[],"messages":[]}"#,
            Some("messages"),
        ),
        (
            r#"{"model":"m","messages":[],"stream":true,"stream":false}"#,
            Some("stream"),
        ),
        (
            r#"{"model":"m","messages":[],"Stream":true}"#,
            Some("stream"),
        ),
        (
            r#"{"model":"m","messages":[],"ſtream":true}"#,
            Some("stream"),
        ),
        (
            r#"{"model":"m","messages":[],"stream_options":null,"stream_options":null}"#,
            Some("stream_options"),
        ),
        (
            r#"{"model":"m","messages":[],"stream_options":{"include_usage":true,"include_usage":false}}"#,
            Some("include_usage"),
        ),
        (r#"{"model":"m","messages":[]"#, None),
        (r#"{"model":"m","messages":[]} x"#, None),
        (r#"["model"]"#, None),
        ("", None),
    ];
    for (body, param) in table {
        let error = scan(body).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{body}");
        assert_eq!(error.param(), param, "{body}");
        let is_located = error.to_string().contains(" at line 1 column ");
        assert_eq!(is_located, param.is_none(), "{body}: {error}");
    }
    let deep = format!(r#"{{"model":"m","messages":{}}}"#, "[".repeat(1 << 16));
    assert!(scan(&deep).unwrap_err().to_string().contains("128 levels"));
}

#[test]
fn splices_without_touching_other_bytes() {
    let table = [
        (
            r#"{ "model" : "a", "messages":[ ], "stream":true, "n": 1.0e0 }"#,
            r#"{"stream_options":{"include_usage":true}, "model" : "b\"", "messages":[ ], "stream":true, "n": 1.0e0 }"#,
        ),
        (
            r#"{"stream":true,"stream_options": null ,"messages":[],"model":"a"}"#,
            r#"{"stream":true,"stream_options": {"include_usage":true} ,"messages":[],"model":"b\""}"#,
        ),
        (
            r#"{"stream":true,"stream_options":{ },"messages":[],"model":"a"}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true },"messages":[],"model":"b\""}"#,
        ),
        (
            r#"{"model":"a","stream":true,"stream_options":{"x":[1]},"messages":[]}"#,
            r#"{"model":"b\"","stream":true,"stream_options":{"include_usage":true,"x":[1]},"messages":[]}"#,
        ),
        (
            r#"{"model":"a","stream":true,"stream_options":{"x":1,"include_usage": false},"messages":[]}"#,
            r#"{"model":"b\"","stream":true,"stream_options":{"x":1,"include_usage": true},"messages":[]}"#,
        ),
        (
            r#"{"model":"a","stream":true,"stream_options":{"include_usage":null },"messages":[]}"#,
            r#"{"model":"b\"","stream":true,"stream_options":{"include_usage":true },"messages":[]}"#,
        ),
        (
            r#"{"model":"a","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#,
            r#"{"model":"b\"","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#,
        ),
        (
            r#"{"model":"a","stream":false,"messages":[]}"#,
            r#"{"model":"b\"","stream":false,"messages":[]}"#,
        ),
    ];
    for (body, spliced) in table {
        let scan = scan(body).unwrap();
        let edited = scan.splice(&body.into(), Some("b\""), true);
        assert_eq!(edited, spliced);
        let again = RequestScan::of(&edited).unwrap();
        assert_eq!(&*again.model, "b\"");
        assert!(again.include_usage || !again.stream);
    }
}

#[test]
fn gives_the_same_bytes_when_there_is_nothing_to_edit() {
    let body = Bytes::from_static(br#"{"mod\u0065l":"\u0061","messages":[],"stream":true}"#);
    let scan = RequestScan::of(&body).unwrap();
    let same = |bytes: Bytes| bytes.as_ptr() == body.as_ptr() && bytes.len() == body.len();
    assert!(same(scan.splice(&body, None, false)));
    assert!(same(scan.splice(&body, Some("a"), false)));
    assert!(!same(scan.splice(&body, Some("b"), false)));
    assert!(!same(scan.splice(&body, None, true)));
}

#[test]
fn survives_a_body_that_it_did_not_scan() {
    let body = r#"{"messages":[],"stream":true,"stream_options":{"x":1},"model":"long name"}"#;
    let scan = scan(body).unwrap();
    for other in ["", "{}", r#"{"model":"x"}"#] {
        assert_eq!(scan.splice(&other.into(), Some("y"), true), other);
    }
}

/// A value's JSON with whitespace wherever the grammar allows it.
fn spaced(value: &Value, space: &mut impl FnMut() -> &'static str) -> String {
    let items: Vec<String> = match value {
        Value::Array(items) => items.iter().map(|item| spaced(item, space)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| member(key, item, space))
            .collect(),
        other => return other.to_string(),
    };
    let (open, close) = if value.is_array() {
        ("[", "]")
    } else {
        ("{", "}")
    };
    let items: Vec<String> = items
        .iter()
        .map(|item| [space(), item, space()].concat())
        .collect();
    [open, space(), &items.join(","), close].concat()
}

fn member(key: &str, value: &Value, space: &mut impl FnMut() -> &'static str) -> String {
    let value = spaced(value, space);
    [&json!(key).to_string(), space(), ":", space(), &value].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn spliced_means_the_edited_request(
        model in "\\PC{1,12}",
        sent in proptest::option::of("\\PC{1,12}"),
        stream in prop_oneof![Just(None), Just(Some(Value::Null)), any::<bool>().prop_map(|on| Some(on.into()))],
        options in prop_oneof![
            Just(None), Just(Some(Value::Null)), Just(Some(json!({}))), Just(Some(json!({"x": [{}]}))),
            any::<bool>().prop_map(|on| Some(json!({"a": 1, "include_usage": on, "z": "模\"}"}))),
            Just(Some(json!({"include_usage": null}))),
        ],
        extra in proptest::collection::vec((any::<String>(), crate::wire::json::any_json()), 0..4),
        order in any::<u64>(),
        ask_usage in any::<bool>(),
    ) {
        let mut members = vec![
            ("model".to_owned(), json!(model)),
            ("messages".to_owned(), json!([{"role": "user", "content": "\"model\":\"x\", 你好"}])),
        ];
        members.extend(stream.clone().map(|value| ("stream".to_owned(), value)));
        members.extend(options.clone().map(|value| ("stream_options".to_owned(), value)));
        members.extend(extra.into_iter().enumerate().map(|(at, (key, value))| (format!("{at}{key}"), value)));
        let mut seed = order;
        let mut next = move || { seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); seed >> 33 };
        members.sort_by_cached_key(|_| next());
        let mut space = move || ["", "", " ", "\n", "\t\r\n"][(next() % 5) as usize];
        let text: Vec<String> = members.iter().map(|(key, value)| member(key, value, &mut space)).collect();
        let body = [space(), "{", space(), &text.join(","), space(), "}", space()].concat();

        let scan = RequestScan::of(body.as_bytes()).unwrap();
        prop_assert_eq!(&*scan.model, &model);
        prop_assert_eq!(scan.stream, stream == Some(Value::Bool(true)));
        let spliced = scan.splice(&body.clone().into(), sent.as_deref(), ask_usage);

        let mut wanted: Value = serde_json::from_str(&body).unwrap();
        if let Some(sent) = sent {
            wanted["model"] = sent.into();
        }
        if ask_usage && scan.stream {
            let mut asked = options.filter(Value::is_object).unwrap_or(json!({}));
            asked["include_usage"] = true.into();
            wanted["stream_options"] = asked;
        }
        prop_assert_eq!(serde_json::from_slice::<Value>(&spliced).unwrap(), wanted);
        prop_assert!(RequestScan::of(&spliced).is_ok());
    }

    #[test]
    fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = RequestScan::of(&body);
    }

    #[test]
    fn never_panics_on_near_requests(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = br#"{"model":"m","messages":[],"stream":true,"stream_options":{"a":0}}"#.to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(scan) = RequestScan::of(&body) {
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok());
            scan.splice(&body.into(), Some("other"), true);
        }
    }
}
