use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::call::{Grant, Operation, Principal, RequestBody};
use crate::wire::RequestId;

const MINUTE: Duration = Duration::from_secs(60);

fn call(key: &str, messages: Value, after: Duration) -> Call {
    let principal = Principal::new(key, Arc::new(Grant::default()));
    let body = json!({"model": "m", "messages": messages}).to_string();
    let body = RequestBody::scan(body.into()).unwrap();
    let mut call = Call::new(RequestId::new(), principal, Operation::ChatCompletion, body);
    call.started_at = Timestamp::from_micros(1_700_000_000_000_000).saturating_add(after);
    call
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn says(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

/// Remembers that a call was answered at once; the mark of its first reply.
fn remember(
    conversations: &Conversations,
    call: &Call,
    answer: &Delivered,
) -> Option<ConversationMark> {
    let marks = marks(call, answer);
    conversations.keep(&marks, &call.conversation, call.started_at);
    marks.first()
}

/// Places a call, answers it with `reply` at once, and returns its conversation.
fn round(
    conversations: &Conversations,
    key: &str,
    messages: Value,
    after: Duration,
    reply: &str,
) -> ConversationId {
    let mut call = call(key, messages, after);
    conversations.place(&mut call, None);
    let body = json!({"choices": [{"index": 0, "message": says(reply)}]});
    let answer = Delivered::Whole(body.to_string().into());
    assert!(remember(conversations, &call, &answer).is_some());
    call.conversation
}

#[test]
fn a_request_that_goes_on_belongs_to_the_conversation() {
    let conversations = Conversations::default();
    let first = round(&conversations, "k", json!([user("a")]), MINUTE, "A");
    let second = round(
        &conversations,
        "k",
        json!([user("a"), says("A"), user("b")]),
        MINUTE * 2,
        "B",
    );
    let third = json!([user("a"), says("A"), user("b"), says("B"), user("c")]);
    let third = round(&conversations, "k", third, MINUTE * 3, "C");
    // Back to an earlier place.
    let other_end = json!([user("a"), says("A"), user("other")]);
    let other_end = round(&conversations, "k", other_end, MINUTE * 4, "O");
    assert_eq!([&second, &third, &other_end], [&first; 3]);
}

#[test]
fn others_begin_their_own() {
    let conversations = Conversations::default();
    let first = round(&conversations, "k", json!([user("a")]), MINUTE, "A");
    for (key, messages) in [
        ("k", json!([user("a")])),
        ("k", json!([user("a"), says("A")])),
        ("k", json!([user("a"), says("other"), user("b")])),
        ("k", json!([user("other"), says("A"), user("b")])),
        ("another", json!([user("a"), says("A"), user("b")])),
    ] {
        let mut call = call(key, messages, MINUTE * 2);
        conversations.place(&mut call, None);
        assert_ne!(call.conversation, first);
        assert_eq!(call.conversation.request(), Some(call.id));
    }
}

#[test]
fn the_same_opening_twice_is_two_conversations() {
    let conversations = Conversations::default();
    let first = round(&conversations, "k", json!([user("a")]), MINUTE, "A");
    let second = round(&conversations, "k", json!([user("a")]), MINUTE, "A");
    assert_ne!(first, second);
    let goes_on = |text| {
        let messages = json!([user("a"), says("A"), user(text)]);
        round(&conversations, "k", messages, MINUTE * 2, text)
    };
    assert_eq!(
        [goes_on("x"), goes_on("y")],
        [first.clone(), second.clone()]
    );
    let messages = json!([user("a"), says("A"), user("x"), says("x"), user("z")]);
    assert_eq!(round(&conversations, "k", messages, MINUTE * 3, "Z"), first);
}

#[test]
fn a_name_wins_and_is_gone_on_with() {
    let conversations = Conversations::default();
    let first = round(&conversations, "k", json!([user("a")]), MINUTE, "A");
    let mut named = call("k", json!([user("a"), says("A"), user("b")]), MINUTE * 2);
    conversations.place(&mut named, Some("mine".parse().unwrap()));
    assert_eq!(named.conversation.to_string(), "mine");
    let body = json!({"choices": [{"message": says("B")}]}).to_string();
    remember(&conversations, &named, &Delivered::Whole(body.into()));
    let messages = json!([user("a"), says("A"), user("b"), says("B"), user("c")]);
    let conversation = round(&conversations, "k", messages, MINUTE * 3, "C");
    assert_eq!(conversation.to_string(), "mine");
    assert_ne!(conversation, first);
}

#[test]
fn half_an_hour_later_it_is_forgotten() {
    for (minutes, is_known) in [(30, true), (31, false)] {
        let conversations = Conversations::default();
        let first = round(&conversations, "k", json!([user("a")]), MINUTE, "A");
        let messages = json!([user("a"), says("A"), user("b")]);
        let second = round(&conversations, "k", messages, MINUTE * (1 + minutes), "B");
        assert_eq!(second == first, is_known);
    }
}

#[test]
fn an_earlier_process_is_gone_on_with() {
    let before = Conversations::default();
    let mut first = call("k", json!([user("a")]), MINUTE);
    before.place(&mut first, None);
    let body = json!({"choices": [{"message": says("A")}]}).to_string();
    let mark = remember(&before, &first, &Delivered::Whole(body.into()));
    let conversations = Conversations::default();
    conversations.recall([(mark.unwrap(), first.conversation.clone(), first.started_at)]);
    let messages = json!([user("a"), says("A"), user("b")]);
    assert_eq!(
        round(&conversations, "k", messages, MINUTE * 2, "B"),
        first.conversation
    );
}
