use serde_json::value::RawValue;

/// The arguments of a call so far. Whether they are complete is tracked as they arrive, without
/// reading earlier ones again: some servers repeat a call's name in each of many fragments.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// Their length in bytes.
    length: usize,
    /// Their text while it is short: a number or a word, whose end cannot be detected.
    short: String,
    /// How many objects and lists are open.
    depth: u32,
    has_closed: bool,
    is_in_text: bool,
    is_escaped: bool,
}

/// Longer ones are objects, or not JSON.
const SHORT: usize = 32;

impl Arguments {
    pub(super) fn push(&mut self, more: &str) {
        self.length = self.length.saturating_add(more.len());
        if self.length <= SHORT {
            self.short.push_str(more);
        }
        for byte in more.bytes() {
            match (self.is_in_text, byte) {
                (true, _) if self.is_escaped => self.is_escaped = false,
                (true, b'\\') => self.is_escaped = true,
                (_, b'"') => self.is_in_text = !self.is_in_text,
                (true, _) => {}
                (false, b'{' | b'[') => self.depth = self.depth.saturating_add(1),
                (false, b'}' | b']') => {
                    self.depth = self.depth.saturating_sub(1);
                    self.has_closed |= self.depth == 0;
                }
                (false, _) => {}
            }
        }
    }

    /// Whether nothing can be added to them.
    pub(super) fn is_whole(&self) -> bool {
        match self.has_closed {
            true => self.depth == 0 && !self.is_in_text,
            false => self.length <= SHORT && serde_json::from_str::<&RawValue>(&self.short).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_whole_when_json_is() {
        for whole in [
            "{}",
            "null",
            " {\"a\":\"}\\\"{\",\"b\":[1,{}]} ",
            "[]",
            "12",
            "{\"long\":\"a text that is longer than what is kept of one\"}",
        ] {
            let mut arguments = Arguments::default();
            for (at, letter) in whole.char_indices() {
                let so_far = serde_json::from_str::<&RawValue>(&whole[..at]).is_ok();
                assert_eq!(arguments.is_whole(), so_far, "{:?}", &whole[..at]);
                arguments.push(letter.encode_utf8(&mut [0; 4]));
            }
            assert!(arguments.is_whole(), "{whole}");
        }
    }
}
