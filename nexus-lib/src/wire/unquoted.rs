use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use memchr::memchr2;

use crate::wire::json::decode;

/// This many consecutive bytes that also occur in the request are a quotation, wherever they are.
/// Only bytes that [count](counts) are counted.
const RUN: usize = 20;

/// A quotation from the start of a text needs only this many: errors often quote the start and cut
/// off the rest.
const BEGINNING: usize = 12;

/// A text that is quoted whole needs only this many. Shorter ones may be any word.
const WHOLE: usize = 8;

/// How much of an error is examined. A row keeps less.
const MAX_ERROR: usize = 4096;

/// How much text of a request is searched, in bytes: about ten milliseconds of work, and only for a
/// call that failed.
const MAX_TEXT: usize = 4 << 20;

/// A text that starts with this many bytes of base64 is an image or the like. Nobody quotes those.
const BASE64: usize = 1 << 10;

/// How often the same few bytes are compared in an error.
const MAX_PLACES: usize = 32;

/// Replaces a quotation.
const CUT: &str = "[…]";

/// Members whose values are names and kinds. They are not part of the prompt, and errors are about
/// them.
const NAMES: [&[u8]; 20] = [
    b"model",
    b"role",
    b"type",
    b"name",
    b"id",
    b"call_id",
    b"tool_call_id",
    b"tool_use_id",
    b"item_id",
    b"previous_response_id",
    b"media_type",
    b"detail",
    b"effort",
    b"reasoning_effort",
    b"service_tier",
    b"format",
    b"status",
    b"object",
    b"required",
    b"tool_choice",
];

/// Removes quotations of `request`, a client's JSON or form, from an upstream's `error`: prompts do
/// not belong where errors are kept.
///
/// Whitespace, quotes and backslashes are ignored, so escaped and indented quotations are found
/// too. If there is too much text to search, nothing of the error is kept.
pub(crate) fn unquoted<'e>(error: &'e str, request: &[u8]) -> Cow<'e, str> {
    if error.len() < WHOLE {
        return Cow::Borrowed(error);
    }
    let mut end = error.len().min(MAX_ERROR);
    while !error.is_char_boundary(end) {
        end -= 1;
    }
    let error = &error[..end];
    let mut quotations = Quotations::of(error);
    let mut left = MAX_TEXT;
    let mut look_for = |text: &[u8]| {
        if is_base64(text) {
            return true;
        }
        left = left.saturating_sub(text.len());
        quotations.look_for(text);
        left > 0
    };
    let is_done = match request.trim_ascii_start().first() {
        Some(b'{') => texts(request, look_for),
        _ => look_for(&request[..request.len().min(MAX_TEXT)]),
    };
    match is_done {
        true => quotations.cut(),
        false => Cow::Borrowed(CUT),
    }
}

/// Whether a text looks like an image, with or without `data:image/png;base64,`.
fn is_base64(text: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let first = text.get(..BASE64);
    first.is_some_and(|first| {
        let comma = memchr::memchr(b',', first).filter(|_| first.starts_with(b"data:"));
        let data = comma.map_or(first, |comma| &first[comma + 1..]);
        data.iter().all(is_letter)
    })
}

/// Calls `found` with each text in `json` that may be part of a prompt, decoded, until `found`
/// returns false. Returns whether all texts were visited.
fn texts(json: &[u8], mut found: impl FnMut(&[u8]) -> bool) -> bool {
    let mut is_named = false;
    let mut rest = json;
    while let Some(start) = memchr::memchr(b'"', rest) {
        rest = &rest[start + 1..];
        let end = length(rest);
        let text = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        let is_key = rest.trim_ascii_start().first() == Some(&b':');
        if is_key {
            is_named = NAMES.contains(&text);
        } else if !is_named {
            let goes_on = match decode(text) {
                _ if is_base64(text) => true,
                Some(decoded) => found(decoded.as_bytes()),
                None => found(text),
            };
            if !goes_on {
                return false;
            }
        }
    }
    true
}

/// The length of a string, starting after its opening quote.
fn length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(next) = memchr2(b'"', b'\\', &text[at..]) {
        at += next;
        match text[at] {
            b'"' => return at,
            _ => at = (at + 2).min(text.len()),
        }
    }
    text.len()
}

/// Whether a byte counts when texts are compared.
fn counts(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'\\' | b'`')
}

/// Reduces a text to the bytes that count. A backslash and the letter after it are escaped
/// whitespace.
fn essence(text: &[u8], mut push: impl FnMut(u8, usize)) {
    let mut is_escaped = false;
    for (at, &byte) in text.iter().enumerate() {
        let is_blank = is_escaped && matches!(byte, b'n' | b'r' | b't');
        if counts(byte) && !is_blank {
            push(byte, at);
        }
        is_escaped = byte == b'\\';
    }
}

/// Finds the quotations in an error.
struct Quotations<'e> {
    error: &'e str,
    /// The bytes of the error that count, their positions, and whether each is quoted.
    letters: Vec<u8>,
    at: Vec<usize>,
    is_quoted: Vec<bool>,
    /// The start of each run that was not found yet, by hash.
    runs: HashMap<u64, Vec<usize>>,
    /// A Bloom filter of the runs' hashes: it rules out most of a request.
    maybe: Vec<u64>,
    /// Where the start of a text may be quoted, by its first bytes.
    beginnings: HashMap<[u8; WHOLE], Vec<usize>>,
    /// Reused for the next text.
    text: Vec<u8>,
}

impl<'e> Quotations<'e> {
    fn of(error: &'e str) -> Self {
        let (mut letters, mut places) = (Vec::new(), Vec::new());
        essence(error.as_bytes(), |byte, at| {
            letters.push(byte);
            places.push(at);
        });
        let mut runs: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut maybe = vec![0; 1 << 8];
        rolled(&letters, |start, hash| {
            runs.entry(hash).or_default().push(start);
            let (word, bit) = bit(hash);
            maybe[word] |= bit;
        });
        let mut beginnings: HashMap<[u8; WHOLE], Vec<usize>> = HashMap::new();
        for (start, bytes) in letters.windows(WHOLE).enumerate() {
            if let Ok(bytes) = bytes.try_into() {
                let places = beginnings.entry(bytes).or_default();
                if places.len() < MAX_PLACES {
                    places.push(start);
                }
            }
        }
        Self {
            error,
            is_quoted: vec![false; letters.len()],
            letters,
            at: places,
            runs,
            maybe,
            beginnings,
            text: Vec::new(),
        }
    }

    fn look_for(&mut self, text: &[u8]) {
        let mut letters = std::mem::take(&mut self.text);
        letters.clear();
        essence(text, |byte, _| letters.push(byte));
        self.look_for_beginning(&letters);
        rolled(&letters, |start, hash| {
            let (word, bit) = bit(hash);
            if self.maybe[word] & bit != 0 {
                self.look_for_run(&letters[start..start + RUN], hash);
            }
        });
        self.text = letters;
    }

    fn look_for_run(&mut self, run: &[u8], hash: u64) {
        let Some(places) = self.runs.get_mut(&hash) else {
            return;
        };
        // Each is needed only once: a second match adds nothing.
        let (letters, is_quoted) = (&self.letters, &mut self.is_quoted);
        places.retain(|&start| {
            let is_same = letters[start..start + RUN] == *run;
            if is_same {
                is_quoted[start..start + RUN].fill(true);
            }
            !is_same
        });
        if places.is_empty() {
            self.runs.remove(&hash);
        }
    }

    fn look_for_beginning(&mut self, text: &[u8]) {
        let Some(Ok(first)) = text.get(..WHOLE).map(<[u8; WHOLE]>::try_from) else {
            return;
        };
        for &start in self.beginnings.get(&first).into_iter().flatten() {
            let same = self.letters[start..].iter().zip(text);
            let same = same
                .take(RUN)
                .take_while(|(one, other)| one == other)
                .count();
            if same == text.len() || same >= BEGINNING {
                self.is_quoted[start..start + same].fill(true);
            }
        }
    }

    fn cut(self) -> Cow<'e, str> {
        let mut places: Vec<Range<usize>> = Vec::new();
        for (index, _) in self
            .is_quoted
            .iter()
            .enumerate()
            .filter(|(_, quoted)| **quoted)
        {
            let start = self.at[index];
            // Bytes that do not count between two quoted ones belong to the same quotation.
            let follows = index > 0 && self.is_quoted[index - 1];
            match places.last_mut() {
                Some(last) if follows => last.end = start + 1,
                _ => places.push(start..start + 1),
            }
        }
        if places.is_empty() {
            return Cow::Borrowed(self.error);
        }
        let mut kept = String::with_capacity(self.error.len());
        let mut from = 0;
        for place in places {
            // Extend to whole characters.
            let (mut start, mut end) = (place.start, place.end);
            while !self.error.is_char_boundary(start) {
                start -= 1;
            }
            while !self.error.is_char_boundary(end) {
                end += 1;
            }
            let start = start.max(from);
            kept.push_str(&self.error[from..start]);
            if !kept.ends_with(CUT) {
                kept.push_str(CUT);
            }
            from = end.max(from);
        }
        kept.push_str(&self.error[from..]);
        Cow::Owned(kept)
    }
}

/// Calls `found` with the start and the hash of each run in `letters`.
fn rolled(letters: &[u8], mut found: impl FnMut(usize, u64)) {
    const BASE: u64 = 0x0100_0000_01b3;
    let leaving = (1..RUN).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let mut hash = 0_u64;
    for (at, &byte) in letters.iter().enumerate() {
        if let Some(out) = at.checked_sub(RUN) {
            let out = u64::from(letters[out]).wrapping_mul(leaving);
            hash = hash.wrapping_sub(out);
        }
        hash = hash.wrapping_mul(BASE).wrapping_add(u64::from(byte));
        if at + 1 >= RUN {
            found(at + 1 - RUN, hash);
        }
    }
}

/// The bit of a hash in a set of 16 Ki bits.
fn bit(hash: u64) -> (usize, u64) {
    // The upper bits of a product depend on all of its input.
    let mixed = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let word = usize::try_from(mixed >> 56).unwrap_or_default();
    (word, 1 << ((mixed >> 50) & 63))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn cut(error: &str, content: &str) -> String {
        let request = json!({
            "model": "claude-sonnet-4-20250514-v1", "messages": [{"role": "user", "content": content}],
            "tools": [{"type": "function", "function": {"name": "a_tool_with_quite_a_long_name"}}],
        });
        unquoted(error, request.to_string().as_bytes()).into_owned()
    }

    #[test]
    fn what_is_quoted_is_cut_out_and_the_rest_stays() {
        let prompt = "My diary of Monday: I met Erika Mustermann, and we spoke about \"the plan\".\nThen 你好世界。";
        for (error, left) in [
            (format!("invalid: {prompt}"), "invalid: […]"),
            (format!("invalid {prompt:?} at 3"), "invalid \"[…]\" at 3"),
            (format!("'{}' is bad", &prompt[..16]), "'[…]' is bad"),
            (
                "near `met Erika Mustermann, and we` (400)".to_owned(),
                "near `[…]` (400)",
            ),
            (
                "max_tokens is too large".to_owned(),
                "max_tokens is too large",
            ),
        ] {
            assert_eq!(cut(&error, prompt), left);
        }
        assert_eq!(cut("no: hunter2 is it", "hunter2 is"), "no: […] it");
        assert_eq!(
            cut("你好,世界你好,世界 错误", "你好,世界你好,世界"),
            "[…] 错误"
        );
    }

    #[test]
    fn names_are_no_prompt() {
        for error in [
            "the model claude-sonnet-4-20250514-v1 does not exist",
            "a_tool_with_quite_a_long_name has no parameters",
        ] {
            assert_eq!(cut(error, "hi"), error);
        }
        assert_eq!(cut("hi there", "hi"), "hi there");
    }

    #[test]
    fn escaped_requests_and_forms_are_read_too() {
        let request = br#"{"messages":[{"content":"line one of it\nline \u0074wo of it\n\tend"}]}"#;
        let error = r"in 'line one of it\nline two of it\n\tend'";
        assert_eq!(unquoted(error, request), "in '[…]'");
        let form = b"--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nwhat was said in the meeting\r\n--b--";
        assert_eq!(
            unquoted("bad prompt: what was said in the meeting", form),
            "bad prompt: […]"
        );
    }

    #[test]
    fn the_work_is_bounded() {
        let long = "é".repeat(1 << 19);
        let request =
            json!({"messages": [{"content": long}, {"content": vec!["é".repeat(9); 10_000]}]});
        let began = std::time::Instant::now();
        let kept = unquoted(&"é".repeat(5000), request.to_string().as_bytes()).into_owned();
        assert_eq!(kept, CUT);
        assert!(began.elapsed().as_secs() < 20);
        // Too long to search: nothing is kept, rather than part of a prompt.
        let texts = vec!["a text of some words, ".repeat(1000); 500];
        let request = json!({"messages": [{"content": texts}]});
        assert_eq!(
            unquoted("anything at all", request.to_string().as_bytes()),
            CUT
        );
        let pictures = vec![format!("data:image/png;base64,{}", "QUJD".repeat(10_000)); 200];
        let request =
            json!({"messages": [{"content": pictures}, {"content": "what is this then?"}]});
        let request = request.to_string();
        let kept = unquoted("no: what is this then?", request.as_bytes());
        assert_eq!(kept, "no: […]");
    }

    proptest! {
        #[test]
        fn no_run_of_a_prompt_is_left(
            before in "[ -~]{0,20}", after in "[ -~]{0,20}",
            prompt in "[a-zà-ÿ一-龥 ]{0,30}[a-z]{24}[a-zà-ÿ一-龥 ]{0,30}",
        ) {
            let kept = cut(&format!("{before}{prompt}{after}"), &prompt);
            let letters: String = prompt.chars().filter(|letter| *letter != ' ').collect();
            let letters: Vec<char> = letters.chars().collect();
            for run in letters.windows(RUN) {
                let run: String = run.iter().collect();
                prop_assert!(!kept.contains(&run), "{kept} has {run}");
            }
        }

        #[test]
        fn any_request_is_read(request in proptest::collection::vec(any::<u8>(), 0..200)) {
            unquoted("an error of some length, with \"quotes\"", &request);
            unquoted("an error", &[b"{\"", &*request].concat());
        }
    }
}
