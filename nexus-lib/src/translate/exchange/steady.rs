use std::collections::HashSet;

use crate::translate::{Answered, BlockKind, Delta, Event, Finish, Output};

/// The error when a piece of the answer was lost.
const LOST: &str = "a part of the provider's answer could not be read";

/// The error when a provider ends a stream without content.
const EMPTY: &str = "the provider sent an empty answer; try again";

/// The error when an answer has too many parts.
const TOO_MANY: &str = "the provider's answer has too many parts";

/// The maximum number of blocks in one answer. Each event looks its block up, so this bounds the
/// work for an answer; models use a handful.
pub(crate) const MAX_BLOCKS: usize = 2048;

/// Brings the events of any protocol's reader into the order that [`Event`] guarantees.
///
/// Each protocol has its own gaps; they are closed here for all of them:
///
/// | stream | becomes |
/// |---|---|
/// | no start, or several | one start, before everything else |
/// | calls without ids, or with the same id | generated ids |
/// | a call without arguments, or with `null` | `{}` |
/// | a finish reason, early or several times | the last one counts, and is sent at the end |
/// | blocks that are open at the end | ended |
/// | calls, with any finish reason | a reason of calls, unless the answer was cut off |
/// | an end of the bytes after a finish reason | the end of the answer |
/// | an end without content or reason | an error |
/// | an unreadable piece | skipped; the end is an error |
/// | more than 2,048 blocks | an error |
/// | anything after the end or an error | ignored |
#[derive(Debug, Default)]
pub(crate) struct Steady {
    has_started: bool,
    open: Vec<Open>,
    /// The ids of all calls so far.
    ids: HashSet<String>,
    has_called: bool,
    has_content: bool,
    /// How many blocks have begun.
    begun: usize,
    finish: Option<Finish>,
    has_lost: bool,
    is_over: bool,
}

/// An open block.
#[derive(Debug)]
struct Open {
    number: usize,
    /// For a call: arguments that may still turn out to be `null`. `None` once some were sent.
    held: Option<String>,
}

impl Steady {
    /// Takes an event of a reader, and appends the resulting ones to `out`.
    pub(crate) fn push(&mut self, event: Event, out: &mut Vec<Event>) {
        if self.is_over {
            return;
        }
        match event {
            Event::Start { id, model } => self.start(id, model, out),
            Event::Begin { block, kind } => self.begin(block, kind, out),
            Event::Delta { block, delta } => self.delta(block, delta, out),
            Event::End { block } => self.end_block(block, out),
            Event::Picture(picture) => {
                self.start(String::new(), String::new(), out);
                self.has_content = true;
                out.push(Event::Picture(picture));
            }
            Event::Finish(finish) => self.finish = Some(finish),
            Event::Usage(counts) => out.push(Event::Usage(counts)),
            Event::Ping => out.push(Event::Ping),
            Event::Error { .. } => {
                self.is_over = true;
                out.push(event);
            }
            Event::Done => self.done(out),
        }
    }

    /// Notes that a piece of the answer could not be read.
    pub(crate) fn lose(&mut self) {
        self.has_lost = true;
    }

    /// Ends the stream.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        if self.finish.is_some() {
            self.push(Event::Done, out);
        } else if self.has_lost && !self.has_started {
            self.push(failure(LOST), out);
        }
    }

    /// Whether a finish reason has arrived: then the end of the bytes is the end of the answer.
    pub(crate) fn is_finished(&self) -> bool {
        self.finish.is_some() || self.is_over
    }

    /// Whether nothing more can follow.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    fn start(&mut self, id: String, model: String, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.has_started, true) {
            out.push(Event::Start { id, model });
        }
    }

    fn begin(&mut self, number: usize, mut kind: BlockKind, out: &mut Vec<Event>) {
        self.begun += 1;
        if self.begun > MAX_BLOCKS {
            return self.push(failure(TOO_MANY), out);
        }
        self.start(String::new(), String::new(), out);
        self.end_block(number, out);
        self.has_content = true;
        let mut held = None;
        if let BlockKind::ToolCall { id, .. } = &mut kind {
            self.has_called = true;
            own(id, &mut self.ids);
            held = Some(String::new());
        }
        self.open.push(Open { number, held });
        out.push(Event::Begin {
            block: number,
            kind,
        });
    }

    fn delta(&mut self, number: usize, delta: Delta, out: &mut Vec<Event>) {
        // Recent ones are the most likely.
        let mut open = self.open.iter_mut().rev();
        let Some(open) = open.find(|open| open.number == number) else {
            return;
        };
        let delta = match (&mut open.held, delta) {
            (Some(held), Delta::Arguments(more)) => {
                held.push_str(&more);
                if may_be_null(held) {
                    return;
                }
                Delta::Arguments(open.held.take().unwrap_or_default())
            }
            (_, delta) => delta,
        };
        out.push(Event::Delta {
            block: number,
            delta,
        });
    }

    fn end_block(&mut self, number: usize, out: &mut Vec<Event>) {
        if let Some(at) = self.open.iter().rposition(|open| open.number == number) {
            self.open.remove(at).end(out);
        }
    }

    fn done(&mut self, out: &mut Vec<Event>) {
        self.is_over = true;
        if self.has_lost {
            return out.push(failure(LOST));
        }
        if !self.has_content && self.finish.is_none() {
            return out.push(failure(EMPTY));
        }
        self.start(String::new(), String::new(), out);
        for open in self.open.drain(..) {
            open.end(out);
        }
        let finish = self.finish.take().unwrap_or_default();
        out.push(Event::Finish(finish.with_calls(self.has_called)));
        out.push(Event::Done);
    }
}

impl Open {
    fn end(self, out: &mut Vec<Event>) {
        if let Some(held) = self.held {
            let arguments = match held.trim() {
                "" | "null" => "{}".to_owned(),
                _ => held,
            };
            out.push(Event::Delta {
                block: self.number,
                delta: Delta::Arguments(arguments),
            });
        }
        out.push(Event::End { block: self.number });
    }
}

/// Brings a whole answer into the same order.
pub(crate) fn steady(answered: &mut Answered) {
    let mut ids = HashSet::new();
    let mut has_called = false;
    for output in &mut answered.output {
        if let Output::ToolCall(call) = output {
            has_called = true;
            own(&mut call.id, &mut ids);
            if matches!(call.arguments.trim(), "" | "null") {
                "{}".clone_into(&mut call.arguments);
            }
        }
    }
    answered.finish = std::mem::take(&mut answered.finish).with_calls(has_called);
}

/// Gives a call a generated id if it has none, or that of another call.
fn own(id: &mut String, ids: &mut HashSet<String>) {
    if id.is_empty() || ids.contains(id) {
        *id = format!("call_{}", uuid::Uuid::new_v4().simple());
    }
    ids.insert(id.clone());
}

/// Whether `arguments`, so far, may turn out to be `null` or empty.
fn may_be_null(arguments: &str) -> bool {
    "null".starts_with(arguments.trim()) && arguments.len() < 64
}

fn failure(message: &str) -> Event {
    Event::Error {
        message: message.to_owned(),
        kind: None,
        code: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(events: Vec<Event>) -> Vec<Event> {
        let (mut steady, mut out) = (Steady::default(), Vec::new());
        for event in events {
            steady.push(event, &mut out);
        }
        steady.end(&mut out);
        out
    }

    fn begin(block: usize, id: &str) -> Event {
        let kind = BlockKind::ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            signature: None,
            client: None,
        };
        Event::Begin { block, kind }
    }

    fn arguments(block: usize, text: &str) -> Event {
        let delta = Delta::Arguments(text.to_owned());
        Event::Delta { block, delta }
    }

    #[test]
    fn calls_get_ids_and_arguments() {
        let result = through(vec![
            begin(0, ""),
            arguments(0, "nu"),
            arguments(0, "ll"),
            begin(1, "a"),
            begin(2, "a"),
            arguments(2, " {\"n\":1}"),
            Event::Finish(Finish::Stop),
        ]);
        let mut ids = Vec::new();
        for event in &result {
            if let Event::Begin {
                kind: BlockKind::ToolCall { id, .. },
                ..
            } = event
            {
                ids.push(id.as_str());
            }
        }
        assert!(ids[0].starts_with("call_") && ids[1] == "a" && ids[2].starts_with("call_"));
        for (block, text) in [(0, "{}"), (1, "{}"), (2, " {\"n\":1}")] {
            assert!(result.contains(&arguments(block, text)));
        }
        assert!(result.ends_with(&[Event::Finish(Finish::ToolCalls), Event::Done]));
    }

    #[test]
    fn words_behind_a_reason_to_finish_come_before_it() {
        let text = |text: &str| Event::Delta {
            block: 0,
            delta: Delta::Text(text.to_owned()),
        };
        let kind = BlockKind::Text;
        let result = through(vec![
            Event::Begin { block: 0, kind },
            text("He"),
            Event::Finish(Finish::Stop),
            text("llo"),
            Event::Finish(Finish::Length),
            Event::Done,
            text("lost"),
        ]);
        assert_eq!(
            result[2..],
            [
                text("He"),
                text("llo"),
                Event::End { block: 0 },
                Event::Finish(Finish::Length),
                Event::Done
            ]
        );
    }

    #[test]
    fn nothing_at_all_is_no_answer_and_what_was_lost_is_an_error() {
        assert_eq!(through(vec![Event::Done]), [failure(EMPTY)]);
        assert_eq!(through(vec![]), []);
        let (mut steady, mut out) = (Steady::default(), Vec::new());
        steady.push(Event::Picture(picture()), &mut out);
        steady.lose();
        steady.push(Event::Done, &mut out);
        assert_eq!(out.last(), Some(&failure(LOST)));
    }

    fn picture() -> crate::translate::Picture {
        crate::translate::Picture {
            source: crate::translate::Source::Url("u".to_owned()),
            signature: None,
        }
    }
}
