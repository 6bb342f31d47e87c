use http::StatusCode;

/// No more than this much of a body that is no error of any protocol is repeated, in characters.
const MOST: usize = 500;

/// What an error's body says that has no form: its text, or the name of its status.
pub(crate) fn plain_error(status: StatusCode, body: &[u8]) -> String {
    if status.is_success() {
        // An answer with an error in it: its words are not an error's.
        return "the provider reports an error".to_owned();
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') {
        let reason = status.canonical_reason().unwrap_or("an error");
        return format!("the provider answered {} ({reason})", status.as_u16());
    }
    text.chars().take(MOST).collect()
}
