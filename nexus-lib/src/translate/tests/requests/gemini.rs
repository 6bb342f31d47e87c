//! What Gemini rejects.

use serde_json::json;

use super::*;
use crate::translate::ClientProtocol::{Chat, Responses};
use crate::translate::{Finish, Output};

#[test]
fn vercel_ai_14369_a_result_that_holds_a_reference_is_a_text() {
    let body = |text: &str| {
        chat(
            json!([user("go"), calls([call("a", "f", "{}")]), result("a", text)]),
            json!({}),
        )
    };
    let actual = |text: &str| {
        let sent = ok(Chat, &body(text), GEMINI_3).body;
        sent["contents"][2]["parts"][0]["functionResponse"]["response"].clone()
    };
    for text in [
        r##"{"schema": {"$ref": "#/$defs/A"}}"##,
        r##"{"\u0024ref": "#/a"}"##,
        r##"{"a": [{"$defs": {}}]}"##,
    ] {
        assert_eq!(actual(text), json!({"output": text}));
    }
    assert_eq!(actual(r#"{"price": "5 $"}"#), json!({"price": "5 $"}));
}

fn answer_format() -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "reply", "schema": object(json!({"text": {"type": "string"}}))}})
}

fn beside(choice: Value) -> Value {
    let more = json!({"tools": [function("get_weather", object(json!({})))], "response_format": answer_format(), "tool_choice": choice});
    chat(json!([user("Paris?")]), more)
}

#[test]
fn openai_agents_sdk_a_schema_beside_tools_is_a_tool_before_gemini_2_5() {
    let body = beside(Value::Null);
    let sent = ok(Chat, &body, GEMINI_2);
    assert_eq!(sent.body["generationConfig"], Value::Null, "{}", sent.body);
    let declared = &sent.body["tools"][0]["functionDeclarations"];
    assert_eq!(declared[1]["name"], "structured_answer");
    assert_eq!(
        declared[1]["parametersJsonSchema"],
        object(json!({"text": {"type": "string"}}))
    );
    assert_eq!(
        sent.body["toolConfig"]["functionCallingConfig"],
        json!({"mode": "ANY"})
    );
    assert_eq!(sent.left_out, Vec::<String>::new());
    let reply = |name: &str, args: Value| {
        json!({"candidates": [{"content": {"parts": [{"functionCall": {"name": name, "args": args}}]}, "finishReason": "STOP"}]}).to_string()
    };
    // The answer is a text.
    let final_reply = reply("structured_answer", json!({"text": "mild"}));
    let mut answered = ProviderProtocol::Gemini
        .read_reply(final_reply.as_bytes())
        .unwrap();
    sent.restore.answered(&mut answered);
    let mut reader = ProviderProtocol::Gemini.reader();
    let mut events = reader.push(format!("data: {final_reply}\n\n").as_bytes());
    events.extend(reader.end(b""));
    let streamed = super::super::properties::gathered(sent.restore.stream().push(events));
    for answered in [answered, streamed] {
        assert_eq!(
            answered.output,
            [Output::Text(r#"{"text":"mild"}"#.to_owned())]
        );
        assert_eq!(answered.finish, Finish::Stop);
    }
    // A call of another tool is a call.
    let mut answered = ProviderProtocol::Gemini
        .read_reply(reply("get_weather", json!({})).as_bytes())
        .unwrap();
    sent.restore.answered(&mut answered);
    assert_eq!(answered.finish, Finish::ToolCalls);
    // Newer models accept both.
    let sent = ok(Chat, &body, GEMINI_3);
    assert_eq!(
        sent.body["generationConfig"]["responseMimeType"],
        "application/json"
    );
    let responses = json!({"model": "m", "input": "Paris?", "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "text": {"format": {"type": "json_schema", "name": "reply", "schema": object(json!({}))}}});
    let sent = ok(Responses, &responses, GEMINI_2);
    assert_eq!(sent.body["generationConfig"], Value::Null);
}

#[test]
fn a_schema_beside_tools_gives_way_where_a_call_is_demanded_or_forbidden() {
    let sent = ok(Chat, &beside(json!("required")), GEMINI_2);
    assert_eq!(sent.body["generationConfig"], Value::Null);
    assert_eq!(
        sent.body["tools"][0]["functionDeclarations"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let sent = ok(Chat, &beside(json!("none")), GEMINI_2);
    assert_eq!(sent.body["tools"], Value::Null);
    assert_eq!(
        sent.body["generationConfig"]["responseMimeType"],
        "application/json"
    );
    let mut some = beside(Value::Null);
    some["response_format"] = json!({"type": "json_object"});
    let sent = ok(Chat, &some, GEMINI_2);
    assert_eq!(sent.body["generationConfig"], Value::Null);
    assert!(
        sent.body["systemInstruction"]
            .to_string()
            .contains("JSON object")
    );
}

#[test]
fn no_more_than_five_texts_end_an_answer() {
    let stops = json!({"stop": ["a", "b", "c", "d"]});
    assert_eq!(
        ok(Chat, &chat(json!([user("hi")]), stops), GEMINI_3).left_out,
        Vec::<String>::new()
    );
    let stops = json!({"stop": ["a", "", "b", "c", "d", "e", "f"]});
    let sent = ok(Chat, &chat(json!([user("hi")]), stops), GEMINI_3);
    assert_eq!(
        sent.body["generationConfig"]["stopSequences"],
        json!(["a", "b", "c", "d", "e"])
    );
    assert_eq!(sent.left_out, ["stop"]);
}

#[test]
fn the_person_speaks_first() {
    let history = json!([
        calls([call("a", "f", "{}")]),
        result("a", "18 degrees"),
        user("on")
    ]);
    let sent = ok(Chat, &chat(history, json!({})), GEMINI_2);
    assert_eq!(sent.body["contents"][0]["role"], "user");
    assert_eq!(sent.body["contents"][1]["role"], "model");
}
