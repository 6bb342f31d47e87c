//! Gemini's signatures of calls in chat completions that pass through: its compatible endpoint puts
//! them in `extra_content`.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use serde_json::Value;

use super::items::text;
use super::{Kind, Recent};
use crate::secret::KeyHash;
use crate::sse;
use crate::wire::json::{elements, members};

const SIGNATURE: &str = "thought_signature";
const EXTRA: &str = "extra_content";

/// Remembers the signatures in `answer`: a whole answer, or events of one.
pub(crate) fn note(recent: &Recent, client: KeyHash, answer: &[u8]) {
    if memmem::find(answer, SIGNATURE.as_bytes()).is_none() {
        return;
    }
    if answer.trim_ascii_start().starts_with(b"{") {
        return note_choices(recent, client, answer);
    }
    for event in sse::events(answer) {
        note_choices(recent, client, &event.data());
    }
}

fn note_choices(recent: &Recent, client: KeyHash, json: &[u8]) {
    let answer: Value = serde_json::from_slice(json).unwrap_or_default();
    let choices = answer["choices"].as_array().into_iter().flatten();
    for choice in choices {
        for said in [&choice["message"], &choice["delta"]] {
            for call in said["tool_calls"].as_array().into_iter().flatten() {
                let signature = call[EXTRA]["google"][SIGNATURE].as_str();
                if let (Some(id), Some(signature)) = (call["id"].as_str(), signature) {
                    let signature = Bytes::copy_from_slice(signature.as_bytes());
                    recent.put(client, Kind::Signature, id, signature);
                }
            }
        }
    }
}

/// `request` with the signatures that its client left out; `None` if no known signature is missing.
pub(crate) fn restore(recent: &Recent, client: KeyHash, request: &[u8]) -> Option<Bytes> {
    memmem::find(request, b"\"tool_calls\"")?;
    // The ends of the calls without a signature, and the signatures.
    let mut missing: Vec<(usize, String)> = Vec::new();
    let messages = place(request, "messages")?;
    elements(request.get(messages.clone())?, |message| {
        let message_at = messages.start + message.start;
        let message = request.get(message_at..messages.start + message.end);
        let message = message.unwrap_or_default();
        let Some(calls) = place(message, "tool_calls") else {
            return;
        };
        let calls_at = message_at + calls.start;
        let calls = message.get(calls).unwrap_or_default();
        // Anything that is not a list is ignored.
        let _ = elements(calls, |call| {
            let end = calls_at + call.end - 1;
            let call = calls.get(call).unwrap_or_default();
            missing.extend(signature(recent, client, call).map(|signature| (end, signature)));
        });
    })
    .ok()?;
    if missing.is_empty() {
        return None;
    }
    let mut signed = Vec::with_capacity(request.len() + 256 * missing.len());
    let mut from = 0;
    for (end, signature) in missing {
        signed.extend_from_slice(request.get(from..end)?);
        let extra = serde_json::json!({"google": {SIGNATURE: signature}});
        signed.extend_from_slice(format!(",\"{EXTRA}\":{extra}").as_bytes());
        from = end;
    }
    signed.extend_from_slice(request.get(from..)?);
    Some(signed.into())
}

/// The position of the value of a member of the object `json`.
fn place(json: &[u8], name: &str) -> Option<Range<usize>> {
    let mut found = None;
    members(json, |key, value| {
        if key == name {
            found = Some(value);
        }
    })
    .ok()?;
    found
}

/// The signature missing from `call`, if it is known.
fn signature(recent: &Recent, client: KeyHash, call: &[u8]) -> Option<String> {
    let (mut id, mut has_extra) = (None, false);
    members(call, |name, value| match &*name {
        "id" => id = call.get(value).and_then(text),
        EXTRA => has_extra = true,
        _ => {}
    })
    .ok()?;
    let id: String = id.filter(|_| !has_extra)?;
    let signature = recent.get(client, Kind::Signature, &id)?;
    String::from_utf8(signature.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_lack_a_known_signature_change() {
        let (recent, client) = (Recent::default(), KeyHash::of(b"k"));
        let event = r#"data: {"choices":[{"delta":{"tool_calls":[{"id":"a","extra_content":{"google":{"thought_signature":"c2ln"}}},{"id":"b"}]}}]}"#;
        note(&recent, client, format!("{event}\n\n").as_bytes());
        let request = r#"{ "messages" : [{"role":"user","content":"\"tool_calls\""},
            {"tool_calls": [ {"id":"a", "function":{}} ,{"id":"b"}, {"extra_content":null,"id":"a"}] }, {"tool_calls":null}], "x": 1.50 }"#;
        let signed = restore(&recent, client, request.as_bytes()).unwrap();
        let expected = request.replace(
            r#""function":{}}"#,
            r#""function":{},"extra_content":{"google":{"thought_signature":"c2ln"}}}"#,
        );
        assert_eq!(signed, expected.as_bytes());
        assert_eq!(
            restore(&recent, KeyHash::of(b"other"), request.as_bytes()),
            None
        );
        assert_eq!(
            restore(&recent, client, b"{\"messages\":[{\"tool_calls\":[3,{}]}]}"),
            None
        );
    }
}
