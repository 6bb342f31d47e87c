use bytes::Bytes;
use http::StatusCode;

use super::event::{BlockDelta, ContentBlock, Message, MessageDelta, Nothing, Written, frame};
use crate::translate::extra_content::ExtraContent;
use crate::translate::messages::usage::Figures;
use crate::translate::messages::{error, finish, reply};
use crate::translate::{BlockKind, Delta, Event, Finish, TokenCounts};

/// Options for writing a stream: none.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Options {}

/// Writes a stream in Anthropic's format.
///
/// Usage is sent at the end, and what is known before the start is sent there too.
#[derive(Debug)]
pub struct Writer {
    model: String,
    counts: Option<TokenCounts>,
    finish: Finish,
    /// In the order in which they began, which is Anthropic's index.
    blocks: Vec<Block>,
    has_started: bool,
    is_done: bool,
}

#[derive(Debug)]
struct Block {
    number: usize,
    kind: Kind,
    is_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    Thinking,
    Sealed,
    ToolUse,
}

impl Writer {
    /// At the start of the answer to a client that asked for `model`.
    pub fn new(model: &str, _options: Options) -> Self {
        Self {
            model: model.to_owned(),
            counts: None,
            finish: Finish::Stop,
            blocks: Vec::new(),
            has_started: false,
            is_done: false,
        }
    }

    /// The bytes for `event`; may be empty.
    pub fn push(&mut self, event: Event) -> Bytes {
        let mut out = Vec::new();
        if !self.is_done {
            self.write_event(event, &mut out);
        }
        out.into()
    }

    fn write_event(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model } => self.start(&id, &model, out),
            Event::Begin { block, kind } => self.begin(block, &kind, out),
            Event::Delta { block, delta } => self.delta(block, &delta, out),
            Event::End { block } => self.end(block, out),
            // Anthropic's answers have none.
            Event::Picture(_) => {}
            Event::Finish(finish) => self.finish = finish,
            Event::Usage(counts) => self.counts = Some(counts),
            Event::Ping => {
                self.start("", "", out);
                Written::Ping.write(out);
            }
            Event::Error {
                message,
                kind,
                code,
            } => {
                self.is_done = true;
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                let data = error::write(status, &message, kind.as_deref(), code.as_deref());
                frame("error", &data, out);
            }
            Event::Done => self.done(out),
        }
    }

    fn start(&mut self, id: &str, model: &str, out: &mut Vec<u8>) {
        if self.has_started {
            return;
        }
        self.has_started = true;
        let message = Message {
            id: &reply::id(id),
            r#type: "message",
            role: "assistant",
            model: match self.model.as_str() {
                "" => model,
                asked => asked,
            },
            content: [],
            stop_reason: None,
            stop_sequence: None,
            usage: self.counts.map(Figures::from).unwrap_or_default(),
        };
        Written::MessageStart { message }.write(out);
    }

    fn begin(&mut self, number: usize, kind: &BlockKind, out: &mut Vec<u8>) {
        self.start("", "", out);
        self.end(number, out);
        let id;
        let (kind, content_block) = match kind {
            BlockKind::Text => (Kind::Text, ContentBlock::Text { text: "" }),
            BlockKind::Refusal => (Kind::Refusal, ContentBlock::Text { text: "" }),
            BlockKind::Reasoning { sealed: Some(data) } => {
                (Kind::Sealed, ContentBlock::RedactedThinking { data })
            }
            BlockKind::Reasoning { sealed: None } => {
                let (thinking, signature) = ("", "");
                let block = ContentBlock::Thinking {
                    thinking,
                    signature,
                };
                (Kind::Thinking, block)
            }
            BlockKind::ToolCall {
                id: given,
                name,
                signature,
                ..
            } => {
                id = reply::call_id(given);
                let block = ContentBlock::ToolUse {
                    id: &id,
                    name,
                    input: Nothing {},
                    extra_content: signature.as_deref().map(ExtraContent::of),
                };
                (Kind::ToolUse, block)
            }
        };
        let index = self.blocks.len();
        self.blocks.push(Block {
            number,
            kind,
            is_open: true,
        });
        Written::ContentBlockStart {
            index,
            content_block,
        }
        .write(out);
    }

    /// The open block of that number, and Anthropic's index of it.
    fn open(&mut self, number: usize) -> Option<(usize, &mut Block)> {
        // Recent ones are the most likely.
        let mut blocks = self.blocks.iter_mut().enumerate().rev();
        blocks.find(|(_, block)| block.number == number && block.is_open)
    }

    fn delta(&mut self, number: usize, delta: &Delta, out: &mut Vec<u8>) {
        let Some((index, block)) = self.open(number) else {
            return;
        };
        let delta = match (delta, block.kind) {
            (Delta::Text(text), Kind::Text | Kind::Refusal) => BlockDelta::Text { text },
            (Delta::Text(thinking), Kind::Thinking) => BlockDelta::Thinking { thinking },
            (Delta::Signature(signature), Kind::Thinking) => BlockDelta::Signature { signature },
            (Delta::Arguments(partial_json), Kind::ToolUse) => {
                BlockDelta::InputJson { partial_json }
            }
            _ => return,
        };
        Written::ContentBlockDelta { index, delta }.write(out);
    }

    fn end(&mut self, number: usize, out: &mut Vec<u8>) {
        if let Some((index, block)) = self.open(number) {
            block.is_open = false;
            Written::ContentBlockStop { index }.write(out);
        }
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        self.start("", "", out);
        for (index, block) in self.blocks.iter_mut().enumerate() {
            if std::mem::take(&mut block.is_open) {
                Written::ContentBlockStop { index }.write(out);
            }
        }
        let has_refused = self.blocks.iter().any(|block| block.kind == Kind::Refusal);
        let (stop_reason, stop_sequence) = finish::write(&self.finish, has_refused);
        let delta = MessageDelta {
            stop_reason,
            stop_sequence,
        };
        let usage = self.counts.map(Figures::from).unwrap_or_default();
        Written::MessageDelta { delta, usage }.write(out);
        Written::MessageStop.write(out);
        self.is_done = true;
    }
}
