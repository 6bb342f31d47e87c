//! Streams, as `alt=sse` has them: each event is an answer that goes on where the last one ended.

use http::StatusCode;

use super::part::{self, Part};
use super::{error, reply, usage};
use crate::error::Result;
use crate::sse;
use crate::translate::reading::{Object, Path};
use crate::translate::{BlockKind, Delta, Event, Finish};

/// Reads Gemini's stream, event by event.
///
/// Gemini has neither blocks nor a last event. A block ends with the first part of another kind; the answer,
/// with the end of the bytes, if a reason to finish has come: older models give one with every event.
#[derive(Debug, Default)]
pub struct Reader {
    open: Option<(usize, Kind)>,
    /// How many blocks have begun.
    begun: usize,
    has_started: bool,
    has_called: bool,
    finish: Option<Finish>,
    is_done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
}

impl Reader {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// What `event` says.
    ///
    /// # Errors
    /// `UpstreamInvalid` when its data is no JSON object, or its parts are not what they are called.
    pub fn push(&mut self, event: &sse::Event<'_>) -> Result<Vec<Event>> {
        let mut told = Vec::new();
        let data = event.data();
        if self.is_done || data.trim_ascii().is_empty() {
            return Ok(told);
        }
        let at = Path::Answer;
        if is_error(&data) {
            self.is_done = true;
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let (message, kind, code) = error::read(status, &data);
            told.push(Event::Error {
                message,
                kind,
                code,
            });
            return Ok(told);
        }
        let answer = Object::parse(&data, &at)?;
        if !self.has_started {
            self.has_started = true;
            told.push(Event::Start {
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
                self.tell(part, &mut told);
            }
            if let Some(reason) = candidate.lenient::<String>("finishReason") {
                self.finish = Some(reply::finish(Some(&reason), self.has_called));
            }
        } else if let Some(why) = reply::blocked(&answer) {
            self.end_open(&mut told);
            self.whole(BlockKind::Refusal, Some(Delta::Text(why)), &mut told);
            self.finish = Some(Finish::ContentFilter);
        }
        told.extend(usage::read(&answer).map(Event::Usage));
        Ok(told)
    }

    /// What the end of the bytes says: that the answer is over, if a reason to finish has come.
    pub fn end(&mut self) -> Vec<Event> {
        let mut told = Vec::new();
        let Some(finish) = self.finish.take().filter(|_| !self.is_done) else {
            return told;
        };
        self.is_done = true;
        self.end_open(&mut told);
        told.extend([Event::Finish(finish), Event::Done]);
        told
    }

    fn tell(&mut self, part: Part, told: &mut Vec<Event>) {
        let (kind, delta) = match part {
            Part::Text(text) => (Kind::Text, Delta::Text(text)),
            Part::Thought(text) => (Kind::Thought, Delta::Text(text)),
            Part::Signature(signature) => {
                self.end_open(told);
                let kind = BlockKind::Reasoning { sealed: None };
                return self.whole(kind, Some(Delta::Signature(signature)), told);
            }
            Part::Call(call) => {
                self.has_called = true;
                self.end_open(told);
                let kind = BlockKind::ToolCall {
                    id: call.id,
                    name: call.name,
                    signature: call.signature,
                };
                return self.whole(kind, Some(Delta::Arguments(call.arguments)), told);
            }
        };
        let block = match self.open {
            Some((block, open)) if open == kind => block,
            _ => {
                self.end_open(told);
                let begun = match kind {
                    Kind::Text => BlockKind::Text,
                    Kind::Thought => BlockKind::Reasoning { sealed: None },
                };
                let block = self.begin(begun, told);
                self.open = Some((block, kind));
                block
            }
        };
        told.push(Event::Delta { block, delta });
    }

    /// A block that comes whole.
    fn whole(&mut self, kind: BlockKind, delta: Option<Delta>, told: &mut Vec<Event>) {
        let block = self.begin(kind, told);
        told.extend(delta.map(|delta| Event::Delta { block, delta }));
        told.push(Event::End { block });
    }

    fn begin(&mut self, kind: BlockKind, told: &mut Vec<Event>) -> usize {
        let block = self.begun;
        self.begun += 1;
        told.push(Event::Begin { block, kind });
        block
    }

    fn end_open(&mut self, told: &mut Vec<Event>) {
        if let Some((block, _)) = self.open.take() {
            told.push(Event::End { block });
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
