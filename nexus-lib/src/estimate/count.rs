use super::encoding::Encoding;
use crate::wire::json::decode;

/// How much text is tokenized completely, in bytes: about fifteen milliseconds of work.
pub(super) const MAX_BYTES: usize = 64 << 10;

/// How much of the rest is tokenized in samples, in bytes, and the length of a sample.
pub(super) const MAX_SAMPLED: usize = 32 << 10;
const SAMPLE: usize = 1 << 10;

/// The first distance between samples; it doubles after every eight samples. So the samples reach
/// through a text of any length.
const FIRST_SKIP: usize = 7 << 10;
const SAMPLES_EACH: usize = 8;

/// The tokens of several texts.
pub(super) struct Count {
    encoding: Encoding,
    /// How many bytes may still be tokenized.
    left: usize,
    cut_bytes: u64,
    cut_tokens: u64,
    samples: Samples,
    /// Bytes that were not tokenized: they count in proportion to their samples, or else to the
    /// tokenized text.
    unread_bytes: u64,
    /// Tokens that are known without a text.
    fixed: u64,
}

/// Samples of a text that is too long to be tokenized completely.
struct Samples {
    /// How many bytes may still be sampled.
    left: usize,
    /// How many bytes precede the next sample.
    skip: usize,
    count: usize,
    bytes: u64,
    tokens: u64,
}

impl Count {
    pub(super) fn new(encoding: Encoding) -> Self {
        // Nothing is tokenized when only bytes count: then nothing is decoded either.
        let is_cut = encoding != Encoding::FourBytes;
        Self {
            encoding,
            left: if is_cut { MAX_BYTES } else { 0 },
            cut_bytes: 0,
            cut_tokens: 0,
            samples: Samples {
                left: if is_cut { MAX_SAMPLED } else { 0 },
                skip: 0,
                count: 0,
                bytes: 0,
                tokens: 0,
            },
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
            // Less by part of a character.
            self.left = 0;
            self.sample(unread.as_bytes(), |sample| {
                String::from_utf8_lossy(sample).into_owned()
            });
        }
    }

    /// Adds a text as written in JSON between its quotes.
    pub(super) fn add_json(&mut self, raw: &[u8]) {
        if self.left > 0 {
            match decode(raw) {
                Some(text) => self.add(&text),
                None => self.add(&String::from_utf8_lossy(raw)),
            }
            return;
        }
        // Not decoded whole: only the samples of a long text are examined.
        self.sample(raw, |sample| match decode(sample) {
            Some(text) => text.into_owned(),
            None => String::from_utf8_lossy(sample).into_owned(),
        });
    }

    /// Adds a text by samples.
    fn sample(&mut self, text: &[u8], decode: impl Fn(&[u8]) -> String) {
        let samples = &mut self.samples;
        let mut rest = text;
        while samples.left > 0 && samples.skip < rest.len() {
            let (skipped, following) = rest.split_at(samples.skip);
            // From whitespace to whitespace, if possible, so that words stay whole.
            let start = blank(following).unwrap_or(0);
            let end = following.len().min(start + SAMPLE);
            let end = match blank(&following[end..]) {
                Some(blank) => end + blank,
                None => end,
            };
            let sample = decode(&following[start..end]);
            samples.tokens += self.encoding.count(&sample);
            samples.bytes += length(&following[start..end]);
            self.unread_bytes += length(skipped) + length(&following[..start]);
            samples.left = samples.left.saturating_sub(end - start);
            samples.skip = FIRST_SKIP << (samples.count / SAMPLES_EACH).min(16);
            samples.count += 1;
            rest = &following[end..];
        }
        samples.skip = samples.skip.saturating_sub(rest.len());
        self.unread_bytes += length(rest);
    }

    /// Adds bytes of text that were not kept.
    pub(super) fn add_unread(&mut self, bytes: u64) {
        self.unread_bytes += bytes;
    }

    pub(super) fn add_tokens(&mut self, tokens: u64) {
        self.fixed += tokens;
    }

    pub(super) fn tokens(&self) -> u64 {
        let Samples { bytes, tokens, .. } = self.samples;
        let unread = match (bytes, self.cut_bytes) {
            (0, 0) => self.unread_bytes.div_ceil(4),
            (0, cut) => proportion(self.unread_bytes, self.cut_tokens, cut),
            (bytes, _) => proportion(self.unread_bytes, tokens, bytes),
        };
        (self.fixed + self.cut_tokens + tokens).saturating_add(unread)
    }
}

/// The tokens of `bytes`, in proportion to `tokens` in `in_bytes`.
fn proportion(bytes: u64, tokens: u64, in_bytes: u64) -> u64 {
    let tokens = u128::saturating_mul(bytes.into(), tokens.into()).div_ceil(in_bytes.into());
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

/// The position of the next whitespace, if it is near.
fn blank(text: &[u8]) -> Option<usize> {
    memchr::memchr2(b' ', b'\n', &text[..text.len().min(64)])
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
