//! Forced calls with Ollama, which does not support them.

use serde_json::json;

use super::*;
use crate::translate::ClientProtocol::{Chat, Messages, Responses};
use crate::translate::{Event, Finish, Output};

fn weather() -> Value {
    object(json!({"place": {"type": "string"}}))
}

fn one(choice: Value) -> Value {
    let mut tool = function("get_weather", weather());
    tool["function"]["description"] = json!("Tells the weather.");
    chat(
        json!([user("Paris?")]),
        json!({"tools": [tool], "tool_choice": choice}),
    )
}

fn answer(text: &str, reason: &str) -> Value {
    json!({"model": "qwen3", "message": {"role": "assistant", "content": text, "thinking": "hm"},
        "done": true, "done_reason": reason, "prompt_eval_count": 7, "eval_count": 2})
}

#[test]
fn pydantic_ai_a_call_that_must_be_made_is_asked_of_ollama_by_its_schema() {
    let named = json!({"type": "function", "function": {"name": "get_weather"}});
    for choice in [json!("required"), named] {
        let sent = ok(Chat, &one(choice), OLLAMA);
        assert_eq!(sent.body["format"], weather());
        assert_eq!(sent.body["tools"], Value::Null);
        assert_eq!(sent.left_out, Vec::<String>::new());
        assert!(
            sent.body["messages"][0]["content"]
                .as_str()
                .unwrap()
                .contains("Tells the weather.")
        );
        let reply = answer(r#"{"place":"Paris"}"#, "stop").to_string();
        let mut answered = ProviderProtocol::Ollama
            .read_reply(reply.as_bytes())
            .unwrap();
        sent.restore.answered(&mut answered);
        assert_eq!(answered.finish, Finish::ToolCalls);
        for client in [Chat, Messages, Responses] {
            let actual: Value =
                serde_json::from_slice(&client.write_reply(&answered, "m")).unwrap();
            let (call, reason) = match client {
                Chat => (
                    &actual["choices"][0]["message"]["tool_calls"][0]["function"],
                    &actual["choices"][0]["finish_reason"],
                ),
                Messages => (&actual["content"][1], &actual["stop_reason"]),
                Responses => (&actual["output"][1], &actual["status"]),
            };
            assert_eq!(call["name"], "get_weather", "{actual}");
            let arguments = match client {
                Messages => call["input"].to_string(),
                _ => call["arguments"].as_str().unwrap().to_owned(),
            };
            assert_eq!(arguments, r#"{"place":"Paris"}"#);
            assert!(["tool_calls", "tool_use", "completed"].contains(&reason.as_str().unwrap()));
        }
    }
    // Unchanged if nothing is forced.
    let sent = ok(Chat, &one(json!("auto")), OLLAMA);
    assert_eq!(sent.body["tools"][0]["function"]["name"], "get_weather");
    assert_eq!(sent.body["format"], Value::Null);
}

fn streamed(sent: &Sent, lines: &[Value]) -> Vec<Event> {
    let mut reader = ProviderProtocol::Ollama.reader();
    let mut restoring = sent.restore.stream();
    let mut actual = Vec::new();
    for line in lines {
        actual.extend(restoring.push(reader.push(format!("{line}\n").as_bytes())));
    }
    actual
}

fn line(text: &str) -> Value {
    json!({"model": "qwen3", "message": {"role": "assistant", "content": text}, "done": false})
}

#[test]
fn instructor_the_forced_call_streams() {
    let sent = ok(Chat, &one(json!("required")), OLLAMA);
    let thought = json!({"model": "q", "message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": false});
    let lines = [
        thought,
        line("{\"pla"),
        line("ce\":\"Paris\"}"),
        answer("", "stop"),
    ];
    let answered = super::super::properties::gathered(streamed(&sent, &lines));
    assert_eq!(answered.finish, Finish::ToolCalls);
    let calls: Vec<_> = answered
        .output
        .iter()
        .filter_map(|output| match output {
            Output::ToolCall(call) => Some((call.name.as_str(), call.arguments.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(calls, [("get_weather", r#"{"place":"Paris"}"#)]);
    // If it was cut off because of its length, it stays so.
    let answered = super::super::properties::gathered(streamed(
        &sent,
        &[line("{\"pla"), answer("", "length")],
    ));
    assert_eq!(answered.finish, Finish::Length);
}

#[test]
fn smolagents_one_of_several_tools_is_chosen_by_a_schema_of_all() {
    let tools = json!([
        function("get_weather", weather()),
        function("final_answer", object(json!({"answer": {}})))
    ]);
    let body = chat(
        json!([user("Paris?")]),
        json!({"tools": tools, "tool_choice": "required"}),
    );
    let sent = ok(Chat, &body, OLLAMA);
    let first = &sent.body["format"]["anyOf"][0];
    assert_eq!(first["properties"]["name"]["const"], "get_weather");
    assert_eq!(first["properties"]["arguments"], weather());
    let text = r#"{"name":"final_answer","arguments":{"answer":"mild"}}"#;
    let mut answered = ProviderProtocol::Ollama
        .read_reply(answer(text, "stop").to_string().as_bytes())
        .unwrap();
    sent.restore.answered(&mut answered);
    let pieces = [line(&text[..9]), line(&text[9..]), answer("", "stop")];
    for answered in [
        answered,
        super::super::properties::gathered(streamed(&sent, &pieces)),
    ] {
        assert_eq!(answered.finish, Finish::ToolCalls);
        let mut output = answered.output.iter();
        let is_it = |output: &Output| {
            matches!(output, Output::ToolCall(call)
            if call.name == "final_answer" && call.arguments == r#"{"answer":"mild"}"#)
        };
        assert!(output.any(is_it), "{answered:?}");
    }
    // Anything that is not a call is returned unchanged.
    let answered =
        super::super::properties::gathered(streamed(&sent, &[line("{\"na"), answer("", "length")]));
    assert!(answered.output.contains(&Output::Text("{\"na".to_owned())));
}
