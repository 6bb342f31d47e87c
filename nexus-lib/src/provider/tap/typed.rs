use super::events::{EventTap, Found, ReadEvents};
use super::look::{error_message, read_usage};
use crate::call::Observed;
use crate::sse::events;
use crate::wire::Usage;
use crate::wire::json::{Cursor, SyntaxError};

/// Passes a stream through whose events have a `type`, such as those of images, audio and
/// Responses.
///
/// The final event of such a stream is named `….done` or `….completed` (or `response.incomplete`,
/// `response.failed`), and has the usage: for Responses inside `response`, for others at the top
/// level.
pub(crate) type TypedTap = EventTap<Typed>;

#[derive(Debug)]
pub(crate) struct Typed {
    /// In Responses many parts are done before the whole is.
    is_response: bool,
}

impl TypedTap {
    pub(crate) fn new(is_response: bool) -> Self {
        Self::over(Typed { is_response })
    }
}

impl ReadEvents for Typed {
    fn read(&mut self, region: &[u8], _: bool) -> Found {
        let mut found = Found::default();
        for event in events(region) {
            let data = event.data();
            // Anything that is not an object does not belong to a response; for others, the format
            // is unknown.
            found.has_answer |= !self.is_response || data.trim_ascii_start().starts_with(b"{");
            if data.trim_ascii() == b"[DONE]" {
                found.observed.finished = true;
                continue;
            }
            let mut seen = Seen::default();
            // Read up to the first error.
            let _ = seen.read(&data, &mut Cursor::new(&data));
            found.observed.merge(seen.observed(self.is_response));
        }
        found.is_over = found.observed.finished;
        found
    }
}

/// What one event contains.
#[derive(Default)]
struct Seen {
    kind: Vec<u8>,
    message: Option<Box<str>>,
    error: Option<Box<str>>,
    usage: Option<Usage>,
}

impl Seen {
    fn read<'a>(&mut self, json: &'a [u8], cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        cursor.object(|key, cursor| match (&*key, cursor.peek()) {
            (b"type", Some(b'"')) => {
                let kind = cursor.string()?.unwrap_or_default();
                if self.kind.is_empty() {
                    self.kind = kind.as_bytes().to_vec();
                }
                Ok(())
            }
            (b"message", Some(b'"')) => {
                let message = cursor.string()?.unwrap_or_default();
                self.message = Some(message.into());
                Ok(())
            }
            (b"error", _) => {
                let value = &json[cursor.skip()?];
                self.error = error_message(value).map(|text| text.chars().take(500).collect());
                Ok(())
            }
            (b"usage", _) => {
                let value = &json[cursor.skip()?];
                self.usage = read_usage(value).or(self.usage);
                Ok(())
            }
            (b"response", Some(b'{')) => {
                let mut response = Self::default();
                let read = response.read(json, cursor);
                self.usage = response.usage.or(self.usage);
                self.error = response.error.or(self.error.take());
                read
            }
            _ => cursor.skip().map(drop),
        })
    }

    fn observed(self, is_response: bool) -> Observed {
        let kind = &*self.kind;
        let is_over = match is_response {
            true => matches!(
                kind,
                b"response.completed" | b"response.incomplete" | b"response.failed"
            ),
            false => kind.ends_with(b".done") || kind.ends_with(b".completed"),
        };
        let is_error = kind == b"error" || kind == b"response.failed";
        let message = self.message.filter(|_| is_error);
        let error = self.error.or(message);
        Observed {
            usage: self.usage,
            finished: is_over,
            terminal: is_over,
            error: error.or_else(|| is_error.then(|| "the provider reports an error".into())),
            ..Observed::default()
        }
    }
}
