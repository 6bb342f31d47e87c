//! The translation of each recorded text, for review. The recordings are written from the
//! providers' references.

use std::fmt::Write as _;
use std::path::Path;

use http::StatusCode;

use super::{as_chat, as_messages, chat_events, messages_events};
use crate::translate::fit::{self, Destination, Vendor};
use crate::translate::{Losses, ProviderProtocol, Request, chat, messages};

pub(super) fn fixture(protocol: &str, name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/translate");
    std::fs::read(folder.join(protocol).join("fixtures").join(name)).unwrap()
}

/// JSON with line ends and indentation, otherwise as it was written; without the time.
pub(super) fn pretty(json: &[u8]) -> String {
    let json = String::from_utf8(json.to_vec()).unwrap();
    serde_json::from_str::<serde::de::IgnoredAny>(&json).unwrap();
    let (mut text, mut depth, mut in_string, mut is_escaped) = (String::new(), 0, false, false);
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    };
    for letter in json.chars() {
        let opens = !in_string && matches!(letter, '{' | '[');
        if !in_string && matches!(letter, '}' | ']') {
            depth -= 1;
            if text.trim_end().ends_with(['{', '[']) {
                text.truncate(text.trim_end().len());
            } else {
                line(&mut text, depth);
            }
        }
        text.push(letter);
        in_string ^= letter == '"' && !is_escaped;
        is_escaped = in_string && letter == '\\' && !is_escaped;
        match letter {
            _ if opens => {
                depth += 1;
                line(&mut text, depth);
            }
            ',' if !in_string => line(&mut text, depth),
            _ => {}
        }
    }
    without_time(&text)
}

pub(super) fn readable(stream: &[u8]) -> String {
    without_time(str::from_utf8(stream).unwrap())
}

fn without_time(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let Some((head, rest)) = line.split_once("\"created\":") else {
            writeln!(lines, "{line}").unwrap();
            continue;
        };
        let rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        writeln!(lines, "{head}\"created\":TIME{rest}").unwrap();
    }
    lines
}

pub(super) fn request_to(
    write: fn(&Request, &str, &mut Losses) -> crate::error::Result<Vec<u8>>,
    request: &Request,
    model: &str,
) -> String {
    let mut losses = Losses::new(false);
    let body = write(request, model, &mut losses).unwrap();
    format!("left out: {:?}\n{}", losses.dropped(), pretty(&body))
}

macro_rules! recorded {
    ($($test:ident: $name:literal, $text:expr;)*) => {
        $(#[test]
        fn $test() {
            let mut settings = insta::Settings::clone_current();
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!($name, $text));
        })*
    };
}

fn chat_request(name: &str, model: &str) -> String {
    let mut request = chat::request::read(&fixture("chat", name)).unwrap();
    let to = Destination {
        protocol: ProviderProtocol::Messages,
        vendor: Vendor::Other,
        model,
    };
    fit::fit(&mut request, to, &mut Losses::new(true)).unwrap();
    request_to(messages::request::write, &request, model)
}

fn messages_request(name: &str, model: &str) -> String {
    let request = messages::request::read(&fixture("messages", name)).unwrap();
    request_to(chat::request::write, &request, model)
}

fn chat_reply(name: &str) -> String {
    let answered = chat::reply::read(&fixture("chat", name)).unwrap();
    pretty(&messages::reply::write(&answered, "asked-for"))
}

fn messages_reply(name: &str) -> String {
    let answered = messages::reply::read(&fixture("messages", name)).unwrap();
    pretty(&chat::reply::write(&answered, "asked-for"))
}

fn chat_stream(name: &str) -> String {
    readable(&as_messages(chat_events(&fixture("chat", name))))
}

fn messages_stream(name: &str, include_usage: bool) -> String {
    let events = messages_events(&fixture("messages", name));
    readable(&as_chat(events, include_usage))
}

recorded! {
    chat_request_text: "chat_to_messages_request_text", chat_request("request_text.json", "claude-sonnet-4-5");
    chat_request_tools: "chat_to_messages_request_tools", chat_request("request_tools.json", "claude-sonnet-4-5");
    chat_request_images: "chat_to_messages_request_images", chat_request("request_images.json", "claude-3-5-haiku-latest");
    chat_request_reasoning: "chat_to_messages_request_reasoning", chat_request("request_reasoning.json", "claude-opus-4-8");
    chat_request_budget: "chat_to_messages_request_budget", chat_request("request_reasoning.json", "claude-sonnet-4-5");
    messages_request_text: "messages_to_chat_request_text", messages_request("request_text.json", "llama-3");
    messages_request_tools: "messages_to_chat_request_tools", messages_request("request_tools.json", "gpt-4o");
    messages_request_images: "messages_to_chat_request_images", messages_request("request_images.json", "gpt-4o");
    messages_request_reasoning: "messages_to_chat_request_reasoning", messages_request("request_reasoning.json", "gpt-5");
    messages_request_thoughts: "messages_to_chat_request_thoughts", messages_request("request_reasoning.json", "deepseek-reasoner");

    chat_reply_text: "chat_to_messages_reply_text", chat_reply("reply_text.json");
    chat_reply_tools: "chat_to_messages_reply_tools", chat_reply("reply_tools.json");
    chat_reply_reasoning: "chat_to_messages_reply_reasoning", chat_reply("reply_reasoning.json");
    chat_reply_refusal: "chat_to_messages_reply_refusal", chat_reply("reply_refusal.json");
    messages_reply_text: "messages_to_chat_reply_text", messages_reply("reply_text.json");
    messages_reply_tools: "messages_to_chat_reply_tools", messages_reply("reply_tools.json");
    messages_reply_reasoning: "messages_to_chat_reply_reasoning", messages_reply("reply_reasoning.json");
    messages_reply_refusal: "messages_to_chat_reply_refusal", messages_reply("reply_refusal.json");

    chat_stream_text: "chat_to_messages_stream_text", chat_stream("stream_text.sse");
    chat_stream_tools: "chat_to_messages_stream_tools", chat_stream("stream_tools.sse");
    chat_stream_gemini: "chat_to_messages_stream_gemini", chat_stream("stream_gemini.sse");
    chat_stream_reasoning: "chat_to_messages_stream_reasoning", chat_stream("stream_reasoning.sse");
    chat_stream_openrouter: "chat_to_messages_stream_openrouter", chat_stream("stream_openrouter.sse");
    chat_stream_error: "chat_to_messages_stream_error", chat_stream("stream_error.sse");
    messages_stream_text: "messages_to_chat_stream_text", messages_stream("stream_text.sse", true);
    messages_stream_tools: "messages_to_chat_stream_tools", messages_stream("stream_tools.sse", false);
    messages_stream_reasoning: "messages_to_chat_stream_reasoning", messages_stream("stream_reasoning.sse", true);
    messages_stream_error: "messages_to_chat_stream_error", messages_stream("stream_error.sse", true);
}

#[test]
fn errors_keep_message_kind_and_code() {
    let status = StatusCode::from_u16(529).unwrap();
    let body = fixture("messages", "error.json");
    let (message, kind, code) = messages::error::read(status, &body);
    let body = chat::error::write(status, &message, kind.as_deref(), code.as_deref());
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"error":{"message":"Overloaded","type":"server_error","param":null,"code":"overloaded"}}"#
    );
    assert_eq!(chat::error::status(status), 503);
    assert_eq!(messages::error::status(chat::error::status(status)), 529);

    let status = StatusCode::UNAUTHORIZED;
    let (message, kind, code) = chat::error::read(status, &fixture("chat", "error.json"));
    let body = messages::error::write(status, &message, kind.as_deref(), code.as_deref());
    assert_eq!(
        String::from_utf8(body).unwrap(),
        concat!(
            r#"{"type":"error","error":{"type":"authentication_error","#,
            r#""message":"Incorrect API key provided.","code":"invalid_api_key"}}"#
        )
    );
}

#[test]
fn errors_in_mid_stream_are_distinguished_by_their_types() {
    let table = [
        (Some("rate_limit_error"), None, "rate_limit_error"),
        (
            Some("tokens"),
            Some("rate_limit_exceeded"),
            "rate_limit_error",
        ),
        (None, Some("502"), "api_error"),
        (None, Some("429"), "rate_limit_error"),
        (Some("server_error"), Some("overloaded"), "overloaded_error"),
        (Some("overloaded_error"), None, "overloaded_error"),
        (None, None, "api_error"),
    ];
    for (kind, code, expected) in table {
        let body = messages::error::write(StatusCode::INTERNAL_SERVER_ERROR, "m", kind, code);
        let (_, written, _) = messages::error::read(StatusCode::OK, &body);
        assert_eq!(written.as_deref(), Some(expected), "{kind:?} {code:?}");
    }
}

#[test]
fn errors_of_any_form_have_a_message() {
    let table: [(&[u8], &str); 7] = [
        (
            br#"[{"error": {"code": 400, "message": "gemini", "status": "INVALID_ARGUMENT"}}]"#,
            "gemini",
        ),
        (br#"{"error": "ollama"}"#, "ollama"),
        (
            br#"{"message": "mistral", "type": "invalid_request_error"}"#,
            "mistral",
        ),
        (br#"{"detail": "fastapi"}"#, "fastapi"),
        (b"plain", "plain"),
        (b"<html>", "the provider answered 502 (Bad Gateway)"),
        (b"", "the provider answered 502 (Bad Gateway)"),
    ];
    for (body, expected) in table {
        let (message, ..) = chat::error::read(StatusCode::BAD_GATEWAY, body);
        assert_eq!(message, expected);
    }
}
