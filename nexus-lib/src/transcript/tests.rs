use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::wire::Prefixes;
use crate::wire::json::Cursor;

fn streamed(deltas: &[Value]) -> Delivered {
    let mut answer = Delivered::Nothing;
    for delta in deltas {
        let chunk = json!({"id": "x", "choices": [{"index": 0, "delta": delta}]});
        answer.push(format!("data: {chunk}\n\n").as_bytes());
    }
    answer
}

fn one(answer: &Delivered) -> AssistantMessage {
    let mut messages = answer.messages();
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

#[test]
fn text_reasoning_and_refusal_are_gathered() {
    // DeepSeek sends reasoning first, and null for fields without content.
    let deepseek = streamed(&[
        json!({"role": "assistant", "content": "", "reasoning_content": null}),
        json!({"content": null, "reasoning_content": "Let me "}),
        json!({"content": null, "reasoning_content": "see."}),
        json!({"content": "模型\n\"a\"", "reasoning_content": null}),
        json!({}),
    ]);
    let said = one(&deepseek);
    assert_eq!(said.content.as_deref(), Some("模型\n\"a\""));
    assert_eq!(said.reasoning_content.as_deref(), Some("Let me see."));
    assert_eq!(
        json!(said),
        json!({"role": "assistant", "content": "模型\n\"a\"", "reasoning_content": "Let me see."})
    );
    let refusal = one(&streamed(&[
        json!({"refusal": "I "}),
        json!({"refusal": "won't."}),
    ]));
    assert_eq!(
        json!(refusal),
        json!({"role": "assistant", "content": null, "refusal": "I won't."})
    );
}

#[test]
fn a_character_that_was_cut_in_two_is_whole() {
    let mut answer = Delivered::Nothing;
    for half in [r"\ud83d", r"\ude00"] {
        let event =
            format!(r#"data: {{"choices":[{{"index":0,"delta":{{"content":"{half}"}}}}]}}"#);
        answer.push(format!("{event}\r\n\r\n").as_bytes());
    }
    assert_eq!(one(&answer).content.as_deref(), Some("😀"));
}

#[test]
fn tool_calls_are_put_together_by_their_index() {
    let said = one(&streamed(&[
        json!({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
        json!({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"x\""}}, {"index": 1, "function": {"arguments": "}"}}]}),
        json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ":1}"}}]}),
    ]));
    let calls: Vec<_> = said
        .tool_calls
        .iter()
        .map(|call| (&*call.id, &*call.name, &*call.arguments))
        .collect();
    assert_eq!(calls, [("a", "f", "{\"x\":1}"), ("b", "g", "{}")]);
}

#[test]
fn gemini_leaves_the_index_out() {
    let said = one(&streamed(&[
        json!({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}),
        json!({"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "{}"}}]}),
    ]));
    assert_eq!(said.tool_calls.len(), 2);
    assert_eq!(said.tool_calls[1].name, "g");
}

#[test]
fn choices_are_kept_apart_and_non_chunks_are_ignored() {
    let mut answer = Delivered::Nothing;
    for event in [
        // Azure's first chunk.
        r#"{"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"B"}},{"index":0,"delta":{"content":"A"}}]}"#,
        r#"{"choices":[{"index":1,"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"#,
        r#"{"error":{"message":"m"}}"#,
        "[DONE]",
    ] {
        answer.push(format!(": ping\n\ndata: {event}\n\n").as_bytes());
    }
    let texts: Vec<_> = answer
        .messages()
        .into_iter()
        .map(|said| said.content)
        .collect();
    assert_eq!(texts, [Some("Aa".to_owned()), Some("B".to_owned())]);
}

#[test]
fn whole_answers_have_the_same_content() {
    let body = json!({"choices": [
        {"index": 1, "message": {"role": "assistant", "content": [{"type": "text", "text": "p"}, {"type": "text", "text": "q"}]}},
        {"index": 0, "message": {"content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}},
    ]});
    let messages = Delivered::Whole(body.to_string().into()).messages();
    assert_eq!(messages[0].tool_calls[0].id, "c");
    assert_eq!(messages[1].content.as_deref(), Some("pq"));
    assert!(Delivered::Whole("no JSON".into()).messages().is_empty());
}

#[test]
fn words_beyond_the_bound_are_only_counted() {
    let mut answer = Delivered::Nothing;
    let long = "x".repeat(1 << 20);
    for _ in 0..20 {
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": long}}]});
        answer.push(format!("data: {chunk}\n\n").as_bytes());
    }
    assert_eq!(answer.omitted_bytes(), 4 << 20);
    assert_eq!(one(&answer).content.map(|text| text.len()), Some(16 << 20));
}

proptest! {
    /// However a reply is split, it is reassembled, and recognised when the client sends it back.
    #[test]
    fn any_reply_survives_its_chunks(
        text in any::<String>(), arguments in any::<String>(), cuts in proptest::collection::vec(1..9usize, 0..20),
    ) {
        let chars: Vec<char> = text.chars().collect();
        let mut deltas = vec![json!({"role": "assistant"})];
        let mut rest = &chars[..];
        for cut in cuts.iter().chain([&usize::MAX]) {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            deltas.push(json!({"content": now.iter().collect::<String>()}));
            rest = later;
        }
        deltas.push(json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": arguments}}]}));
        let answer = streamed(&deltas);
        let said = one(&answer);
        prop_assert_eq!(said.content.as_deref().unwrap_or_default(), &text);
        prop_assert_eq!(&said.tool_calls[0].arguments, &arguments);

        let user = json!({"role": "user", "content": "q"});
        let prefixes = |messages: Value| {
            let json = messages.to_string();
            Prefixes::read(json.as_bytes(), &mut Cursor::new(json.as_bytes())).unwrap()
        };
        let asked = prefixes(json!([user]));
        let went_on = prefixes(json!([user, said, user]));
        let mut replies = Vec::new();
        answer.replies(asked.whole, |reply| replies.push(reply));
        prop_assert_eq!(replies, went_on.replies);
    }
}
