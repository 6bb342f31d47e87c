//! Errors: `{"error":"…"}`.

use http::StatusCode;

/// Reads Ollama's error. It has neither type nor code. A body in any other format is the message.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> (String, Option<String>, Option<String>) {
    crate::translate::chat::error::read(status, body)
}
