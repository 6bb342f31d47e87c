//! What Anthropic rejects.

use serde_json::json;

use super::*;
use crate::translate::ClientProtocol::{Chat, Responses};

fn to_claude(messages: Value, more: Value) -> Sent {
    ok(Chat, &chat(messages, more), CLAUDE)
}

#[test]
fn librechat_agents_124_texts_and_stops_of_blanks_are_left_out() {
    let history = json!([user("hi"), assistant(" \n"), user("you there?")]);
    let sent = to_claude(history, json!({"stop": ["\n", "END", ""]}));
    let texts = json!([{"type": "text", "text": "hi"}, {"type": "text", "text": "you there?"}]);
    assert_eq!(sent.body["messages"], json!([user(texts)]));
    assert_eq!(sent.body["stop_sequences"], json!(["END"]));
    assert_eq!(sent.left_out, ["stop"]);
    let mut output = calls([call("a", "f", "{}")]);
    output["content"] = json!("\n\n");
    let sent = to_claude(
        json!([user("go"), output, result("a", " ")]),
        json!({"stop": ["\n"]}),
    );
    assert_eq!(sent.body["messages"][1]["content"][0]["type"], "tool_use");
    assert_eq!(sent.body["stop_sequences"], Value::Null);
    // Others accept them.
    let sent = ok(
        Chat,
        &chat(json!([user("hi")]), json!({"stop": ["\n"]})),
        SERVER,
    );
    assert_eq!(sent.body["stop"], json!(["\n"]));
}

#[test]
fn marinara_engine_2673_blanks_at_the_end_of_a_prefill_are_cut() {
    let sent = to_claude(json!([user("hi"), assistant("Sure: \n")]), json!({}));
    let last = json!({"role": "assistant", "content": "Sure:"});
    assert_eq!(sent.body["messages"][1], last);
    // In the middle they stay.
    let sent = to_claude(
        json!([user("hi"), assistant("Sure: \n"), user("on")]),
        json!({}),
    );
    assert_eq!(sent.body["messages"][1]["content"], "Sure: \n");
}

#[test]
fn the_person_speaks_first_and_last_where_it_must() {
    let sent = to_claude(json!([assistant("Hello!"), user("hi")]), json!({}));
    assert_eq!(sent.body["messages"][0]["role"], "user");
    assert_eq!(sent.body["messages"][1]["content"], "Hello!");
    let sent = to_claude(json!([{"role": "system", "content": "Say hi."}]), json!({}));
    assert_eq!(
        sent.body["messages"],
        json!([{"role": "user", "content": "Say hi."}])
    );
    assert_eq!(sent.body["system"], Value::Null);
    let newer = (ProviderProtocol::Messages, Vendor::Other, "claude-opus-4-6");
    let body = chat(json!([user("hi"), assistant("Sure:")]), json!({}));
    let sent = ok(Chat, &body, newer);
    assert_eq!(sent.body["messages"][2]["role"], "user");
    // A final assistant message has no reasoning before it.
    let body = chat(
        json!([user("hi"), assistant("Sure:")]),
        json!({"reasoning_effort": "low"}),
    );
    let sent = ok(Chat, &body, CLAUDE);
    assert_eq!(sent.body["thinking"], Value::Null);
    assert_eq!(sent.left_out, ["reasoning_effort"]);
}

#[test]
fn litellm_35808_schemas_are_closed_on_every_object() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "z": {"type": "array", "minItems": 2, "items": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}},
            "a": {"anyOf": [{"$ref": "#/$defs/P", "description": "x"}, {"type": "null"}]},
            "m": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
            "when": {"type": "string", "format": "date-time"},
            "code": {"type": "string", "format": "regex", "description": "A code."},
        },
        "required": ["z"],
        "$defs": {"P": {"properties": {"q": {"const": 1}}}},
    });
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let sent = to_claude(json!([user("hi")]), json!({"response_format": format}));
    let expected = json!({
        "type": "object",
        "properties": {
            "z": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}},
                    "additionalProperties": false,
                },
                "description": "{minItems: 2}",
            },
            "a": {"anyOf": [{"$ref": "#/$defs/P"}, {"type": "null"}]},
            "m": {"type": ["object", "null"], "properties": {}, "additionalProperties": false},
            "when": {"type": "string", "format": "date-time"},
            "code": {"type": "string", "description": "A code.\n\n{format: \"regex\"}"},
        },
        "required": ["z"],
        "$defs": {"P": {"properties": {"q": {"const": 1}}, "additionalProperties": false}},
        "additionalProperties": false,
    });
    let actual = &sent.body["output_config"]["format"]["schema"];
    assert_eq!(*actual, expected);
    let order: Vec<&String> = actual["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        order,
        ["z", "a", "m", "when", "code"],
        "answers follow this order"
    );
    let responses = json!({"model": "m", "input": "hi", "text": {"format": {"type": "json_schema", "name": "x",
        "schema": object(json!({"a": object(json!({}))}))}}});
    let sent = ok(Responses, &responses, CLAUDE);
    let actual = &sent.body["output_config"]["format"]["schema"];
    assert_eq!(actual["properties"]["a"]["additionalProperties"], false);
}

#[test]
fn strict_tools_are_closed_and_others_stay() {
    let parameters = object(json!({"a": {"type": "integer", "minimum": 1}}));
    let mut strict = function("f", parameters.clone());
    strict["function"]["strict"] = json!(true);
    let sent = to_claude(
        json!([user("hi")]),
        json!({"tools": [strict, function("g", parameters.clone())]}),
    );
    assert_eq!(
        sent.body["tools"][0]["input_schema"]["additionalProperties"],
        false
    );
    assert_eq!(sent.body["tools"][1]["input_schema"], parameters);
    // Many leave the type out.
    let sent = to_claude(
        json!([user("hi")]),
        json!({"tools": [function("f", json!({"properties": {}}))]}),
    );
    assert_eq!(sent.body["tools"][0]["input_schema"]["type"], "object");
}

#[test]
fn some_json_is_asked_for_in_words() {
    let format = json!({"response_format": {"type": "json_object"}});
    let messages =
        json!([{"role": "system", "content": "Be brief."}, user("List two colours as JSON.")]);
    for is_strict in [false, true] {
        let sent = sent(
            Chat,
            &chat(messages.clone(), format.clone()),
            CLAUDE,
            is_strict,
        )
        .unwrap();
        assert_eq!(sent.left_out, Vec::<String>::new());
        assert_eq!(sent.body["system"][0]["text"], "Be brief.");
        assert!(
            sent.body["system"][1]["text"]
                .as_str()
                .unwrap()
                .contains("JSON object")
        );
    }
}

#[test]
fn calls_without_tools_are_declared() {
    let history = json!([
        user("go"),
        calls([call("a", "f", "{}")]),
        result("a", "1"),
        user("sum up")
    ]);
    let sent = to_claude(
        history,
        json!({"tools": [], "tool_choice": "none", "parallel_tool_calls": true}),
    );
    assert_eq!(sent.body["tools"][0]["name"], "f");
    assert_eq!(sent.body["tool_choice"], json!({"type": "none"}));
    assert_eq!(sent.left_out, Vec::<String>::new());
}

#[test]
fn no_more_is_asked_for_than_the_model_can_say() {
    for (model, asked, most) in [
        ("claude-3-haiku-20240307", 8192, 4096),
        ("claude-3-5-haiku-20241022", 32_000, 8192),
        ("claude-opus-4-20250514", 64_000, 32_000),
        ("claude-sonnet-4-5", 200_000, 64_000),
        ("claude-opus-4-6", 128_000, 128_000),
        ("some-model", 128_000, 128_000),
    ] {
        let to = (ProviderProtocol::Messages, Vendor::Other, model);
        let sent = ok(
            Chat,
            &chat(json!([user("hi")]), json!({"max_tokens": asked})),
            to,
        );
        assert_eq!(sent.body["max_tokens"], most, "{model}");
        assert_eq!(sent.left_out.is_empty(), asked == most);
    }
}

#[test]
fn a_users_name_that_is_too_long_still_names_one() {
    let user_id = |name: String, to| {
        let sent = ok(Chat, &chat(json!([user("hi")]), json!({"user": name})), to);
        let named = [&sent.body["metadata"]["user_id"], &sent.body["user"]];
        named
            .iter()
            .find_map(|name| name.as_str())
            .unwrap()
            .to_owned()
    };
    assert_eq!(user_id("u".repeat(256), CLAUDE).len(), 256);
    assert_eq!(user_id("u".repeat(257), CLAUDE).len(), 64);
    assert_ne!(
        user_id("u".repeat(257), CLAUDE),
        user_id("u".repeat(258), CLAUDE)
    );
    for to in [OPENAI, RESPONSES] {
        assert_eq!(user_id("u".repeat(65), to).len(), 64);
    }
    assert_eq!(user_id("u".repeat(65), SERVER).len(), 65);
}
