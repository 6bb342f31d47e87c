use bytes::Bytes;
use memchr::memmem;

use crate::wire::mask;

/// Shorter ones are not looked for: they might be any word, and protect nothing.
const SHORTEST_KEY: usize = 8;

/// Whether an upstream's words repeat the key that it was sent.
pub(crate) fn repeats(text: &[u8], key: &str) -> bool {
    key.len() >= SHORTEST_KEY && memmem::find(text, key.as_bytes()).is_some()
}

/// An upstream's error with the provider's key masked, should it be repeated there: the one edit that
/// is made to what an upstream says. The same bytes otherwise.
pub(crate) fn redact(text: Bytes, key: &str) -> Bytes {
    if !repeats(&text, key) {
        return text;
    }
    let mask = mask(key);
    let mut redacted = Vec::with_capacity(text.len());
    let mut kept = 0;
    for at in memmem::find_iter(&text, key.as_bytes()) {
        redacted.extend_from_slice(&text[kept..at]);
        redacted.extend_from_slice(mask.as_bytes());
        kept = at + key.len();
    }
    redacted.extend_from_slice(&text[kept..]);
    redacted.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_repetition_of_the_key_is_masked() {
        let text = Bytes::from_static(b"sk-canary-0123456789: no such key: sk-canary-0123456789!");
        assert_eq!(
            redact(text, "sk-canary-0123456789"),
            "sk-…6789: no such key: sk-…6789!"
        );
    }

    #[test]
    fn other_text_is_not_copied() {
        let text = Bytes::from_static(b"quota exceeded");
        assert_eq!(
            redact(text.clone(), "sk-canary-0123456789").as_ptr(),
            text.as_ptr()
        );
        assert_eq!(redact(text.clone(), "quota").as_ptr(), text.as_ptr());
        assert_eq!(redact(text.clone(), "").as_ptr(), text.as_ptr());
    }
}
