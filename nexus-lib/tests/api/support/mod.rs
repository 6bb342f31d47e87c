//! A gateway on two loopback ports, and the requests that tests send to it.

#[path = "../../documented/mod.rs"]
mod documented;
mod gated_store;
mod https;
mod rig;
mod serve;

pub(crate) use gated_store::Append;
pub(crate) use https::HttpsUpstream;
pub(crate) use rig::{Rig, provider, short};

use nexus_lib::testing::RawRequest;
use serde_json::Value;

/// The clients' key.
pub(crate) const KEY: &str = "client-key-0123456789abcdef";
/// The providers' key.
pub(crate) const SERVER_KEY: &str = "sk-server-0123456789abcdef";
/// The model that [`Rig::over`] registers.
pub(crate) const MODEL: &str = "m";
/// Where chats are posted.
pub(crate) const CHAT: &str = "/v1/chat/completions";

/// The smallest chat.
pub(crate) const PLAIN: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
/// The smallest streamed chat without usage.
pub(crate) const STREAM: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#;
/// The smallest streamed chat with usage.
pub(crate) const STREAM_USAGE: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}"#;

/// A chat with the usual key.
pub(crate) fn chat(body: impl Into<bytes::Bytes>) -> RawRequest {
    RawRequest::post(CHAT).bearer(KEY).body(body)
}

/// The names of the fields of a JSON object, sorted.
pub(crate) fn fields(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("a JSON object");
    let mut names: Vec<_> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Checks the format of a gateway error, and its code.
pub(crate) fn assert_error(body: &Value, kind: &str, code: &str) {
    assert_eq!(fields(body), ["error"], "{body}");
    let error = &body["error"];
    assert_eq!(
        fields(error),
        ["code", "message", "param", "type"],
        "{body}"
    );
    assert_eq!(error["type"], kind, "{body}");
    assert_eq!(error["code"], code, "{body}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{body}"
    );
}
