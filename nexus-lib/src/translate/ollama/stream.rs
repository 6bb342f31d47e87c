//! Streams: one JSON object per line, the last with `"done":true`.

use http::StatusCode;

use super::{error, message};
use crate::error::Result;
use crate::translate::fault::is_error_value;
use crate::translate::reading::{Object, Path};
use crate::translate::{BlockKind, Delta, Event};

/// Reads Ollama's stream, line by line. A block ends with the first fragment of another kind.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    open: Option<(usize, Kind)>,
    /// How many blocks have begun.
    begun: usize,
    has_started: bool,
    is_done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
}

impl Reader {
    /// At the start of a stream.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Appends the events in `line` to `out`, up to the first error. An empty line is ignored.
    ///
    /// # Errors
    /// `UpstreamInvalid` when it is not a JSON object, or its members have the wrong type.
    pub(crate) fn push(&mut self, line: &[u8], out: &mut Vec<Event>) -> Result<()> {
        if self.is_done || line.trim_ascii().is_empty() {
            return Ok(());
        }
        let at = Path::Answer;
        let answer = Object::parse(line, &at)?;
        if answer
            .raw("error")
            .is_some_and(|json| is_error_value(json.get()))
        {
            self.is_done = true;
            let (message, kind, code) = error::read(StatusCode::INTERNAL_SERVER_ERROR, line);
            out.push(Event::Error {
                message,
                kind,
                code,
            });
            return Ok(());
        }
        if !self.has_started {
            self.has_started = true;
            out.push(Event::Start {
                id: String::new(),
                model: answer.lenient("model").unwrap_or_default(),
            });
        }
        if let Some(message) = message::read(&answer, &at)? {
            self.say(Kind::Thought, message.thinking, out);
            self.say(Kind::Text, message.content, out);
            for call in message.calls {
                self.end_open(out);
                let kind = BlockKind::ToolCall {
                    id: call.id,
                    name: call.name,
                    signature: None,
                    client: None,
                };
                let block = self.begin(kind, out);
                let delta = Delta::Arguments(call.arguments);
                out.extend([Event::Delta { block, delta }, Event::End { block }]);
            }
        }
        if answer.lenient("done").unwrap_or(false) {
            self.is_done = true;
            self.end_open(out);
            let finish = message::finish(&answer);
            out.push(Event::Finish(finish));
            out.extend(message::usage(&answer).map(Event::Usage));
            out.push(Event::Done);
        }
        Ok(())
    }

    /// Handles the end of the bytes: nothing to do, since a complete stream has a final line.
    pub(crate) fn end(&mut self) -> Vec<Event> {
        Vec::new()
    }

    fn say(&mut self, kind: Kind, text: String, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        let block = match self.open {
            Some((block, open)) if open == kind => block,
            _ => {
                self.end_open(out);
                let begun = match kind {
                    Kind::Text => BlockKind::Text,
                    Kind::Thought => BlockKind::Reasoning { sealed: None },
                };
                let block = self.begin(begun, out);
                self.open = Some((block, kind));
                block
            }
        };
        let delta = Delta::Text(text);
        out.push(Event::Delta { block, delta });
    }

    fn begin(&mut self, kind: BlockKind, out: &mut Vec<Event>) -> usize {
        let block = self.begun;
        self.begun += 1;
        out.push(Event::Begin { block, kind });
        block
    }

    fn end_open(&mut self, out: &mut Vec<Event>) {
        if let Some((block, _)) = self.open.take() {
            out.push(Event::End { block });
        }
    }
}
