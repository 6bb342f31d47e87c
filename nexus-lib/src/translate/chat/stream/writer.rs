use bytes::Bytes;
use http::StatusCode;

use super::chunk::{Call, Called, Choice, Chunk, Custom, Delta, Function};
use crate::translate::chat::assistant::{self, Detail};
use crate::translate::chat::image::Image;
use crate::translate::chat::usage::Figures;
use crate::translate::chat::{error, finish, reply};
use crate::translate::exchange::free_text::Unwrapping;
use crate::translate::extra_content::ExtraContent;
use crate::translate::reading::Object;
use crate::translate::{BlockKind, Event, Finish, Picture, Request, TokenCounts};
use crate::wire::Timestamp;

/// Options for writing a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the last chunk contains the usage.
    pub include_usage: bool,
}

impl Options {
    /// As requested by the client's `stream_options`.
    pub fn of(request: &Request) -> Self {
        let mut extra = request.extra.iter();
        let options = extra.find(|(name, _)| name == "stream_options");
        let include_usage = options.and_then(|(_, json)| {
            let options: Object<'_> = serde_json::from_str(json.get()).ok()?;
            options.lenient("include_usage")
        });
        Self {
            include_usage: include_usage.unwrap_or(false),
        }
    }
}

/// Writes a stream in OpenAI's format.
#[derive(Debug)]
pub struct Writer {
    options: Options,
    id: String,
    created: i64,
    model: String,
    counts: Option<TokenCounts>,
    /// The open blocks.
    blocks: Vec<Block>,
    calls: usize,
    /// The inputs of calls whose input is free text.
    inputs: Vec<Unwrapping>,
    thoughts: usize,
    pictures: usize,
    has_started: bool,
    is_finished: bool,
    is_done: bool,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    number: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    /// With its index among the reasoning details.
    Thought(usize),
    /// With its index among the calls.
    Call(usize),
    /// A call with free text as input, with its index among the calls, and among such calls.
    Custom(usize, usize),
}

impl Writer {
    /// At the start of the answer to a client that asked for `model`.
    pub fn new(model: &str, options: Options) -> Self {
        Self {
            options,
            id: String::new(),
            created: Timestamp::now().as_seconds(),
            model: model.to_owned(),
            counts: None,
            blocks: Vec::new(),
            calls: 0,
            inputs: Vec::new(),
            thoughts: 0,
            pictures: 0,
            has_started: false,
            is_finished: false,
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
            Event::Start { id, model } => self.start(&id, model, out),
            Event::Begin { block, kind } => self.begin(block, &kind, out),
            Event::Delta { block, delta } => self.delta(block, &delta, out),
            Event::End { block } => self.end(block, out),
            Event::Picture(picture) => self.picture(&picture, out),
            Event::Finish(finish) => self.finish(&finish, out),
            Event::Usage(counts) => self.counts = Some(counts),
            // A comment, which clients ignore.
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Error {
                message,
                kind,
                code,
            } => {
                // No `[DONE]` after a failure.
                self.is_done = true;
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                frame(
                    &error::write(status, &message, kind.as_deref(), code.as_deref()),
                    out,
                );
            }
            Event::Done => self.done(out),
        }
    }

    fn start(&mut self, id: &str, model: String, out: &mut Vec<u8>) {
        if self.has_started {
            return;
        }
        self.has_started = true;
        self.id = reply::id(id).into_owned();
        if self.model.is_empty() {
            self.model = model;
        }
        let first = Delta {
            role: Some("assistant"),
            content: Some(""),
            ..Delta::default()
        };
        self.write(first, None, out);
    }

    fn begin(&mut self, number: usize, kind: &BlockKind, out: &mut Vec<u8>) {
        self.start("", String::new(), out);
        self.end(number, out);
        let kind = match kind {
            BlockKind::Text => Kind::Text,
            BlockKind::Refusal => Kind::Refusal,
            BlockKind::Reasoning { sealed } => {
                let index = self.thoughts;
                self.thoughts += 1;
                if let Some(data) = sealed {
                    let data = Some(data.as_str());
                    let detail = Detail {
                        data,
                        ..detail(index)
                    };
                    let delta = Delta {
                        reasoning_details: Some([detail]),
                        ..Delta::default()
                    };
                    self.write(delta, None, out);
                }
                Kind::Thought(index)
            }
            BlockKind::ToolCall {
                id,
                name,
                signature,
                client,
            } => {
                let index = self.calls;
                self.calls += 1;
                let custom = client.as_ref().filter(|client| client.is_custom());
                let (kind, called) = match custom {
                    None => ("function", function(Some(name), Some(""))),
                    Some(client) => ("custom", self::custom(Some(&client.name), Some(""))),
                };
                let call = Call {
                    index,
                    id: Some(&assistant::call_id(id)),
                    r#type: Some(kind),
                    called,
                    extra_content: signature.as_deref().map(ExtraContent::of),
                };
                self.call(call, out);
                match custom {
                    None => Kind::Call(index),
                    Some(_) => {
                        self.inputs.push(Unwrapping::default());
                        Kind::Custom(index, self.inputs.len() - 1)
                    }
                }
            }
        };
        self.blocks.push(Block { number, kind });
    }

    fn delta(&mut self, number: usize, delta: &crate::translate::Delta, out: &mut Vec<u8>) {
        use crate::translate::Delta as New;
        let Some(block) = self.blocks.iter().find(|open| open.number == number) else {
            return;
        };
        let delta = match (delta, block.kind) {
            (New::Text(text), Kind::Text) => Delta {
                content: Some(text),
                ..Delta::default()
            },
            (New::Text(text), Kind::Refusal) => Delta {
                refusal: Some(text),
                ..Delta::default()
            },
            (New::Text(text), Kind::Thought(index)) => Delta {
                reasoning_content: Some(text),
                reasoning_details: Some([Detail {
                    text: Some(text),
                    ..detail(index)
                }]),
                ..Delta::default()
            },
            (New::Signature(signature), Kind::Thought(index)) => Delta {
                reasoning_details: Some([Detail {
                    signature: Some(signature),
                    ..detail(index)
                }]),
                ..Delta::default()
            },
            (New::Arguments(arguments), Kind::Call(index)) => {
                let call = more(index, function(None, Some(arguments)));
                return self.call(call, out);
            }
            (New::Arguments(arguments), Kind::Custom(index, input)) => {
                let input = self.inputs.get_mut(input);
                let text = input.map(|input| input.push(arguments));
                return self.input(index, &text.unwrap_or_default(), out);
            }
            (New::Signature(signature), Kind::Call(index) | Kind::Custom(index, _)) => {
                let mut call = more(index, function(None, None));
                call.extra_content = Some(ExtraContent::of(signature));
                return self.call(call, out);
            }
            _ => return,
        };
        self.write(delta, None, out);
    }

    fn end(&mut self, number: usize, out: &mut Vec<u8>) {
        let at = self.blocks.iter().position(|open| open.number == number);
        let block = at.map(|at| self.blocks.remove(at));
        if let Some(Kind::Custom(index, input)) = block.map(|block| block.kind) {
            let missing = self.inputs.get(input).map(|input| input.end().1);
            self.input(index, &missing.unwrap_or_default(), out);
        }
    }

    /// More of a tool's free text input.
    fn input(&self, index: usize, text: &str, out: &mut Vec<u8>) {
        if !text.is_empty() {
            self.call(more(index, custom(None, Some(text))), out);
        }
    }

    fn picture(&mut self, picture: &Picture, out: &mut Vec<u8>) {
        self.start("", String::new(), out);
        if let Some(image) = Image::of(picture, Some(self.pictures)) {
            self.pictures += 1;
            let delta = Delta {
                images: Some([image]),
                ..Delta::default()
            };
            self.write(delta, None, out);
        }
    }

    fn call(&self, call: Call<'_>, out: &mut Vec<u8>) {
        let delta = Delta {
            tool_calls: Some([call]),
            ..Delta::default()
        };
        self.write(delta, None, out);
    }

    fn finish(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        self.start("", String::new(), out);
        if !self.is_finished {
            self.is_finished = true;
            while let Some(block) = self.blocks.first() {
                self.end(block.number, out);
            }
            self.write(Delta::default(), Some(finish::write(finish)), out);
        }
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        self.finish(&Finish::Stop, out);
        if let Some(counts) = self.counts.filter(|_| self.options.include_usage) {
            self.chunk(&[], Some(Some(counts.into())), out);
        }
        frame(b"[DONE]", out);
        self.is_done = true;
    }

    fn write(&self, delta: Delta<'_>, finish_reason: Option<&str>, out: &mut Vec<u8>) {
        let choice = Choice {
            index: 0,
            delta,
            logprobs: None,
            finish_reason,
        };
        self.chunk(&[choice], self.options.include_usage.then_some(None), out);
    }

    fn chunk(&self, choices: &[Choice<'_>], usage: Option<Option<Figures>>, out: &mut Vec<u8>) {
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            usage,
        };
        // Writing strings and numbers into a growing buffer cannot fail.
        frame(&serde_json::to_vec(&chunk).unwrap_or_default(), out);
    }
}

fn detail<'a>(index: usize) -> Detail<'a> {
    Detail {
        index: Some(index),
        r#type: "reasoning",
        ..Detail::default()
    }
}

fn more<'a>(index: usize, called: Called<'a>) -> Call<'a> {
    Call {
        index,
        id: None,
        r#type: None,
        called,
        extra_content: None,
    }
}

fn function<'a>(name: Option<&'a str>, arguments: Option<&'a str>) -> Called<'a> {
    Called::Function(Function { name, arguments })
}

fn custom<'a>(name: Option<&'a str>, input: Option<&'a str>) -> Called<'a> {
    Called::Custom(Custom { name, input })
}

fn frame(data: &[u8], out: &mut Vec<u8>) {
    for piece in [b"data: ", data, b"\n\n"] {
        out.extend_from_slice(piece);
    }
}
