use std::borrow::Cow;

use crate::wire::json::{Cursor, SyntaxError};
use crate::wire::{Usage, UsageReport};

const LONGEST_ERROR_CHARS: usize = 500;

/// What a completion, or a chunk of one, contains.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// `usage`, if it has figures.
    pub(super) usage: Option<Usage>,
    /// `x_groq.usage`: the same figures again, or the only ones.
    pub(super) groq_usage: Option<Usage>,
    /// `usage` is present and not null, and `choices` is empty.
    pub(super) is_usage_only: bool,
    /// A choice has a `finish_reason`. Some upstreams send `""` until they have one.
    pub(super) finished: bool,
    /// It has a choice, or an output: it is an answer, or a part of one.
    pub(super) has_answer: bool,
    /// The message of an error.
    pub(super) error: Option<Box<str>>,
    /// It is one JSON value to its end.
    pub(super) is_whole: bool,
}

/// Reads `json` up to the first error; what was found before it counts.
pub(super) fn look(json: &[u8]) -> Look {
    let mut seen = Look::default();
    let mut cursor = Cursor::new(json);
    let read = match cursor.peek() {
        Some(b'{') => seen.read(json, &mut cursor),
        // Gemini's errors come in an array.
        Some(b'[') => cursor.array(|cursor| match cursor.peek() {
            Some(b'{') => seen.read(json, cursor),
            _ => cursor.skip().map(drop),
        }),
        _ => cursor.skip().map(drop),
    };
    seen.is_whole = read.and_then(|()| cursor.end()).is_ok();
    seen
}

impl Look {
    fn read<'a>(&mut self, json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        let (mut has_usage, mut has_no_choice) = (false, false);
        cursor.object(|key, cursor| {
            match (&*key, cursor.peek()) {
                (b"usage", _) => {
                    let value = value(json, cursor)?;
                    has_usage = value != b"null";
                    self.usage = read_usage(value).or(self.usage);
                }
                (b"choices", Some(b'[')) => {
                    has_no_choice = true;
                    cursor.array(|cursor| {
                        has_no_choice = false;
                        self.has_answer |= cursor.peek() == Some(b'{');
                        self.read_choice(json, cursor)
                    })?;
                }
                (b"error", _) => self.read_error(value(json, cursor)?),
                (b"output", Some(b'[')) => {
                    self.has_answer = true;
                    cursor.skip()?;
                }
                (b"x_groq", Some(b'{')) => self.read_groq(json, cursor)?,
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })?;
        self.is_usage_only = has_usage && has_no_choice && self.error.is_none();
        Ok(())
    }

    fn read_choice<'a>(
        &mut self,
        json: &'a [u8],
        cursor: &mut Cursor<'a>,
    ) -> Result<(), SyntaxError> {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        cursor.object(|key, cursor| {
            let value = value(json, cursor)?;
            match &*key {
                b"finish_reason" if value == b"\"error\"" => {
                    let unsaid = || "the provider reports an error".into();
                    self.error.get_or_insert_with(unsaid);
                }
                b"finish_reason" => self.finished |= !matches!(value, b"null" | b"\"\""),
                // OpenRouter's place for the error of one choice.
                b"error" => self.read_error(value),
                _ => {}
            }
            Ok(())
        })
    }

    fn read_groq<'a>(
        &mut self,
        json: &'a [u8],
        cursor: &mut Cursor<'a>,
    ) -> Result<(), SyntaxError> {
        cursor.object(|key, cursor| {
            let value = value(json, cursor)?;
            match &*key {
                b"usage" => self.groq_usage = read_usage(value).or(self.groq_usage),
                b"error" => self.read_error(value),
                _ => {}
            }
            Ok(())
        })
    }

    fn read_error(&mut self, value: &[u8]) {
        if let Some(message) = error_message(value) {
            self.error = Some(message.chars().take(LONGEST_ERROR_CHARS).collect());
        }
    }
}

/// The bytes of the next value.
fn value<'a>(json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<&'a [u8], SyntaxError> {
    Ok(&json[cursor.skip()?])
}

pub(super) fn read_usage(value: &[u8]) -> Option<Usage> {
    UsageReport::read(value).map(|report| report.usage())
}

/// The `message` of an error object, or the error itself if it is a string; for any other, its
/// JSON.
pub(super) fn error_message(value: &[u8]) -> Option<Cow<'_, str>> {
    let text = |json: &'_ [u8]| match Cursor::new(json).string() {
        Ok(Some(text)) if !text.is_empty() => Some(text.into_owned()),
        _ => None,
    };
    let mut message = None;
    match value.first()? {
        b'"' => return text(value).map(Cow::Owned),
        b'{' => {
            let mut cursor = Cursor::new(value);
            let read = cursor.object(|key, cursor| {
                let member = &value[cursor.skip()?];
                if *key == *b"message" {
                    message = text(member);
                }
                Ok(())
            });
            read.ok()?;
        }
        _ => {}
    }
    match (message, value) {
        (Some(message), _) => Some(Cow::Owned(message)),
        (None, b"null" | b"false" | b"{}" | b"[]") => None,
        (None, other) => Some(String::from_utf8_lossy(other)),
    }
}
