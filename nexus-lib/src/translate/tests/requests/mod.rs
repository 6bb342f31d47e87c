//! Requests that were rejected in production, or that a provider would reject: how they are
//! repaired.

mod anthropic;
mod characters;
mod choices;
mod forced;
mod gemini;
mod histories;
mod openai;

use serde_json::{Value, json};

use crate::translate::fit::{self, Destination, Restore, Vendor};
use crate::translate::{ClientProtocol, Losses, ProviderProtocol, Request};

/// A translated request: what is sent, what was dropped, and what converts the answer back.
struct Sent {
    body: Value,
    left_out: Vec<String>,
    restore: Restore,
    request: Request,
}

/// The request that a provider receives; the parameter's name if it is rejected.
fn sent(
    client: ClientProtocol,
    body: &Value,
    (protocol, vendor, model): (ProviderProtocol, Vendor, &str),
    is_strict: bool,
) -> Result<Sent, String> {
    let param = |error: crate::Error| error.param().unwrap_or_default().to_owned();
    let mut request = client
        .read_request(body.to_string().as_bytes())
        .map_err(param)?;
    let mut losses = Losses::new(is_strict);
    let to = Destination {
        protocol,
        vendor,
        model,
    };
    let restore = fit::fit(&mut request, to, &mut losses).map_err(param)?;
    let written = protocol.write_request(&request, model, &mut losses);
    Ok(Sent {
        body: serde_json::from_slice(&written.map_err(param)?).unwrap(),
        left_out: losses.dropped().to_vec(),
        restore,
        request,
    })
}

const CLAUDE: (ProviderProtocol, Vendor, &str) = (
    ProviderProtocol::Messages,
    Vendor::Other,
    "claude-sonnet-4-5",
);
const GEMINI_2: (ProviderProtocol, Vendor, &str) =
    (ProviderProtocol::Gemini, Vendor::Other, "gemini-2.5-flash");
const GEMINI_3: (ProviderProtocol, Vendor, &str) = (
    ProviderProtocol::Gemini,
    Vendor::Other,
    "gemini-3-flash-preview",
);
const OLLAMA: (ProviderProtocol, Vendor, &str) = (ProviderProtocol::Ollama, Vendor::Other, "qwen3");
const OPENAI: (ProviderProtocol, Vendor, &str) = (ProviderProtocol::Chat, Vendor::Other, "gpt-4o");
const SERVER: (ProviderProtocol, Vendor, &str) =
    (ProviderProtocol::Chat, Vendor::Other, "some-model");
const RESPONSES: (ProviderProtocol, Vendor, &str) =
    (ProviderProtocol::Responses, Vendor::Other, "gpt-4o");

/// Every provider protocol.
const ALL: [(ProviderProtocol, Vendor, &str); 7] = [
    CLAUDE, GEMINI_2, GEMINI_3, OLLAMA, OPENAI, SERVER, RESPONSES,
];

fn ok(client: ClientProtocol, body: &Value, to: (ProviderProtocol, Vendor, &str)) -> Sent {
    match sent(client, body, to, false) {
        Ok(sent) => sent,
        Err(param) => panic!("{param} is refused by {to:?}: {body}"),
    }
}

/// A chat with these messages and further fields.
fn chat(messages: Value, more: Value) -> Value {
    with(json!({"model": "m", "messages": messages}), more)
}

fn messages(messages: Value, more: Value) -> Value {
    with(
        json!({"model": "m", "max_tokens": 99, "messages": messages}),
        more,
    )
}

fn with(mut body: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    body
}

fn user(content: impl Into<Value>) -> Value {
    json!({"role": "user", "content": content.into()})
}

fn assistant(content: impl Into<Value>) -> Value {
    json!({"role": "assistant", "content": content.into()})
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn calls(calls: impl Into<Vec<Value>>) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": calls.into()})
}

fn result(id: &str, content: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content})
}

fn function(name: &str, parameters: Value) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": parameters}})
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}
