use http::StatusCode;

/// How much of an error body in no known format is repeated, in characters.
const MAX_CHARS: usize = 500;

/// The message of an error body in no known format: its text, or the name of its status.
pub(crate) fn plain_error(status: StatusCode, body: &[u8]) -> String {
    if status.is_success() {
        // An answer that contains an error: its text is not an error message.
        return "the provider reports an error".to_owned();
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') {
        let reason = status.canonical_reason().unwrap_or("an error");
        return format!("the provider answered {} ({reason})", status.as_u16());
    }
    text.chars().take(MAX_CHARS).collect()
}
