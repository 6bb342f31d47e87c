use crate::error::{Error, ErrorKind};

/// Where a text stops being the expected JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// In bytes from the start of the text.
    pub(super) offset: usize,
    pub(super) expected: &'static str,
}

impl SyntaxError {
    /// The error for a client that sent `json`, with line and column (in characters), both from 1.
    pub(crate) fn locate(self, json: &[u8]) -> Error {
        let before = json.get(..self.offset).unwrap_or(json);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let is_continuation = |byte: u8| byte & 0xC0 == 0x80;
        let characters = before[start..]
            .iter()
            .filter(|byte| !is_continuation(**byte));
        let column = characters.count() + 1;
        let expected = self.expected;
        Error::new(
            ErrorKind::InvalidRequest,
            format!("malformed JSON: expected {expected} at line {line} column {column}"),
        )
    }
}
