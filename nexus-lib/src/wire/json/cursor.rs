use std::borrow::Cow;
use std::ops::Range;

use super::string::{Escapes, Scanned, decode, scan, short_len};
use super::syntax::SyntaxError;

/// The maximum nesting of arrays and objects, including the outermost.
pub const MAX_DEPTH: u32 = 128;

type Walk<T> = Result<T, SyntaxError>;

/// A position in a JSON text, which advances value by value.
///
/// Each method that reads a value starts at its first byte and stops after its last.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    json: &'a [u8],
    at: usize,
    /// How many objects and arrays are open.
    depth: u32,
}

impl<'a> Cursor<'a> {
    /// At the first value of `json`. Only keys will be checked to be UTF-8.
    pub(crate) fn new(json: &'a [u8]) -> Self {
        let mut cursor = Self {
            json,
            at: 0,
            depth: 0,
        };
        cursor.skip_whitespace();
        cursor
    }

    /// At the first value of `json`, after checking that all of it is UTF-8.
    pub(crate) fn of_text(json: &'a [u8]) -> Walk<Self> {
        // Twice as fast as the standard library's check for text that is not all ASCII.
        if simdutf8::basic::from_utf8(json).is_ok() {
            return Ok(Self::new(json));
        }
        match std::str::from_utf8(json) {
            Ok(_) => Ok(Self::new(json)),
            Err(error) => Err(SyntaxError {
                offset: error.valid_up_to(),
                expected: "UTF-8",
            }),
        }
    }

    /// At a key, or the closing brace, of an object that begins before `json`.
    pub(crate) fn inside_object(json: &'a [u8]) -> Self {
        let depth = 1;
        Self {
            depth,
            ..Self::new(json)
        }
    }

    /// The current position.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The next byte; at a value, it identifies the type.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    /// Reads an object. `member` is called with each decoded key and must read its value.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(Cow<'a, [u8]>, &mut Self) -> Walk<()>,
    ) -> Walk<()> {
        self.enter(b'{', "an object")?;
        if self.take(b'}') {
            self.depth -= 1;
            return Ok(());
        }
        self.rest_of_object(&mut member)
    }

    /// Reads the remaining members of an object, starting at a key, and its end.
    pub(crate) fn rest_of_object(
        &mut self,
        mut member: impl FnMut(Cow<'a, [u8]>, &mut Self) -> Walk<()>,
    ) -> Walk<()> {
        loop {
            let (key, escapes) = self.key()?;
            let start = self.at;
            let key = match &self.json[key] {
                plain if escapes == Escapes::None => Cow::Borrowed(plain),
                escaped => match decode(escaped) {
                    Some(text) => Cow::Owned(text.into_owned().into_bytes()),
                    None => Cow::Borrowed("\u{fffd}".as_bytes()),
                },
            };
            member(key, self)?;
            debug_assert!(self.at > start, "the value was not read");
            self.skip_whitespace();
            if self.take(b'}') {
                self.depth -= 1;
                return Ok(());
            }
            self.require(b',', "`,` or `}`")?;
            self.skip_whitespace();
        }
    }

    /// Reads an array. `element` must read each value.
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Walk<()>) -> Walk<()> {
        self.enter(b'[', "an array")?;
        if self.take(b']') {
            self.depth -= 1;
            return Ok(());
        }
        loop {
            element(self)?;
            self.skip_whitespace();
            if self.take(b']') {
                self.depth -= 1;
                return Ok(());
            }
            self.require(b',', "`,` or `]`")?;
            self.skip_whitespace();
        }
    }

    /// Reads a string; `None` if it is not valid Unicode.
    pub(crate) fn string(&mut self) -> Walk<Option<Cow<'a, str>>> {
        let (raw, _) = self.skip_string("a string")?;
        Ok(decode(&self.json[raw]))
    }

    /// Reads an integer of at most twelve plain digits; otherwise does not advance.
    pub(crate) fn plain_count(&mut self) -> Option<u64> {
        let digits = self.json[self.at..].iter().take(13);
        let mut count = 0;
        let mut len = 0;
        for digit in digits.take_while(|byte| byte.is_ascii_digit()) {
            count = count * 10 + u64::from(digit - b'0');
            len += 1;
        }
        let is_whole = matches!(self.json.get(self.at + len), Some(b',' | b'}' | b']'));
        // A number has no leading zeros.
        let is_plain = len == 1 || (2..=12).contains(&len) && self.peek() != Some(b'0');
        if !is_plain || !is_whole {
            return None;
        }
        self.at += len;
        Some(count)
    }

    /// Reads a string without decoding it: the bytes between its quotes, and how they are escaped.
    /// For any other value the bytes are empty.
    pub(crate) fn raw_string(&mut self) -> Walk<(&'a [u8], Escapes)> {
        if self.peek() != Some(b'"') {
            self.skip()?;
            return Ok((b"", Escapes::None));
        }
        let (raw, escapes) = self.skip_string("a string")?;
        Ok((&self.json[raw], escapes))
    }

    /// Reads a value of any type and returns its bytes.
    pub(crate) fn skip_slice(&mut self) -> Walk<&'a [u8]> {
        let value = self.skip()?;
        Ok(&self.json[value])
    }

    /// Reads a value of any type and returns its position.
    #[inline]
    pub(crate) fn skip(&mut self) -> Walk<Range<usize>> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.skip_string("a string")?;
            }
            Some(b'-' | b'0'..=b'9') => self.skip_number()?,
            _ => return self.skip_any(),
        }
        Ok(start..self.at)
    }

    fn skip_any(&mut self) -> Walk<Range<usize>> {
        let start = self.at;
        let outer = self.depth;
        // One bit for each object or array that is open here, the innermost lowest: 1 for an
        // object.
        let mut objects = 0u128;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.skip_string("a string")?;
                }
                Some(b'{') => {
                    self.enter(b'{', "an object")?;
                    objects = objects << 1 | 1;
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                    self.at += 1;
                    objects >>= 1;
                    self.depth -= 1;
                }
                Some(b'[') => {
                    self.enter(b'[', "an array")?;
                    objects <<= 1;
                    if self.peek() != Some(b']') {
                        continue;
                    }
                    self.at += 1;
                    objects >>= 1;
                    self.depth -= 1;
                }
                Some(b'-' | b'0'..=b'9') => self.skip_number()?,
                Some(b't') => self.skip_literal(b"true")?,
                Some(b'f') => self.skip_literal(b"false")?,
                Some(b'n') => self.skip_literal(b"null")?,
                _ => return Err(self.expected("a value")),
            }
            // A value has ended, and possibly those around it.
            loop {
                if self.depth == outer {
                    return Ok(start..self.at);
                }
                self.skip_whitespace();
                let is_object = objects & 1 == 1;
                if self.take(b',') {
                    self.skip_whitespace();
                    if is_object {
                        self.key()?;
                    }
                    break;
                }
                match is_object {
                    true => self.require(b'}', "`,` or `}`")?,
                    false => self.require(b']', "`,` or `]`")?,
                }
                objects >>= 1;
                self.depth -= 1;
            }
        }
    }

    /// Checks that only whitespace is left.
    pub(crate) fn end(&mut self) -> Walk<()> {
        self.skip_whitespace();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end")),
        }
    }

    fn enter(&mut self, open: u8, what: &'static str) -> Walk<()> {
        if self.depth == MAX_DEPTH && self.peek() == Some(open) {
            return Err(self.expected("at most 128 levels of nesting"));
        }
        self.require(open, what)?;
        self.depth += 1;
        self.skip_whitespace();
        Ok(())
    }

    /// Reads a key with its colon and stops at the value; returns the same as
    /// [`skip_string`](Self::skip_string).
    fn key(&mut self) -> Walk<(Range<usize>, Escapes)> {
        let key = self.skip_string("a key in double quotes")?;
        self.skip_whitespace();
        self.require(b':', "`:`")?;
        self.skip_whitespace();
        Ok(key)
    }

    /// Returns the position of the string, without quotes, and how it is escaped.
    #[inline]
    fn skip_string(&mut self, what: &'static str) -> Walk<(Range<usize>, Escapes)> {
        self.require(b'"', what)?;
        let start = self.at;
        if let Some(len) = short_len(&self.json[start..]) {
            self.at = start + len + 1;
            return Ok((start..start + len, Escapes::None));
        }
        self.scan_string(start)
    }

    fn scan_string(&mut self, start: usize) -> Walk<(Range<usize>, Escapes)> {
        match scan(self.json, start) {
            Scanned::End(end, escapes) => {
                self.at = end + 1;
                Ok((start..end, escapes))
            }
            Scanned::Broken(offset, expected) => {
                self.at = offset;
                Err(self.expected(expected))
            }
        }
    }

    fn skip_number(&mut self) -> Walk<()> {
        self.take(b'-');
        if !self.take(b'0') {
            self.skip_digits()?;
        }
        if self.take(b'.') {
            self.skip_digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.skip_digits()?;
        }
        Ok(())
    }

    fn skip_digits(&mut self) -> Walk<()> {
        let rest = &self.json[self.at..];
        match rest.iter().take_while(|byte| byte.is_ascii_digit()).count() {
            0 => Err(self.expected("a digit")),
            digits => {
                self.at += digits;
                Ok(())
            }
        }
    }

    fn skip_literal(&mut self, literal: &'static [u8]) -> Walk<()> {
        if !self.json[self.at..].starts_with(literal) {
            return Err(self.expected("a value"));
        }
        self.at += literal.len();
        Ok(())
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn require(&mut self, byte: u8, what: &'static str) -> Walk<()> {
        match self.take(byte) {
            true => Ok(()),
            false => Err(self.expected(what)),
        }
    }

    fn expected(&self, expected: &'static str) -> SyntaxError {
        SyntaxError {
            offset: self.at,
            expected,
        }
    }
}
