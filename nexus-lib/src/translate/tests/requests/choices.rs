//! Tools: their declarations, their names, and which may be called.

use serde_json::json;

use super::*;
use crate::translate::ClientProtocol::{Chat, Messages, Responses};
use crate::translate::{Answered, BlockKind, Event, Output, ToolCall};

fn two() -> Value {
    json!([
        function("f", object(json!({}))),
        function("g", object(json!({})))
    ])
}

#[test]
fn tools_that_are_not_allowed_are_not_offered() {
    let chosen = |mode: &str, client| {
        let named = |name: &str| json!({"type": "function", "function": {"name": name}});
        match client {
            Chat => chat(
                json!([user("hi")]),
                json!({"tools": two(), "tool_choice": {
                "type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named("g")]}}}),
            ),
            _ => json!({"model": "m", "input": "hi", "tool_choice": {
                "type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "g"}]},
                "tools": [{"type": "function", "name": "f", "parameters": object(json!({}))},
                    {"type": "function", "name": "g", "parameters": object(json!({}))}]}),
        }
    };
    for client in [Chat, Responses] {
        for (mode, anthropics, geminis) in [("auto", "auto", "AUTO"), ("required", "any", "ANY")] {
            let sent = ok(client, &chosen(mode, client), CLAUDE).body;
            assert_eq!(sent["tools"].as_array().unwrap().len(), 1, "{sent}");
            assert_eq!(sent["tools"][0]["name"], "g");
            assert_eq!(sent["tool_choice"]["type"], anthropics);
            let sent = ok(client, &chosen(mode, client), GEMINI_3).body;
            assert_eq!(sent["toolConfig"]["functionCallingConfig"]["mode"], geminis);
            let sent = ok(client, &chosen(mode, client), SERVER).body;
            assert_eq!(sent["tool_choice"], mode);
            assert_eq!(sent["tools"][0]["function"]["name"], "g");
        }
        let refused = super::sent(client, &chosen("never", client), CLAUDE, false);
        assert!(refused.is_err_and(|param| param.ends_with("mode")));
    }
}

#[test]
fn anthropics_own_tools_that_the_client_runs_are_offered_by_their_schemas() {
    let tools = json!([
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 9},
        {"type": "text_editor_20250124", "name": "str_replace_editor"},
        {"type": "memory_20250818", "name": "memory"},
        {"type": "computer_20250124", "name": "computer", "display_width_px": 1024, "display_height_px": 768},
    ]);
    let body = messages(json!([user("hi")]), json!({"tools": tools}));
    for to in ALL {
        let sent = super::sent(Messages, &body, to, true);
        assert!(sent.is_ok(), "{to:?}");
    }
    let sent = ok(Messages, &body, SERVER).body;
    let parameters = |at: usize| &sent["tools"][at]["function"]["parameters"]["properties"];
    assert_eq!(sent["tools"][0]["function"]["name"], "bash");
    assert_eq!(parameters(0)["command"]["type"], "string");
    assert_eq!(parameters(0)["restart"]["type"], "boolean");
    let commands = json!(["view", "create", "str_replace", "insert"]);
    assert_eq!(parameters(1)["command"]["enum"], commands);
    assert_eq!(parameters(1)["insert_text"]["type"], "string");
    assert!(
        parameters(2)["command"]["enum"]
            .as_array()
            .unwrap()
            .contains(&json!("undo_edit"))
    );
    assert_eq!(parameters(3)["old_path"]["type"], "string");
    let description = sent["tools"][4]["function"]["description"]
        .as_str()
        .unwrap();
    assert!(description.contains("1024 by 768"), "{description}");
}

#[test]
fn tools_that_the_provider_runs_are_left_out_unless_they_must_be_called() {
    let search = json!({"type": "web_search_20250305", "name": "web_search"});
    let own = json!({"name": "f", "input_schema": object(json!({}))});
    let body = |choice: Value, tools: Value| {
        messages(
            json!([user("hi")]),
            json!({"tools": tools, "tool_choice": choice}),
        )
    };
    let auto = body(json!({"type": "auto"}), json!([own, search]));
    for to in ALL
        .into_iter()
        .filter(|to| to.0 != ProviderProtocol::Messages)
    {
        assert_eq!(ok(Messages, &auto, to).left_out, ["tools[1]"], "{to:?}");
        assert!(super::sent(Messages, &auto, to, true).is_err());
        let named = body(
            json!({"type": "tool", "name": "web_search"}),
            json!([own, search]),
        );
        assert!(super::sent(Messages, &named, to, false).is_err());
        let alone = body(json!({"type": "any"}), json!([search]));
        assert!(super::sent(Messages, &alone, to, false).is_err());
    }
}

#[test]
fn without_tools_nothing_is_chosen() {
    for choice in [json!("auto"), json!("none"), json!("required")] {
        let more = json!({"tools": [], "tool_choice": choice, "parallel_tool_calls": false});
        for to in ALL {
            let sent = ok(Chat, &chat(json!([user("hi")]), more.clone()), to);
            for name in ["tools", "tool_choice", "toolConfig", "parallel_tool_calls"] {
                assert_eq!(sent.body[name], Value::Null, "{to:?} {name}");
            }
            let expected: &[&str] = if choice == "required" {
                &["tool_choice"]
            } else {
                &[]
            };
            assert_eq!(sent.left_out, expected, "{to:?}");
        }
    }
}

#[test]
fn names_come_back_as_the_client_has_them() {
    let long = "mcp__".to_owned() + &"server_".repeat(12) + "read";
    for name in ["mcp.files/read file", "读文件", &long, "9lives!"] {
        let history = json!([
            user("go"),
            calls([call("a", name, "{}")]),
            result("a", "1"),
            user("again")
        ]);
        let choice = json!({"type": "function", "function": {"name": name}});
        let more = json!({"tools": [function(name, object(json!({}))), function("plain", object(json!({})))],
            "tool_choice": choice});
        let body = chat(history, more);
        for to in [CLAUDE, GEMINI_3, OPENAI, SERVER, RESPONSES] {
            let sent = ok(Chat, &body, to);
            let text = sent.body.to_string();
            assert!(!text.contains(name), "{to:?}: {text}");
            let actual = sent.request.tools[0].name.clone();
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            assert!(
                actual.len() <= 64 && actual.bytes().all(is_plain),
                "{actual}"
            );
            assert!(
                !actual.starts_with(|first: char| first.is_ascii_digit())
                    || to.0 != ProviderProtocol::Gemini
            );
            assert_eq!(
                text.matches(&actual).count(),
                3 + usize::from(to.0 == ProviderProtocol::Gemini)
            );
            let mut answered = Answered {
                output: vec![Output::ToolCall(ToolCall {
                    name: actual.clone(),
                    ..ToolCall::default()
                })],
                ..Answered::default()
            };
            sent.restore.answered(&mut answered);
            assert!(matches!(&answered.output[0], Output::ToolCall(call) if call.name == name));
            let kind = BlockKind::ToolCall {
                id: "a".to_owned(),
                name: actual,
                signature: None,
                client: None,
            };
            let events = sent
                .restore
                .stream()
                .push(vec![Event::Begin { block: 0, kind }]);
            assert!(
                matches!(&events[0], Event::Begin { kind: BlockKind::ToolCall { name: actual, .. }, .. } if actual == name)
            );
        }
        assert_eq!(
            ok(
                Chat,
                &chat(
                    json!([user("go")]),
                    json!({"tools": [function(name, object(json!({})))]})
                ),
                OLLAMA
            )
            .request
            .tools[0]
                .name,
            name
        );
    }
}

#[test]
fn schemas_of_arguments_get_the_type_object() {
    let untyped = json!({"properties": {"a": {"type": "string"}}, "required": ["a"]});
    let tools = json!([function("f", untyped), function("g", json!({}))]);
    let body = chat(json!([user("hi")]), json!({"tools": tools}));
    let typed =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    for to in [OPENAI, SERVER, OLLAMA] {
        let sent = ok(Chat, &body, to).body;
        assert_eq!(sent["tools"][0]["function"]["parameters"], typed, "{to:?}");
    }
    let sent = ok(Chat, &body, CLAUDE).body;
    assert_eq!(sent["tools"][0]["input_schema"], typed);
    assert_eq!(sent["tools"][1]["input_schema"]["type"], "object");
    assert_eq!(
        ok(Chat, &body, RESPONSES).body["tools"][0]["parameters"],
        typed
    );
}
