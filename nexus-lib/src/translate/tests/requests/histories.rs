//! Calls, results, reasoning and whitespace in the history.

use serde_json::{Value, json};

use super::*;
use crate::translate::ClientProtocol::{Chat, Messages, Responses};

/// The ids of the calls and of the results that are sent to Anthropic, in order.
fn anthropic_ids(body: &Value) -> (Vec<String>, Vec<String>) {
    let blocks: Vec<&Value> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|message| message["content"].as_array())
        .flatten()
        .collect();
    let named = |kind: &str, name: &str| {
        let of_kind = blocks.iter().filter(|block| block["type"] == kind);
        of_kind
            .map(|block| block[name].as_str().unwrap().to_owned())
            .collect()
    };
    (named("tool_use", "id"), named("tool_result", "tool_use_id"))
}

#[test]
fn langchain_37756_ids_with_other_letters_stay_distinct() {
    let body = chat(
        json!([
            user("go"),
            calls([call("call.1", "f", "{}"), call("call:1", "g", "{}")]),
            result("call:1", "second"),
            result("call.1", "first"),
            user("on"),
        ]),
        json!({}),
    );
    let sent = ok(Chat, &body, CLAUDE).body;
    let (called, mut returned) = anthropic_ids(&sent);
    assert_eq!(called.len(), 2);
    assert_ne!(called[0], called[1]);
    assert_eq!(sent["messages"][2]["content"][0]["content"], "second");
    assert_eq!(returned[0], called[1], "each call has its result");
    returned.reverse();
    assert_eq!(called, returned);
    for id in &called {
        let is_taken = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        assert!(id.chars().all(is_taken), "{id}");
    }
    // The next request uses the same ids.
    assert_eq!(anthropic_ids(&ok(Chat, &body, CLAUDE).body).0, called);
    // For a server that is not known to reject them, they stay.
    let sent = ok(Chat, &body, SERVER).body;
    assert_eq!(sent["messages"][1]["tool_calls"][0]["id"], "call.1");
}

#[test]
fn ids_are_as_long_as_the_provider_takes_them() {
    let long = "call_".to_owned() + &"x".repeat(90);
    let other = "call_".to_owned() + &"x".repeat(91);
    let body = chat(
        json!([
            user("go"),
            calls([call(&long, "f", "{}"), call(&other, "f", "{}")]),
            result(&long, "1"),
            result(&other, "2"),
        ]),
        json!({}),
    );
    let mistral = (ProviderProtocol::Chat, Vendor::Mistral, "mistral-large");
    for (to, most) in [(OPENAI, 40), (mistral, 9)] {
        let sent = ok(Chat, &body, to).body;
        let id = |at: usize| {
            sent["messages"][1]["tool_calls"][at]["id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert!(id(0).len() <= most && id(0) != id(1), "{sent}");
        assert_eq!(sent["messages"][2]["tool_call_id"], id(0));
        assert_eq!(sent["messages"][3]["tool_call_id"], id(1));
    }
    let sent = ok(Chat, &body, RESPONSES).body;
    let id = sent["input"][1]["call_id"].as_str().unwrap();
    assert!(id.len() <= 64, "{id}");
    let (called, returned) = anthropic_ids(&ok(Chat, &body, CLAUDE).body);
    assert_eq!(called, returned);
}

#[test]
fn empty_and_repeated_ids_become_distinct_ones() {
    let body = chat(
        json!([
            user("go"),
            calls([call("", "f", "{}"), call("", "g", "{}")]),
            result("", "1"),
            result("", "2"),
            calls([call("a", "f", "{}")]),
            result("a", "3"),
            calls([call("a", "f", "{}")]),
            result("a", "4"),
        ]),
        json!({}),
    );
    let (called, returned) = anthropic_ids(&ok(Chat, &body, CLAUDE).body);
    assert_eq!(called, returned);
    let distinct: std::collections::HashSet<&String> = called.iter().collect();
    assert_eq!(distinct.len(), 4, "{called:?}");
    assert!(called.iter().all(|id| !id.is_empty()));
}

/// Histories that no provider accepts unchanged.
fn broken() -> Vec<Value> {
    let f = || calls([call("a", "f", "{}"), call("b", "g", "{}")]);
    vec![
        // Interrupted in the middle, and continued.
        json!([user("go"), f(), result("a", "1"), user("on")]),
        json!([user("go"), f()]),
        json!([
            user("go"),
            f(),
            user("wait"),
            result("b", "2"),
            result("a", "1")
        ]),
        // The first messages are gone.
        json!([result("a", "1"), user("on")]),
        json!([user("go"), result("z", "1"), assistant("ok"), user("on")]),
        json!([
            user("go"),
            f(),
            result("a", "1"),
            result("b", "2"),
            result("a", "again"),
            user("on")
        ]),
        // Each call in a message of its own.
        json!([
            user("go"),
            calls([call("a", "f", "{}")]),
            calls([call("b", "g", "{}")]),
            result("a", "1"),
            result("b", "2"),
        ]),
    ]
}

#[test]
fn every_call_has_one_result_right_behind_it_before_every_provider() {
    for history in broken() {
        let body = chat(
            history,
            json!({"tools": [function("f", object(json!({})))]}),
        );
        for to in ALL {
            let sent = ok(Chat, &body, to);
            // What was complete stays unchanged: nothing needs repair any more.
            let turns = sent.request.turns.clone();
            let mut again = sent.request.clone();
            let destination = Destination {
                protocol: to.0,
                vendor: to.1,
                model: to.2,
            };
            fit::fit(&mut again, destination, &mut Losses::new(true)).unwrap();
            assert_eq!(again.turns, turns, "{to:?}: {body}");
        }
        let (called, mut returned) = anthropic_ids(&ok(Chat, &body, CLAUDE).body);
        returned.sort();
        assert_eq!(called, returned, "{body}");
    }
}

#[test]
fn results_without_a_call_are_words_of_the_user() {
    let body = chat(json!([result("a", "it rains"), user("on")]), json!({}));
    for to in ALL {
        let sent = ok(Chat, &body, to).body.to_string();
        assert!(sent.contains("it rains"), "{to:?}: {sent}");
        assert!(
            !sent.contains("tool_call_id") && !sent.contains("tool_result"),
            "{sent}"
        );
    }
}

#[test]
fn screenpipe_6905_arguments_of_null_are_none() {
    let body = chat(
        json!([
            user("go"),
            calls([call("a", "f", "null"), call("b", "g", "")]),
            result("a", "1"),
            result("b", "2")
        ]),
        json!({}),
    );
    let empty = json!({});
    let sent = ok(Chat, &body, CLAUDE).body;
    assert_eq!(sent["messages"][1]["content"][0]["input"], empty);
    let sent = ok(Chat, &body, GEMINI_3).body;
    assert_eq!(
        sent["contents"][1]["parts"][0]["functionCall"]["args"],
        empty
    );
    let sent = ok(Chat, &body, OLLAMA).body;
    assert_eq!(
        sent["messages"][1]["tool_calls"][0]["function"]["arguments"],
        empty
    );
    for to in [OPENAI, SERVER] {
        let sent = ok(Chat, &body, to).body;
        assert_eq!(
            sent["messages"][1]["tool_calls"][0]["function"]["arguments"],
            "{}"
        );
        assert_eq!(
            sent["messages"][1]["tool_calls"][1]["function"]["arguments"],
            "{}"
        );
    }
    let sent = ok(Chat, &body, RESPONSES).body;
    assert_eq!(sent["input"][1]["arguments"], "{}");
    let items = json!({"model": "m", "input": [
        {"role": "user", "content": "go"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "null"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
    ]});
    let sent = ok(Responses, &items, CLAUDE).body;
    assert_eq!(sent["messages"][1]["content"][0]["input"], empty);
}

#[test]
fn screenpipe_6905_arguments_of_null_are_none_in_answers_and_streams() {
    let restore = ok(Chat, &chat(json!([user("go")]), json!({})), SERVER).restore;
    let reply = json!({"choices": [{"message": {"tool_calls": [call("a", "f", "null"), call("b", "g", " ")]}}]});
    let mut answered = ProviderProtocol::Chat
        .read_reply(reply.to_string().as_bytes())
        .unwrap();
    restore.answered(&mut answered);
    for client in [Chat, Messages, Responses] {
        let actual = String::from_utf8(client.write_reply(&answered, "m")).unwrap();
        assert!(
            !actual.contains("null\"") && !actual.contains(":null,\"name"),
            "{actual}"
        );
        assert_eq!(
            actual
                .matches(match client {
                    Messages => r#""input":{}"#,
                    _ => r#""arguments":"{}""#,
                })
                .count(),
            2,
            "{actual}"
        );
    }
    for pieces in [
        vec!["null"],
        vec!["nu", "ll"],
        vec![],
        vec!["{}"],
        vec!["{", "\"n\":null}"],
    ] {
        let mut stream = String::new();
        let begin = call("a", "f", "");
        let mut chunk = |delta: Value, finish: Value| {
            let chunk = json!({"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
            stream += &format!("data: {chunk}\n\n");
        };
        let mut first = begin;
        first["index"] = json!(0);
        chunk(json!({"tool_calls": [first]}), Value::Null);
        for piece in &pieces {
            chunk(
                json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
                Value::Null,
            );
        }
        chunk(json!({}), json!("tool_calls"));
        stream += "data: [DONE]\n\n";
        let mut reader = ProviderProtocol::Chat.reader();
        let mut events = reader.push(stream.as_bytes());
        events.extend(reader.end(b""));
        // One event at a time, as they arrive.
        let mut restoring = restore.stream();
        let actual = events
            .into_iter()
            .flat_map(|event| restoring.push(vec![event]));
        let answered = super::super::properties::gathered(actual.collect());
        let expected = match pieces.len() {
            2 if pieces[0] == "{" => r#"{"n":null}"#,
            _ => "{}",
        };
        let crate::translate::Output::ToolCall(call) = &answered.output[0] else {
            panic!("{answered:?}");
        };
        assert_eq!(call.arguments, expected, "{pieces:?}");
    }
}

#[test]
fn arguments_that_are_not_an_object_are_wrapped_in_one() {
    let body = |arguments: &str| {
        chat(
            json!([
                user("go"),
                calls([call("a", "f", arguments)]),
                result("a", "1")
            ]),
            json!({}),
        )
    };
    let table = [
        ("{oops", json!({"INVALID_JSON": "{oops"})),
        ("[1]", json!({"INVALID_JSON": "[1]"})),
        (r#""{\"a\": 1}""#, json!({"a": 1})),
        (r#"{"a": 1}"#, json!({"a": 1})),
    ];
    for (arguments, expected) in table {
        let body = body(arguments);
        let sent = ok(Chat, &body, CLAUDE).body;
        assert_eq!(sent["messages"][1]["content"][0]["input"], expected);
        let sent = ok(Chat, &body, GEMINI_2).body;
        assert_eq!(
            sent["contents"][1]["parts"][0]["functionCall"]["args"],
            expected
        );
        let sent = ok(Chat, &body, OLLAMA).body;
        assert_eq!(
            sent["messages"][1]["tool_calls"][0]["function"]["arguments"],
            expected
        );
    }
}

/// A Messages history with reasoning from each provider.
fn thoughtful() -> Value {
    let block =
        |signature: &str| json!({"type": "thinking", "thinking": "hmm", "signature": signature});
    messages(
        json!([
            user("go"),
            assistant(json!([block(""), block("EqQB"), block("gemini:Ci"),
                {"type": "redacted_thinking", "data": "gAAAAABo"}, {"type": "text", "text": "yes"}])),
            user("on"),
        ]),
        json!({}),
    )
}

#[test]
fn freellmapi_1070_thoughts_are_for_those_who_take_them() {
    for vendor in [Vendor::Groq, Vendor::Cerebras, Vendor::Mistral] {
        let sent = ok(
            Messages,
            &thoughtful(),
            (ProviderProtocol::Chat, vendor, "some-model"),
        );
        assert_eq!(
            sent.body["messages"][1],
            json!({"role": "assistant", "content": "yes"})
        );
        assert_eq!(sent.left_out, Vec::<String>::new());
    }
    let sent = ok(
        Messages,
        &thoughtful(),
        (ProviderProtocol::Chat, Vendor::Other, "deepseek-chat"),
    );
    assert_eq!(sent.body["messages"][1]["reasoning_content"], "hmmhmmhmm");
    for (host, vendor) in [
        ("api.groq.com", Vendor::Groq),
        ("API.Cerebras.AI", Vendor::Cerebras),
        ("api.mistral.ai", Vendor::Mistral),
        ("api.deepseek.com", Vendor::Other),
        ("notgroq.com", Vendor::Other),
        ("com", Vendor::Other),
    ] {
        assert_eq!(Vendor::at(host), vendor, "{host}");
    }
}

#[test]
fn codex2api_613_a_thought_without_a_proof_is_left_out_before_anthropic() {
    let request = Messages
        .read_request(thoughtful().to_string().as_bytes())
        .unwrap();
    let body = crate::translate::messages::request::write(
        &request,
        "claude-sonnet-4-5",
        &mut Losses::new(true),
    );
    let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    let content = json!([
        {"type": "thinking", "thinking": "hmm", "signature": "EqQB"}, {"type": "text", "text": "yes"},
    ]);
    assert_eq!(body["messages"][1]["content"], content);
    // The same in the other clients' formats.
    let detail = json!({"type": "reasoning", "text": "hmm", "signature": ""});
    let mut message = assistant("yes");
    message["reasoning_details"] = json!([detail]);
    let sent = ok(
        Chat,
        &chat(json!([user("go"), message, user("on")]), json!({})),
        CLAUDE,
    );
    assert_eq!(sent.body["messages"][1]["content"], "yes");
    let item = json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hmm"}],
        "encrypted_content": ""});
    let input = json!([user("go"), item, assistant("yes"), user("on")]);
    let sent = ok(Responses, &json!({"model": "m", "input": input}), CLAUDE);
    assert_eq!(sent.body["messages"][1]["content"], "yes");
}

#[test]
fn cli2api_152_a_reference_to_a_tool_is_a_text() {
    let block = json!({"type": "tool_result", "tool_use_id": "a",
        "content": [{"type": "tool_reference", "tool_name": "get_weather"}]});
    let used = json!({"type": "tool_use", "id": "a", "name": "search_tools", "input": {}});
    let body = messages(
        json!([user("go"), assistant(json!([used])), user(json!([block]))]),
        json!({}),
    );
    for to in ALL {
        let sent = ok(Messages, &body, to).body;
        assert!(sent.to_string().contains("get_weather"), "{to:?}: {sent}");
    }
    let sent = ok(Messages, &body, SERVER).body;
    let tool = json!({"role": "tool", "tool_call_id": "a", "content": "get_weather"});
    assert_eq!(sent["messages"][2], tool);
}

#[test]
fn litellm_39282_instructions_are_one_system_message() {
    let body = json!({"model": "m", "instructions": "Be brief.", "input": [
        {"role": "developer", "content": "Be kind."}, {"role": "user", "content": "hi"},
    ]});
    let sent = ok(Responses, &body, SERVER).body;
    let expected = json!([
        {"role": "system", "content": "Be brief.\nBe kind."}, {"role": "user", "content": "hi"},
    ]);
    assert_eq!(sent["messages"], expected);
    let sent = ok(Responses, &body, OPENAI).body;
    assert_eq!(sent["messages"][0]["content"][1]["text"], "Be kind.");
    assert_eq!(sent["messages"][1]["role"], "user");
}

#[test]
fn a_result_by_a_functions_name_answers_the_last_call() {
    let body = chat(
        json!([
            user("go"),
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"a\":1}"}},
            {"role": "function", "name": "f", "content": "18 degrees"},
            user("on"),
        ]),
        json!({}),
    );
    for to in ALL {
        ok(Chat, &body, to);
    }
    let (called, returned) = anthropic_ids(&ok(Chat, &body, CLAUDE).body);
    assert_eq!((called.len(), &called), (1, &returned));
    let sent = ok(Chat, &body, SERVER).body;
    assert_eq!(sent["messages"][2]["role"], "tool");
    assert_eq!(
        sent["messages"][2]["tool_call_id"],
        sent["messages"][1]["tool_calls"][0]["id"]
    );
}
