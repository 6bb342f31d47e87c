//! Errors: `{"error":{"code","message","status"}}`, sometimes in a list.

use http::StatusCode;

/// Reads Gemini's error: its message, the type (its `status`, such as `INVALID_ARGUMENT`) and the
/// code. A body in any other format is the message.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> (String, Option<String>, Option<String>) {
    let (message, _, code) = crate::translate::chat::error::read(status, body);
    (message, word(body), code)
}

/// Google's type of an error.
fn word(body: &[u8]) -> Option<String> {
    use crate::translate::reading::Object;

    let list: Option<Vec<Object<'_>>> = serde_json::from_slice(body).ok();
    let object: Object<'_> = match list {
        Some(list) => list.into_iter().next()?,
        None => serde_json::from_slice(body).ok()?,
    };
    let error = object.lenient::<Object<'_>>("error")?;
    error.lenient("status")
}

/// Whether the gateway's key was rejected, for which Gemini uses a 400.
pub(crate) fn is_of_key(status: StatusCode, body: &[u8]) -> bool {
    status == StatusCode::BAD_REQUEST && memchr::memmem::find(body, b"API_KEY_INVALID").is_some()
}
