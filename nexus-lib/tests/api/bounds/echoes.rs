//! Upstreams that repeat the key that they were sent: it never appears, however they encode it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use nexus_lib::testing::{Answer, RawResponse, Script, openai};
use serde_json::{Value, json};

use super::{Face, PROVIDERS, fields};
use crate::support::Rig;

/// With characters that JSON and URLs may escape.
const KEY: &str = "sk-echo/canary+0123456789-wxyz";
/// The part that must not appear in an answer after any decoding.
const INSIDE: &str = "echo/canary+0123456789";

/// Possible encodings of the key inside a JSON string.
fn spellings() -> Vec<String> {
    let every = |letter: &dyn Fn(char) -> String| KEY.chars().map(letter).collect::<String>();
    vec![
        KEY.to_owned(),
        KEY.replace('/', "\\/"),
        KEY.replace('a', "\\u0061"),
        every(&|letter| format!("\\u{:04x}", u32::from(letter))),
        every(&|letter| format!("%{:02X}", u32::from(letter))),
        BASE64_STANDARD.encode(format!("user:{KEY}")),
    ]
}

/// Everything that a text might be decoded to.
fn decoded(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    for data in text
        .lines()
        .map(|line| line.strip_prefix("data: ").unwrap_or(line))
    {
        if let Ok(value) = serde_json::from_str::<Value>(data) {
            strings(&value, &mut all);
        }
    }
    let texts: Vec<_> = all.clone();
    for text in texts {
        all.push(unquoted(&text));
        for word in
            text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"+/=".contains(letter))
        {
            let bytes = BASE64_STANDARD.decode(word).unwrap_or_default();
            all.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    all
}

fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        Value::Object(members) => {
            into.extend(members.keys().cloned());
            members.values().for_each(|value| strings(value, into));
        }
        _ => {}
    }
}

/// Percent-decoded.
fn unquoted(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| std::str::from_utf8(after.get(..2)?).ok());
        match code
            .flatten()
            .and_then(|code| u8::from_str_radix(code, 16).ok())
        {
            Some(byte) => (bytes.push(byte), rest = &after[2..]),
            None => (bytes.push(*first), rest = after),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn assert_hidden(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for told in decoded(&text) {
        assert!(!told.contains(INSIDE), "{place} shows the key: {text}");
    }
}

fn assert_clean(place: &str, response: &RawResponse) {
    let head = String::from_utf8_lossy(&response.head.raw).replace("\r\n", "\n");
    assert_hidden(place, head.as_bytes());
    assert_hidden(place, &response.body.content);
    if response.header("content-type") == Some("application/json") {
        // Still JSON.
        response.body.json();
    }
}

/// An error in a provider's format, with `message` inside a JSON string.
fn error(message: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":"invalid_request_error","code":"bad","message":"{message}","metadata":{{"{message}":"{message}"}}}}}}"#
    )
}

/// How an upstream repeats the key.
#[derive(Debug, Clone, Copy)]
enum Echo {
    Refuses(u16),
    InAnAnswer,
    FirstEvent,
    LaterEvent,
    InAHeader,
    InText,
    /// In a successful answer: unencoded, since such answers are not decoded.
    InWords,
    /// In an event of an unknown type.
    InAnOddEvent,
}

impl Echo {
    fn is_decoded(self) -> bool {
        !matches!(self, Self::InWords | Self::InAnOddEvent)
    }
}

const ECHOES: [Echo; 11] = [
    Echo::Refuses(400),
    Echo::Refuses(401),
    Echo::Refuses(429),
    Echo::Refuses(500),
    Echo::InAnAnswer,
    Echo::FirstEvent,
    Echo::LaterEvent,
    Echo::InAHeader,
    Echo::InText,
    Echo::InWords,
    Echo::InAnOddEvent,
];

/// What precedes a later error in such a provider's stream.
fn first_event(kind: &str, protocol: Option<&str>) -> &'static str {
    match (kind, protocol) {
        ("openai", None) => {
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
        }
        ("openai", Some(_)) => {
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[]}}\n\n"
        }
        ("anthropic", _) => {
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n"
        }
        ("gemini", _) => {
            "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"a\"}]}}]}\n\n"
        }
        _ => "{\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":false}\n",
    }
}

/// A whole answer of such a provider.
fn words(kind: &str, protocol: Option<&str>, said: &str) -> String {
    let text = json!({"type": "text", "text": said});
    let answer = match (kind, protocol) {
        ("openai", None) => openai::completion(said, 1, 1),
        ("openai", Some(_)) => json!({
            "id": "r", "object": "response", "status": "completed",
            "output": [{
                "type": "message", "id": "msg", "role": "assistant",
                "content": [{"type": "output_text", "text": said, "annotations": []}],
            }],
        }),
        ("anthropic", _) => json!({
            "id": "m", "type": "message", "role": "assistant", "content": [text],
            "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1},
        }),
        ("gemini", _) => json!({
            "candidates": [{"finishReason": "STOP", "content": {"role": "model", "parts": [{"text": said}]}}],
        }),
        _ => json!({
            "message": {"role": "assistant", "content": said}, "done": true, "done_reason": "stop",
        }),
    };
    answer.to_string()
}

fn answer(echo: Echo, spelled: &str, kind: &str, protocol: Option<&str>) -> Answer {
    let error = error(&format!("wrong key {spelled}, said"));
    let event = match kind {
        "ollama" => format!("{{\"error\":\"wrong key {spelled}, said\"}}\n"),
        _ => format!("event: error\ndata: {error}\n\n"),
    };
    match echo {
        Echo::Refuses(status) => Answer::json(status, error),
        Echo::InAnAnswer => Answer::json(200, error),
        Echo::FirstEvent => Answer::events(&[&event]).end(),
        Echo::LaterEvent => Answer::events(&[first_event(kind, protocol), &event]).end(),
        Echo::InWords => Answer::json(200, words(kind, protocol, spelled)),
        Echo::InAnOddEvent => {
            let odd = match kind {
                "ollama" => format!("{{\"detail\":\"{spelled}\"}}\n"),
                _ => format!("event: odd\ndata: {{\"detail\":\"{spelled}\"}}\n\n"),
            };
            Answer::events(&[first_event(kind, protocol), &odd]).end()
        }
        Echo::InAHeader => {
            let value = spelled.replace('\\', "");
            let headers = [
                ("x-debug-auth", &*value),
                ("content-type", "application/json"),
            ];
            Answer::fixed(400, &headers, r#"{"error":{"message":"no"}}"#)
        }
        Echo::InText => {
            let text = format!("<p>wrong key {spelled}</p>");
            Answer::fixed(502, &[("content-type", "text/html")], text)
        }
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_key_that_an_upstream_repeats_is_seen_nowhere() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    for (kind, protocol) in PROVIDERS {
        let rig = Rig::start().await;
        let spelled = spellings();
        let count = spelled.len();
        let script = Script::by(move |request| {
            // Each echo in each encoding, as often as the model's name requests.
            let body = String::from_utf8_lossy(&request.body);
            let target = format!("{}{body}", request.target);
            let at = |name: &str| {
                let rest = target.split(name).nth(1)?;
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<usize>().ok()
            };
            let echo = ECHOES[at("echo-").unwrap_or(0)];
            answer(echo, &spelled[at("spelled-").unwrap_or(0)], kind, protocol)
        });
        let mut registered = fields(kind, protocol);
        registered["server_key"] = json!(KEY);
        let _upstream = rig.add_upstream_with("Echo", registered, script).await;
        for (number, echo) in ECHOES.into_iter().enumerate() {
            for spelling in 0..if echo.is_decoded() { count } else { 1 } {
                let name = format!("m-echo-{number}-spelled-{spelling}-");
                rig.create(
                    "/provider_models",
                    json!({"provider_id": 1, "model_name": name}),
                )
                .await;
                for face in Face::ALL {
                    for stream in [false, true] {
                        let mut body = face.body("hi", stream);
                        body["model"] = json!(name);
                        let place = format!(
                            "{echo:?} {spelling} of {kind} {protocol:?} to {face:?}, {stream}"
                        );
                        let response = rig.ask(&face.request(&body)).await;
                        assert_clean(&place, &response);
                    }
                }
                let test = json!({"model": name});
                let tested = rig.admin("POST", "/providers/1/test", Some(test)).await;
                assert_clean("a test", &tested);
            }
        }
        for route in ["/providers", "/stats/requests?limit=500", "/stats/total"] {
            assert_clean(route, &rig.admin("GET", route, None).await);
        }
        rig.gateway.close().await.unwrap();
        for entry in std::fs::read_dir(rig.folder()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(INSIDE));
        }
    }
    let log = log.0.lock().unwrap();
    assert!(!log.is_empty());
    assert!(
        !String::from_utf8_lossy(&log).contains(INSIDE),
        "the log shows the key"
    );
}

#[tokio::test]
async fn a_list_of_models_does_not_repeat_the_key() {
    let list = format!(
        r#"{{"data":[{{"id":"good"}},{{"id":"{KEY}"}},{{"id":"{}"}}]}}"#,
        KEY.replace('/', "\\/")
    );
    for answer in [
        Answer::json(200, list),
        Answer::json(400, error(KEY)),
        Answer::json(200, format!(r#"{{"data":"{KEY}"}}"#)),
    ] {
        let rig = Rig::start().await;
        let registered = json!({"server_key": KEY});
        let _upstream = rig.add_upstream_with("Echo", registered, answer).await;
        let response = rig.admin("GET", "/providers/1/upstream_models", None).await;
        assert_clean("a list", &response);
        if response.status == 200 {
            assert_eq!(response.body.json(), json!({"models": ["good"]}));
        }
    }
}
