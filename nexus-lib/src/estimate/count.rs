use super::encoding::Encoding;
use crate::wire::json::decode;

/// The most bytes of text that are really cut into tokens: some ten milliseconds of work.
pub(super) const MOST_BYTES: usize = 256 << 10;

/// The tokens of many texts.
pub(super) struct Count {
    encoding: Encoding,
    /// How many bytes may still be cut.
    left: usize,
    cut_bytes: u64,
    cut_tokens: u64,
    /// Bytes that were not cut: they count like those that were.
    unread_bytes: u64,
    /// Tokens that are known without a text.
    fixed: u64,
}

impl Count {
    pub(super) fn new(encoding: Encoding) -> Self {
        // Nothing is cut where bytes are all that counts: then nothing is decoded either.
        let is_cut = encoding != Encoding::FourBytes;
        let left = if is_cut { MOST_BYTES } else { 0 };
        Self {
            encoding,
            left,
            cut_bytes: 0,
            cut_tokens: 0,
            unread_bytes: 0,
            fixed: 0,
        }
    }

    pub(super) fn add(&mut self, text: &str) {
        let mut end = self.left.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let (now, unread) = text.split_at(end);
        if !now.is_empty() {
            self.cut_tokens += self.encoding.count(now);
            self.cut_bytes += length(now.as_bytes());
        }
        self.left -= end;
        if !unread.is_empty() {
            // Short of it by a part of a character.
            self.left = 0;
            self.unread_bytes += length(unread.as_bytes());
        }
    }

    /// Adds a text as it stands in JSON between its quotes.
    pub(super) fn add_json(&mut self, raw: &[u8]) {
        match self.left {
            0 => self.unread_bytes += length(raw),
            _ => match decode(raw) {
                Some(text) => self.add(&text),
                None => self.add(&String::from_utf8_lossy(raw)),
            },
        }
    }

    /// Adds bytes of text that nobody has.
    pub(super) fn add_unread(&mut self, bytes: u64) {
        self.unread_bytes += bytes;
    }

    pub(super) fn add_tokens(&mut self, tokens: u64) {
        self.fixed += tokens;
    }

    pub(super) fn tokens(&self) -> u64 {
        let unread = match self.cut_bytes {
            0 => self.unread_bytes.div_ceil(4),
            bytes => {
                let (unread, tokens) = (self.unread_bytes.into(), u128::from(self.cut_tokens));
                let unread = u128::saturating_mul(unread, tokens).div_ceil(bytes.into());
                u64::try_from(unread).unwrap_or(u64::MAX)
            }
        };
        (self.fixed + self.cut_tokens).saturating_add(unread)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
