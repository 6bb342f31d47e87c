use serde_json::json;

use super::*;

fn editor(protocol: ClientProtocol, longest: usize) -> Editor {
    Editor {
        protocol,
        longest,
        edit: Box::new(|text| text.replace("secret", "******")),
        held: Vec::new(),
        added: 0,
    }
}

fn event(value: &Value) -> Bytes {
    let name = value["type"].as_str();
    let mut out = Vec::new();
    write(name.map(str::as_bytes), value.clone(), 0, &mut out);
    out.into()
}

/// The texts of a stream by their choice, and the events that it has.
fn through(editor: &mut Editor, events: &[Value]) -> Vec<Value> {
    let mut out = Vec::new();
    for value in events {
        let bytes = editor.region(&event(value));
        out.extend(sse::events(&bytes).map(|event| serde_json::from_slice(&event.data()).unwrap()));
    }
    let done = editor.region(&Bytes::from_static(b"data: [DONE]\n\n"));
    assert!(done.ends_with(b"data: [DONE]\n\n"));
    let events = sse::events(&done).filter_map(|event| serde_json::from_slice(&event.data()).ok());
    out.extend(events);
    out
}

fn chunk(index: u64, text: &str) -> Value {
    json!({"id": "1", "choices": [{"index": index, "delta": {"content": text}}]})
}

fn said(events: &[Value], index: u64) -> String {
    let choices = events
        .iter()
        .filter_map(|event| event["choices"].as_array());
    let of_choice = choices.flatten().filter(|choice| choice["index"] == index);
    of_choice
        .filter_map(|choice| choice["delta"]["content"].as_str())
        .collect()
}

#[test]
fn what_is_cut_anywhere_is_found() {
    let text = "a secret, 密码 secretsecret and secre";
    let letters: Vec<char> = text.chars().collect();
    for (size, end) in (1..letters.len()).zip([json!({}), json!({"content": ""})].iter().cycle()) {
        let events: Vec<_> = letters
            .chunks(size)
            .map(|letters| chunk(0, &letters.iter().collect::<String>()))
            .chain([json!({"choices": [{"index": 0, "delta": end, "finish_reason": "stop"}]})])
            .collect();
        let out = through(&mut editor(ClientProtocol::Chat, 6), &events);
        assert_eq!(
            said(&out, 0),
            "a ******, 密码 ************ and secre",
            "{size}"
        );
        let last = out.last().unwrap();
        assert_eq!(
            last["choices"][0]["finish_reason"], "stop",
            "nothing comes behind it"
        );
    }
}

#[test]
fn choices_do_not_end_one_another() {
    let events = [
        chunk(0, "sec"),
        chunk(1, "se"),
        chunk(0, "ret"),
        chunk(1, "cret"),
    ];
    let out = through(&mut editor(ClientProtocol::Chat, 6), &events);
    assert_eq!(
        (said(&out, 0), said(&out, 1)),
        ("******".into(), "******".into())
    );
}

#[test]
fn messages_keep_their_order_and_their_blocks() {
    let delta = |index: u64, text: &str| {
        json!({"type": "content_block_delta", "index": index,
            "delta": {"type": "text_delta", "text": text}})
    };
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    let events = [
        delta(0, "a sec"),
        json!({"type": "ping"}),
        delta(0, "ret"),
        stop(0),
        delta(1, "b"),
        stop(1),
    ];
    let mut editor = editor(ClientProtocol::Messages, 6);
    let out = through(&mut editor, &events);
    let of_block = |block: u64| -> String {
        let deltas = out.iter().filter(|event| event["index"] == block);
        deltas
            .filter_map(|event| event["delta"]["text"].as_str())
            .collect()
    };
    assert_eq!((of_block(0), of_block(1)), ("a ******".into(), "b".into()));
    for block in 0..2 {
        let mut of_block = out.iter().filter(|event| event["index"] == block);
        assert_eq!(of_block.next_back().unwrap()["type"], "content_block_stop");
    }
}

#[test]
fn responses_are_numbered_on_and_repeat_no_secret() {
    let delta = |number: u64, text: &str| {
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0,
            "sequence_number": number, "delta": text})
    };
    let events = [
        delta(1, "a sec"),
        delta(2, "ret"),
        json!({"type": "response.output_text.done", "sequence_number": 3, "text": "a secret"}),
        json!({"type": "response.completed", "sequence_number": 4, "response": {"output": [
            {"type": "message", "content": [{"type": "output_text", "text": "a secret"}]}]}}),
    ];
    let out = through(&mut editor(ClientProtocol::Responses, 6), &events);
    let numbers: Vec<_> = out
        .iter()
        .map(|event| event["sequence_number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let said: String = out
        .iter()
        .filter_map(|event| event["delta"].as_str())
        .collect();
    assert_eq!(said, "a ******");
    assert!(!json!(out).to_string().contains("secret"), "{out:?}");
}

#[test]
fn whole_texts_change_and_settings_stay() {
    let body = json!({"model": "secret", "system": "secret",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a secret"}]},
            {"role": "assistant", "content": null, "tool_calls": [{"function": {"arguments": "secret"}}]},
            {"role": "tool", "content": "secret"}],
        "tools": [{"content": "secret"}]});
    let new = edited(&body.to_string().into(), |text| text.replace("secret", "*")).unwrap();
    let new: Value = serde_json::from_slice(&new).unwrap();
    assert_eq!(new["system"], "*");
    assert_eq!(new["messages"][0]["content"][0]["text"], "a *");
    assert_eq!(new["messages"][2]["content"], "*");
    assert_eq!(
        (&new["model"], &new["tools"]),
        (&body["model"], &body["tools"])
    );
    assert_eq!(new["messages"][1], body["messages"][1]);
    let same: Bytes = r#"{"messages":[{"content":"hi"}]}"#.into();
    assert_eq!(edited(&same, str::to_owned), None, "byte for byte");
}
