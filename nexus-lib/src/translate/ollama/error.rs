//! Errors: `{"error":"…"}`.

use http::StatusCode;

/// What Ollama says is wrong. It tells neither kind nor code. A body of any other form is the message.
pub fn read(status: StatusCode, body: &[u8]) -> (String, Option<String>, Option<String>) {
    crate::translate::chat::error::read(status, body)
}
