//! Requests of each client protocol, read and written for each provider: nothing panics, rejections
//! are the client's to fix, and the written JSON is what a client of that protocol could have sent.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use nexus_fuzz::JsonMutator;
use nexus_lib::ErrorKind;
use nexus_lib::translate::{ClientProtocol, Losses, ProviderProtocol};
use nexus_lib::wire::{Operation, RequestScan};
use serde_json::Value;

const MODELS: [&str; 6] = [
    "m",
    "claude-sonnet-4-6",
    "gpt-5.1",
    "gemini-2.5-flash",
    "gemini-3-pro-preview",
    "deepseek-reasoner",
];

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    JsonMutator::new(seed).mutate(data, size, max_size, 1)
});

fuzz_target!(|input: &[u8]| {
    let [which, body @ ..] = input else { return };
    let (client, operation) = match which % 3 {
        0 => (ClientProtocol::Chat, Operation::ChatCompletion),
        1 => (ClientProtocol::Messages, Operation::Message),
        _ => (ClientProtocol::Responses, Operation::Response),
    };
    let is_strict = which & 0x80 != 0;
    let scanned = RequestScan::for_operation(operation, body, None);
    let request = match client.read_request(body) {
        Ok(request) => request,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
            return;
        }
    };
    if let Ok(scan) = scanned {
        assert_eq!(
            (&*scan.model, scan.stream),
            (&*request.model, request.stream)
        );
    }
    let model = MODELS[usize::from(*which / 3) % MODELS.len()];
    for provider in [
        ProviderProtocol::Chat,
        ProviderProtocol::Messages,
        ProviderProtocol::Responses,
        ProviderProtocol::Gemini,
        ProviderProtocol::Ollama,
    ] {
        let mut losses = Losses::new(is_strict);
        let written = match provider.write_request(&request, model, &mut losses) {
            Ok(written) => written,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
                continue;
            }
        };
        let json: Value = match serde_json::from_slice(&written) {
            Ok(json) => json,
            // JSON knows no bound, and what a client sends for others to read is passed on.
            Err(error) if error.to_string().starts_with("number out of range") => continue,
            Err(error) => panic!("a request is JSON: {error}"),
        };
        let back = match provider {
            ProviderProtocol::Chat => ClientProtocol::Chat,
            ProviderProtocol::Messages => {
                check_messages(&json);
                ClientProtocol::Messages
            }
            ProviderProtocol::Responses => ClientProtocol::Responses,
            ProviderProtocol::Gemini => {
                check_gemini(&json);
                continue;
            }
            // Ollama's has no reader of requests.
            _ => continue,
        };
        let again = back.read_request(&written);
        let again = again.unwrap_or_else(|error| panic!("{provider:?}: {error}\n{json}"));
        assert_eq!(again.model, model);
        assert_eq!(again.stream, request.stream);
    }
});

/// What Anthropic rejects in any case.
fn check_messages(json: &Value) {
    assert!(json["max_tokens"].is_u64(), "a limit is needed: {json}");
    let mut role = "assistant";
    for message in json["messages"].as_array().expect("there are messages") {
        let next = message["role"].as_str().expect("a message has a role");
        assert!(["user", "assistant"].contains(&next));
        assert!(
            next != role || role == "assistant" && next == "user",
            "roles do not alternate: {json}"
        );
        role = next;
        let blocks = message["content"].as_array();
        // If the user turn has nothing else, there is nothing to leave out.
        let is_alone = next == "user" && blocks.is_none_or(|blocks| blocks.len() == 1);
        if let Some(text) = message["content"].as_str() {
            assert!(is_alone || !text.trim().is_empty(), "a blank text: {json}");
        }
        for block in blocks.into_iter().flatten() {
            match block["type"].as_str().expect("a block has a type") {
                "text" => {
                    let text = block["text"].as_str().expect("a text has text");
                    assert!(is_alone || !text.trim().is_empty(), "a blank text: {json}");
                }
                // Ids and names are adapted to the provider before a request is written.
                "tool_use" => assert!(block["id"].is_string() && block["input"].is_object()),
                "tool_result" => assert!(block["tool_use_id"].is_string()),
                _ => {}
            }
        }
    }
}

/// What Gemini rejects in any case.
fn check_gemini(json: &Value) {
    for content in json["contents"].as_array().expect("there are contents") {
        let parts = content["parts"].as_array().expect("a content has parts");
        assert!(!parts.is_empty(), "a content without parts: {json}");
        for part in parts {
            if let Some(response) = part.get("functionResponse") {
                assert!(
                    response["response"].is_object(),
                    "a response is an object: {json}"
                );
            }
            if let Some(args) = part.get("functionCall").and_then(|call| call.get("args")) {
                assert!(args.is_object(), "arguments are an object: {json}");
            }
        }
    }
}
