use crate::translate::{Answered, BlockKind, Delta, Event, Fault, Output, Thought, ToolCall};

/// Assembles the events of a stream into a whole answer.
#[derive(Debug, Default)]
pub struct Gathered {
    answered: Answered,
    /// The number of each block, and its position in the answer.
    blocks: Vec<(usize, usize)>,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
enum Outcome {
    Done,
    Failed(Fault),
}

impl Gathered {
    /// Takes the next event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Start { id, model } => {
                (self.answered.id, self.answered.model) = (id, model);
            }
            Event::Begin { block, kind } => {
                self.blocks.push((block, self.answered.output.len()));
                self.answered.output.push(begun(kind));
            }
            Event::Delta { block, delta } => self.delta(block, delta),
            Event::Picture(picture) => self.answered.output.push(Output::Picture(picture)),
            Event::Finish(finish) => self.answered.finish = finish,
            Event::Usage(counts) => self.answered.usage = Some(counts),
            Event::End { .. } | Event::Ping => {}
            Event::Error {
                message,
                kind,
                code,
            } => self.outcome = Some(Outcome::Failed((message, kind, code))),
            Event::Done => self.outcome = Some(Outcome::Done),
        }
    }

    /// Whether the answer is complete.
    pub fn is_over(&self) -> bool {
        self.outcome.is_some()
    }

    /// The whole answer, or the provider's error; `None` if the stream was cut off.
    pub fn into_answer(self) -> Option<Result<Answered, Fault>> {
        Some(match self.outcome? {
            Outcome::Done => Ok(self.answered),
            Outcome::Failed(fault) => Err(fault),
        })
    }

    fn delta(&mut self, number: usize, delta: Delta) {
        let mut blocks = self.blocks.iter().rev();
        let Some((_, at)) = blocks.find(|(block, _)| *block == number) else {
            return;
        };
        match (self.answered.output.get_mut(*at), delta) {
            (Some(Output::Text(text) | Output::Refusal(text)), Delta::Text(more)) => *text += &more,
            (Some(Output::Reasoning(thought)), Delta::Text(more)) => thought.text += &more,
            (Some(Output::Reasoning(thought)), Delta::Signature(more)) => {
                *thought.signature.get_or_insert_default() += &more;
            }
            (Some(Output::ToolCall(call)), Delta::Arguments(more)) => call.arguments += &more,
            (Some(Output::ToolCall(call)), Delta::Signature(more)) => {
                *call.signature.get_or_insert_default() += &more;
            }
            _ => {}
        }
    }
}

fn begun(kind: BlockKind) -> Output {
    match kind {
        BlockKind::Text => Output::Text(String::new()),
        BlockKind::Refusal => Output::Refusal(String::new()),
        BlockKind::Reasoning { sealed } => Output::Reasoning(Thought {
            sealed,
            ..Thought::default()
        }),
        BlockKind::ToolCall {
            id,
            name,
            signature,
            client,
        } => Output::ToolCall(ToolCall {
            id,
            name,
            signature,
            client,
            arguments: String::new(),
        }),
    }
}

impl Answered {
    /// The answer as the events of a stream: each block in one piece.
    pub fn into_events(self) -> Vec<Event> {
        let (id, model) = (self.id, self.model);
        let mut events = vec![Event::Start { id, model }];
        for (block, output) in self.output.into_iter().enumerate() {
            events.extend(output.into_events(block));
        }
        events.push(Event::Finish(self.finish));
        events.extend(self.usage.map(Event::Usage));
        events.push(Event::Done);
        events
    }
}

impl Output {
    /// Block number `block` of a stream, in one piece.
    pub(crate) fn into_events(self, block: usize) -> Vec<Event> {
        let (kind, deltas) = match self {
            Self::Text(text) => (BlockKind::Text, vec![Delta::Text(text)]),
            Self::Refusal(text) => (BlockKind::Refusal, vec![Delta::Text(text)]),
            Self::Reasoning(thought) => {
                let sealed = thought.sealed;
                let signature = thought.signature.map(Delta::Signature);
                let deltas = [Delta::Text(thought.text)].into_iter().chain(signature);
                (BlockKind::Reasoning { sealed }, deltas.collect())
            }
            Self::Picture(picture) => return vec![Event::Picture(picture)],
            Self::ToolCall(call) => {
                let (id, name, signature) = (call.id, call.name, call.signature);
                let kind = BlockKind::ToolCall {
                    id,
                    name,
                    signature,
                    client: call.client,
                };
                (kind, vec![Delta::Arguments(call.arguments)])
            }
        };
        let deltas = deltas.into_iter().filter(|delta| match delta {
            Delta::Text(text) | Delta::Arguments(text) | Delta::Signature(text) => !text.is_empty(),
        });
        let mut events = vec![Event::Begin { block, kind }];
        events.extend(deltas.map(|delta| Event::Delta { block, delta }));
        events.push(Event::End { block });
        events
    }
}
