use super::mended::mended;

use crate::sse;
use crate::translate::exchange::Steady;
use crate::translate::{Event, ProviderProtocol, chat, gemini, messages, ollama, responses};

/// The maximum length of a plain text error.
const LONGEST_ERROR_CHARS: usize = 500;

/// Reads a provider's stream, in any protocol, as [`Event`]s in their guaranteed order.
///
/// A malformed piece does not lose the rest: anything that is not a JSON object is skipped, invalid
/// bytes and escapes become U+FFFD, and an answer with an unreadable piece ends with an error.
#[derive(Debug)]
pub struct Reader {
    inner: Inner,
    steady: Steady,
    has_skipped: bool,
}

#[derive(Debug)]
enum Inner {
    Chat(chat::stream::Reader),
    Messages(messages::stream::Reader),
    Responses(responses::stream::Reader),
    Gemini(gemini::stream::Reader),
    Ollama(ollama::stream::Reader),
}

impl ProviderProtocol {
    /// The reader of a stream.
    pub fn reader(self) -> Reader {
        Reader {
            inner: match self {
                Self::Chat => Inner::Chat(chat::stream::Reader::new()),
                Self::Messages => Inner::Messages(messages::stream::Reader::new()),
                Self::Responses => Inner::Responses(responses::stream::Reader::new()),
                Self::Gemini => Inner::Gemini(gemini::stream::Reader::new()),
                Self::Ollama => Inner::Ollama(ollama::stream::Reader::new()),
            },
            steady: Steady::default(),
            has_skipped: false,
        }
    }
}

impl Reader {
    /// Reads `region`, one or more whole events or lines.
    pub fn push(&mut self, region: &[u8]) -> Vec<Event> {
        self.read(region, true)
    }

    /// Ends the stream. `rest` is the part of an incomplete event.
    pub fn end(&mut self, rest: &[u8]) -> Vec<Event> {
        let mut out = self.read(rest, false);
        let read = match &mut self.inner {
            Inner::Chat(reader) => reader.end(),
            Inner::Messages(reader) => reader.end(),
            Inner::Responses(reader) => reader.end(),
            Inner::Gemini(reader) => reader.end(),
            Inner::Ollama(reader) => reader.end(),
        };
        for event in read {
            self.steady.push(event, &mut out);
        }
        self.steady.end(&mut out);
        out
    }

    /// Whether a finish reason has arrived: then the end of the bytes is the end of the answer.
    pub fn is_finished(&self) -> bool {
        self.steady.is_finished()
    }

    fn read(&mut self, region: &[u8], is_whole: bool) -> Vec<Event> {
        let region = mended(region);
        let (mut read, mut out) = (Vec::new(), Vec::new());
        if let Inner::Ollama(_) = self.inner {
            for line in region.split(|&byte| byte == b'\n') {
                self.piece(line_data(line), None, is_whole, &mut read);
                self.settle(&mut read, &mut out);
            }
            return out;
        }
        for event in sse::events(&region) {
            let data = event.data();
            self.piece(data.trim_ascii(), Some(&event), is_whole, &mut read);
            self.settle(&mut read, &mut out);
        }
        out
    }

    fn settle(&mut self, read: &mut Vec<Event>, out: &mut Vec<Event>) {
        for event in read.drain(..) {
            self.steady.push(event, out);
        }
    }

    /// Reads one event or line.
    fn piece(
        &mut self,
        data: &[u8],
        event: Option<&sse::Event<'_>>,
        is_whole: bool,
        read: &mut Vec<Event>,
    ) {
        match data.first() {
            None => return,
            // Skipped before parsing, so it takes no work.
            Some(_) if self.steady.is_over() => return,
            Some(b'{' | b'[') => {}
            // Some servers report an error as plain text.
            Some(_) if event.and_then(sse::Event::name) == Some(b"error") => {
                let words = String::from_utf8_lossy(data);
                return read.push(Event::Error {
                    message: words.chars().take(LONGEST_ERROR_CHARS).collect(),
                    kind: None,
                    code: None,
                });
            }
            // A string or a number: not part of an answer.
            Some(_) => return self.skip(),
        }
        if data == b"[DONE]" {
            // Chat's own final event; some proxies send it in other protocols too.
            if matches!(self.inner, Inner::Chat(_)) || self.steady.is_finished() {
                read.push(Event::Done);
            }
            return;
        }
        let read = match (&mut self.inner, event) {
            (Inner::Chat(reader), Some(event)) => reader.push(event, read),
            (Inner::Messages(reader), Some(event)) => reader.push(event, read),
            (Inner::Responses(reader), Some(event)) => reader.push(event, read),
            (Inner::Gemini(reader), Some(event)) => reader.push(event, read),
            (Inner::Ollama(reader), _) => reader.push(data, read),
            (_, None) => Ok(()),
        };
        if read.is_err() && is_whole {
            self.skip();
            self.steady.lose();
        }
    }

    fn skip(&mut self) {
        if !std::mem::replace(&mut self.has_skipped, true) {
            tracing::warn!("a malformed piece of a provider's stream was skipped");
        }
    }
}

/// The data of a line; some proxies put lines into events.
fn line_data(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    match line.strip_prefix(b"data:") {
        Some(data) => data.trim_ascii(),
        None if line.starts_with(b":") || line.starts_with(b"event:") => b"",
        None => line,
    }
}
