//! What is rejected and what is dropped, by name.

use crate::error::ErrorKind;
use crate::translate::fit::{self, Destination, Vendor};
use crate::translate::{ClientProtocol, Losses, ProviderProtocol, chat, messages};

fn chat_body(member: &str) -> Vec<u8> {
    format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": "hi"}}], {member}}}"#)
        .into()
}

fn user(part: &str) -> Vec<u8> {
    format!(
        r#"{{"model": "m", "max_tokens": 9, "messages": [{{"role": "user", "content": [{part}]}}]}}"#
    )
    .into()
}

#[test]
fn a_clients_mistakes_are_named_by_their_path() {
    let image = |url: &str| {
        user(&format!(
            r#"{{"type": "image_url", "image_url": {{"url": "{url}"}}}}"#
        ))
    };
    let turns = |turns: &str| format!(r#"{{"model": "m", "messages": [{turns}]}}"#).into_bytes();
    let table = [
        (
            image("data:text/html;base64,PGI+"),
            "messages[0].content[0].image_url",
        ),
        (
            image("data:image/png,rawbytes"),
            "messages[0].content[0].image_url",
        ),
        (user(r#"{"type": "video"}"#), "messages[0].content[0].type"),
        (user(r#"{"text": "hi"}"#), "messages[0].content[0].type"),
        (user("7"), "messages[0].content[0]"),
        (
            turns(r#"{"role": "wizard", "content": "hi"}"#),
            "messages[0].role",
        ),
        (turns(r#"{"role": "user"}"#), "messages[0].content"),
        (
            turns(r#"{"role": "user", "content": 7}"#),
            "messages[0].content",
        ),
        (
            turns(r#"{"role": "tool", "content": "x"}"#),
            "messages[0].tool_call_id",
        ),
        (
            turns(r#"{"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]}"#),
            "messages[0].tool_calls[0].function.name",
        ),
        (chat_body(r#""temperature": "hot""#), "temperature"),
        (chat_body(r#""tool_choice": "maybe""#), "tool_choice"),
        (
            chat_body(r#""tools": [{"type": "function"}]"#),
            "tools[0].function",
        ),
        (
            chat_body(r#""response_format": {"type": "xml"}"#),
            "response_format.type",
        ),
        (br#"{"messages": []}"#.to_vec(), "model"),
        (br#"{"model": "m"}"#.to_vec(), "messages"),
    ];
    for (body, param) in table {
        let error = chat::request::read(&body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{param}");
        assert_eq!(error.param(), Some(param), "{error}");
    }
    for body in [&b"[]"[..], b"", b"{", b"\xff"] {
        let error = chat::request::read(body).unwrap_err();
        assert_eq!(
            (error.kind(), error.param()),
            (ErrorKind::InvalidRequest, None)
        );
    }
}

#[test]
fn a_messages_clients_mistakes_are_named_by_their_path() {
    let turns = |turns: &str| {
        format!(r#"{{"model": "m", "max_tokens": 9, "messages": [{turns}]}}"#).into_bytes()
    };
    let table = [
        (user(r#"{"type": "video"}"#), "messages[0].content[0].type"),
        (
            user(r#"{"type": "image"}"#),
            "messages[0].content[0].source",
        ),
        (
            user(
                r#"{"type": "image", "source": {"type": "base64", "media_type": "text/html", "data": ""}}"#,
            ),
            "messages[0].content[0].source.media_type",
        ),
        (
            user(r#"{"type": "tool_result", "content": "x"}"#),
            "messages[0].content[0].tool_use_id",
        ),
        (
            turns(r#"{"role": "tool", "content": "hi"}"#),
            "messages[0].role",
        ),
        (
            turns(r#"{"role": "assistant", "content": [{"type": "thinking"}]}"#),
            "messages[0].content[0].thinking",
        ),
        (br#"{"model": "m", "messages": []}"#.to_vec(), "max_tokens"),
        (
            br#"{"model": "m", "max_tokens": 9, "messages": [], "thinking": {"type": "enabled"}}"#
                .to_vec(),
            "thinking.budget_tokens",
        ),
    ];
    for (body, param) in table {
        let error = messages::request::read(&body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{param}");
        assert_eq!(error.param(), Some(param), "{error}");
    }
}

/// The translation of a chat request for Anthropic's `model`: what was dropped, or what is
/// rejected.
fn to_messages(body: &[u8], model: &str, is_strict: bool) -> Result<Vec<String>, String> {
    let mut request = chat::request::read(body).unwrap();
    let mut losses = Losses::new(is_strict);
    let to = Destination {
        protocol: ProviderProtocol::Messages,
        vendor: Vendor::Other,
        model,
    };
    let fitted = fit::fit(&mut request, to, &mut losses);
    if let Err(error) = fitted {
        return Err(error.param().unwrap().to_owned());
    }
    match messages::request::write(&request, model, &mut losses) {
        Ok(_) => Ok(losses.dropped().to_vec()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            Err(error.param().unwrap().to_owned())
        }
    }
}

#[test]
fn what_changes_the_meaning_is_rejected_and_the_rest_is_dropped() {
    let model = "claude-sonnet-4-5";
    let refused = [
        (r#""n": 2"#, "n"),
        (r#""logprobs": true"#, "logprobs"),
        (r#""logit_bias": {"50256": -100}"#, "logit_bias"),
        (r#""modalities": ["text", "audio"]"#, "modalities"),
        (r#""audio": {"voice": "alloy", "format": "mp3"}"#, "audio"),
        (
            r#""web_search_options": {"search_context_size": "low"}"#,
            "web_search_options",
        ),
        (r#""tool_choice": {"type": "guess"}"#, "tool_choice"),
        (r#""reasoning_effort": "huge""#, "reasoning_effort"),
    ];
    for (member, param) in refused {
        assert_eq!(
            to_messages(&chat_body(member), model, false),
            Err(param.to_owned())
        );
    }
    let dropped = [
        (r#""seed": 7"#, "seed"),
        (r#""frequency_penalty": 0.5"#, "frequency_penalty"),
        (r#""temperature": 1.5"#, "temperature"),
        (r#""verbosity": "low""#, "verbosity"),
        (
            r#""tools": [{"type": "of_next_year", "name": "x"}]"#,
            "tools[0]",
        ),
        (r#""something_new": 1"#, "something_new"),
        (
            r#""reasoning_effort": "low", "max_tokens": 100"#,
            "reasoning_effort",
        ),
    ];
    for (member, param) in dropped {
        let body = chat_body(member);
        assert_eq!(to_messages(&body, model, false), Ok(vec![param.to_owned()]));
        assert_eq!(to_messages(&body, model, true), Err(param.to_owned()));
    }
    let nothing = [
        r#""n": 1"#,
        r#""response_format": {"type": "json_object"}"#,
        r#""logprobs": false"#,
        r#""seed": null"#,
        r#""user": "u", "stream": true, "stream_options": {"include_usage": true}"#,
        r#""temperature": 0, "presence_penalty": 0"#,
    ];
    for member in nothing {
        assert_eq!(
            to_messages(&chat_body(member), model, true),
            Ok(vec![]),
            "{member}"
        );
    }
}

#[test]
fn newer_models_take_no_sampling() {
    let body = chat_body(r#""temperature": 0.2, "top_p": 0.5, "top_k": 3"#);
    let dropped = to_messages(&body, "claude-opus-4-7", false).unwrap();
    assert_eq!(dropped, ["temperature", "top_p", "top_k"]);
    let dropped = to_messages(&body, "claude-sonnet-4-5", false).unwrap();
    assert_eq!(dropped, ["top_p"]);
    assert_eq!(
        to_messages(&body, "claude-3-haiku-20240307", true),
        Ok(vec![])
    );
}

#[test]
fn thoughts_give_way_to_what_cannot_stand_beside_them() {
    let tools = r#""tools": [{"type": "function", "function": {"name": "f"}}]"#;
    let forced = format!(r#""reasoning_effort": "low", "tool_choice": "required", {tools}"#);
    let dropped_effort = || Ok(vec!["reasoning_effort".to_owned()]);
    assert_eq!(
        to_messages(&chat_body(&forced), "claude-sonnet-4-5", false),
        dropped_effort()
    );
    let called = |thought: &str| {
        format!(
            r#"{{"model": "m", "reasoning_effort": "low", "messages": [
                {{"role": "user", "content": "go"}},
                {{"role": "assistant", "tool_calls": [{{"id": "a", "function": {{"name": "f", "arguments": "{{}}"}}}}], "reasoning_details": [{thought}]}},
                {{"role": "tool", "tool_call_id": "a", "content": "done"}}]}}"#
        )
    };
    let without = called("");
    let signed = called(r#"{"type": "reasoning", "text": "t", "signature": "s"}"#);
    assert_eq!(
        to_messages(without.as_bytes(), "claude-sonnet-4-5", false),
        dropped_effort()
    );
    assert_eq!(
        to_messages(without.as_bytes(), "claude-sonnet-4-6", true),
        Ok(vec![])
    );
    assert_eq!(
        to_messages(signed.as_bytes(), "claude-sonnet-4-5", true),
        Ok(vec![])
    );
}

#[test]
fn no_history_is_refused_for_its_calls() {
    let called = |arguments: &str, result: &str| {
        format!(
            r#"{{"model": "m", "messages": [
                {{"role": "user", "content": "go"}},
                {{"role": "assistant", "tool_calls": [{{"id": "a", "function": {{"name": "f", "arguments": "{arguments}"}}}}]}},
                {{"role": "tool", "tool_call_id": "{result}", "content": "done"}}]}}"#
        )
    };
    for (arguments, result) in [("{oops", "a"), ("[1]", "a"), ("", "a"), ("{}", "b")] {
        let body = called(arguments, result);
        let left_out = to_messages(body.as_bytes(), "claude-sonnet-4-5", true);
        assert_eq!(left_out, Ok(vec![]), "{body}");
    }
}

#[test]
fn what_chat_cannot_express_is_rejected_or_dropped() {
    let write = |member: &str| {
        let body = format!(
            r#"{{"model": "m", "max_tokens": 9, "messages": [{{"role": "user", "content": "hi"}}], {member}}}"#
        );
        let request = messages::request::read(body.as_bytes()).unwrap();
        let mut losses = Losses::new(false);
        let written = chat::request::write(&request, "gpt-4o", &mut losses);
        written
            .map(|_| losses.dropped().to_vec())
            .map_err(|error| error.param().unwrap().to_owned())
    };
    let dropped = |dropped: &[&str]| {
        Ok(dropped
            .iter()
            .map(|&dropped_effort| dropped_effort.to_owned())
            .collect())
    };
    let refused = |param: &str| Err::<Vec<String>, _>(param.to_owned());
    let search = r#""tools": [{"type": "web_search_20250305", "name": "web_search"}]"#;
    assert_eq!(write(search), refused("tools[0]"));
    assert_eq!(
        write(r#""mcp_servers": [{"type": "url"}]"#),
        refused("mcp_servers")
    );
    assert_eq!(
        write(r#""top_k": 3, "metadata": {"user_id": "u", "team": "t"}"#),
        dropped(&["top_k", "metadata.team"])
    );
    assert_eq!(
        write(r#""thinking": {"type": "enabled", "budget_tokens": 2000}"#),
        dropped(&["reasoning_effort"])
    );
    assert_eq!(
        write(r#""thinking": {"type": "disabled"}, "service_tier": "auto""#),
        dropped(&[])
    );
}

#[test]
fn what_was_sent_is_not_repeated() {
    let bodies = [
        r#"{"model": "m", "messages": "my secret"}"#,
        r#"{"model": "m", "messages": [{"role": "user", "content": [{"type": "my secret"}]}]}"#,
        r#"{"model": "m", "messages": [{"role": "my secret", "content": "hi"}]}"#,
        r#"{"model": "m", "messages": [], "temperature": "my secret, expected "}"#,
        r#"{"model": "m", "messages": [], "stop": ["a", {"my secret": 1}]}"#,
        r#""my secret""#,
        r#"{"model": "m", "messages": [], "my secret": }"#,
    ];
    for body in bodies {
        for error in [
            chat::request::read(body.as_bytes()).unwrap_err(),
            messages::request::read(body.as_bytes()).unwrap_err(),
        ] {
            assert!(!error.report().contains("secret"), "{error}");
        }
    }
}

#[test]
fn a_picture_of_another_type_is_rejected_in_every_protocol() {
    for (client, body, param) in [
        (
            ClientProtocol::Chat,
            r#"{"model": "m", "messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image+/png;base64,AA=="}}]}]}"#,
            "messages[0].content[0].image_url",
        ),
        (
            ClientProtocol::Messages,
            r#"{"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "image",
                "source": {"type": "base64", "media_type": "image+/png", "data": "AA=="}}]}]}"#,
            "messages[0].content[0].source.media_type",
        ),
        (
            ClientProtocol::Responses,
            r#"{"model": "m", "input": [{"role": "user", "content": [
                {"type": "input_image", "image_url": "data:image+/png;base64,AA=="}]}]}"#,
            "input[0].content[0].image_url",
        ),
        (
            ClientProtocol::Responses,
            r#"{"model": "m", "input": [{"type": "function_call_output", "call_id": "c", "output": [
                {"type": "input_image", "image_url": "data:image+/png;base64,AA=="}]}]}"#,
            "input[0].output[0].image_url",
        ),
    ] {
        let error = client.read_request(body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert_eq!(error.param(), Some(param));
    }
}
