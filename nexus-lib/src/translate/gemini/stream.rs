//! Streams in the format of `alt=sse`: each event is an answer that continues the previous one.

use http::StatusCode;

use super::part::{self, Part};
use super::{error, reply, usage};
use crate::error::Result;
use crate::sse;
use crate::translate::reading::{Object, Path};
use crate::translate::{BlockKind, Delta, Event, Finish};

/// Reads Gemini's stream, event by event.
///
/// Gemini has neither blocks nor a final event. A block ends with the first part of another kind.
/// Older models send a finish reason in every event.
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

    /// Appends the events in `event` to `out`, up to the first error.
    ///
    /// # Errors
    /// `UpstreamInvalid` when its data is not a JSON object, or its members have the wrong type.
    pub(crate) fn push(&mut self, event: &sse::Event<'_>, out: &mut Vec<Event>) -> Result<()> {
        let data = event.data();
        // `[DONE]` is not Gemini's, but proxies send it.
        if self.is_done || matches!(data.trim_ascii(), b"" | b"[DONE]") {
            return Ok(());
        }
        let at = Path::Answer;
        if is_error(&data) {
            self.is_done = true;
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let (message, kind, code) = error::read(status, &data);
            out.push(Event::Error {
                message,
                kind,
                code,
            });
            return Ok(());
        }
        let answer = Object::parse(&data, &at)?;
        if !self.has_started {
            self.has_started = true;
            out.push(Event::Start {
                id: answer.lenient("responseId").unwrap_or_default(),
                model: answer.lenient("modelVersion").unwrap_or_default(),
            });
        }
        let candidates = at.key("candidates");
        let first = answer.list("candidates", &at)?.into_iter().next();
        if let Some(candidate) = first {
            let at = candidates.index(0);
            let candidate = Object::of(candidate, &at)?;
            for part in part::read_all(&candidate, &at)? {
                self.write_event(part, out);
            }
            let reason: Option<String> = candidate.lenient("finishReason");
            let finish = reason.and_then(|reason| Finish::of_word(&reason));
            out.extend(finish.map(Event::Finish));
        } else if let Some(why) = reply::blocked(&answer) {
            self.end_open(out);
            self.whole(BlockKind::Refusal, Delta::Text(why), out);
            out.push(Event::Finish(Finish::ContentFilter));
        }
        out.extend(usage::read(&answer).map(Event::Usage));
        Ok(())
    }

    /// Handles the end of the bytes. The finish reason decides whether the answer is complete.
    pub(crate) fn end(&mut self) -> Vec<Event> {
        let mut out = Vec::new();
        self.end_open(&mut out);
        out
    }

    fn write_event(&mut self, part: Part, out: &mut Vec<Event>) {
        let (kind, delta) = match part {
            Part::Text(text) => (Kind::Text, Delta::Text(text)),
            Part::Thought(text) => (Kind::Thought, Delta::Text(text)),
            Part::Signature(signature) => {
                self.end_open(out);
                let kind = BlockKind::Reasoning { sealed: None };
                return self.whole(kind, Delta::Signature(signature), out);
            }
            Part::Picture(picture) => {
                self.end_open(out);
                return out.push(Event::Picture(picture));
            }
            Part::Call(call) => {
                self.end_open(out);
                let kind = BlockKind::ToolCall {
                    id: call.id,
                    name: call.name,
                    signature: call.signature,
                    client: None,
                };
                return self.whole(kind, Delta::Arguments(call.arguments), out);
            }
        };
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
        out.push(Event::Delta { block, delta });
    }

    /// A block that comes whole.
    fn whole(&mut self, kind: BlockKind, delta: Delta, out: &mut Vec<Event>) {
        let block = self.begin(kind, out);
        out.extend([Event::Delta { block, delta }, Event::End { block }]);
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

/// An error may come in a list.
fn is_error(data: &[u8]) -> bool {
    if data.trim_ascii_start().starts_with(b"[") {
        return true;
    }
    let object: Option<Object<'_>> = serde_json::from_slice(data).ok();
    object.is_some_and(|object| object.raw("error").is_some())
}
