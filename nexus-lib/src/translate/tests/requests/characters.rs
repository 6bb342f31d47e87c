//! Texts that clients have cut within a character.

use crate::translate::{ClientProtocol, Losses, ProviderProtocol};

#[test]
fn half_a_character_in_a_request_does_not_lose_it() {
    let half = "\\ud83d";
    let schema = format!(r#"{{"type": "object", "properties": {{"a{half}": {{}}}}}}"#);
    let chat = format!(
        r#"{{"model": "m", "messages": [{{"role": "user", "content": "a{half}"}}],
            "tools": [{{"type": "function", "function": {{"name": "f", "parameters": {schema}}}}}]}}"#
    );
    let messages = format!(
        r#"{{"model": "m", "max_tokens": 9, "messages": [{{"role": "user", "content": "a{half}"}}],
            "tools": [{{"name": "f", "input_schema": {schema}}}]}}"#
    );
    let responses = format!(
        r#"{{"model": "m", "input": "a{half}",
            "tools": [{{"type": "function", "name": "f", "parameters": {schema}}}]}}"#
    );
    for (client, body) in [
        (ClientProtocol::Chat, chat),
        (ClientProtocol::Messages, messages),
        (ClientProtocol::Responses, responses),
    ] {
        let whole = client.read_request(body.as_bytes()).unwrap();
        let draft = client.begin_request(body.as_bytes()).unwrap();
        let later = draft.map(|draft| client.finish_request(draft, body.as_bytes()).unwrap());
        for request in [Some(whole), later].into_iter().flatten() {
            for provider in [
                ProviderProtocol::Chat,
                ProviderProtocol::Messages,
                ProviderProtocol::Responses,
                ProviderProtocol::Gemini,
                ProviderProtocol::Ollama,
            ] {
                let written = provider.write_request(&request, "m", &mut Losses::new(false));
                let written = String::from_utf8(written.unwrap()).unwrap();
                serde_json::from_str::<serde_json::Value>(&written).unwrap();
                let is_mended = written.contains("a\u{fffd}") || written.contains("a\\ufffd");
                assert!(is_mended, "{client:?} to {provider:?}: {written}");
            }
        }
    }
}
