use crate::error::Result;
use crate::sse;
use crate::translate::extra_content::signature;
use crate::translate::messages::usage::Figures;
use crate::translate::messages::{finish, reply};
use crate::translate::reading::{Object, Path};
use crate::translate::{BlockKind, Delta, Event};

/// Reads Anthropic's stream, event by event. Unknown events and blocks are ignored.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    figures: Figures,
    /// The open ones.
    blocks: Vec<Open>,
    /// How many have begun.
    begun: usize,
    has_started: bool,
}

#[derive(Debug)]
struct Open {
    /// The provider's index, which counts ignored blocks too.
    index: u64,
    block: usize,
    /// No arguments have arrived. Anthropic sends none for a call without any.
    lacks_arguments: bool,
}

impl Reader {
    /// At the start of a stream.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Appends the events in `event` to `out`, up to the first error.
    ///
    /// # Errors
    /// `UpstreamInvalid` when its data is not a JSON object, or lacks a required member.
    pub(crate) fn push(&mut self, event: &sse::Event<'_>, out: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        let data = event.data();
        let message = Object::parse(&data, &at)?;
        let kind: Option<String> = message.lenient("type");
        let name = event.name().and_then(|name| str::from_utf8(name).ok());
        match kind.as_deref().or(name).unwrap_or_default() {
            "message_start" => self.start(&message, out)?,
            "content_block_start" => self.begin(&message, out)?,
            "content_block_delta" => self.delta(&message, out)?,
            "content_block_stop" => {
                let index = self.index(&message);
                self.end_block(index, out);
            }
            "message_delta" => self.finish(&message, out)?,
            "message_stop" => {
                self.end_all(out);
                out.push(Event::Done);
            }
            "ping" => out.push(Event::Ping),
            "error" => out.push(error(&message)),
            // Whatever its name, from a proxy with an envelope of its own.
            _ if message.raw("error").is_some() => out.push(error(&message)),
            _ => {}
        }
        Ok(())
    }

    /// Handles the end of the bytes: nothing to do, since a complete stream has a final event.
    pub(crate) fn end(&mut self) -> Vec<Event> {
        Vec::new()
    }

    fn start(&mut self, event: &Object<'_>, out: &mut Vec<Event>) -> Result<()> {
        if self.has_started {
            return Ok(());
        }
        self.has_started = true;
        let message = event.need_object("message", &Path::Answer)?;
        out.push(Event::Start {
            id: message.lenient("id").unwrap_or_default(),
            model: message.lenient("model").unwrap_or_default(),
        });
        self.usage(&message, out);
        Ok(())
    }

    /// The provider's index of a block; that of the latest one if it is missing.
    fn index(&self, event: &Object<'_>) -> u64 {
        let index: Option<u64> = event.lenient("index");
        let latest = || self.blocks.last().map(|open| open.index);
        index.or_else(latest).unwrap_or_default()
    }

    fn usage(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if let Some(usage) = object.lenient::<Object<'_>>("usage") {
            self.figures.update(&usage);
            out.extend(self.figures.counts().map(Event::Usage));
        }
    }

    fn begin(&mut self, event: &Object<'_>, out: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        let index: Option<u64> = event.lenient("index");
        let index = index.unwrap_or_else(|| {
            self.blocks
                .last()
                .map_or(0, |open| open.index.saturating_add(1))
        });
        let block = event.need_object("content_block", &at)?;
        let at = at.key("content_block");
        let kind: String = block.need("type", &at)?;
        let mut first = Vec::new();
        let text = |name| block.get::<String>(name, &at);
        let kind = match kind.as_str() {
            "text" => {
                first.extend(text("text")?.map(Delta::Text));
                BlockKind::Text
            }
            "thinking" => {
                first.extend(text("thinking")?.map(Delta::Text));
                first.extend(text("signature")?.map(Delta::Signature));
                BlockKind::Reasoning { sealed: None }
            }
            "redacted_thinking" => BlockKind::Reasoning {
                sealed: Some(block.need("data", &at)?),
            },
            "tool_use" => {
                let input = block.raw("input").map(|input| input.get().to_owned());
                first.extend(input.filter(|input| !is_empty(input)).map(Delta::Arguments));
                BlockKind::ToolCall {
                    id: block.lenient("id").unwrap_or_default(),
                    name: block.need("name", &at)?,
                    signature: signature(&block),
                    client: None,
                }
            }
            _ => return Ok(()),
        };
        self.end_block(index, out);
        first.retain(|delta| match delta {
            Delta::Text(text) | Delta::Arguments(text) | Delta::Signature(text) => !text.is_empty(),
        });
        let lacks_arguments = matches!(kind, BlockKind::ToolCall { .. }) && first.is_empty();
        let number = self.begun;
        self.open(index, kind, lacks_arguments, out);
        let deltas = first.into_iter();
        out.extend(deltas.map(|delta| Event::Delta {
            block: number,
            delta,
        }));
        Ok(())
    }

    fn open(&mut self, index: u64, kind: BlockKind, lacks_arguments: bool, out: &mut Vec<Event>) {
        let block = self.begun;
        self.begun += 1;
        self.blocks.push(Open {
            index,
            block,
            lacks_arguments,
        });
        out.push(Event::Begin { block, kind });
    }

    fn delta(&mut self, event: &Object<'_>, out: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        let index: u64 = self.index(event);
        let delta = event.need_object("delta", &at)?;
        let at = at.key("delta");
        let kind: String = delta.need("type", &at)?;
        if !self.blocks.iter().any(|open| open.index == index) {
            // Some servers do not announce a block of text.
            match kind.as_str() {
                "text_delta" => self.open(index, BlockKind::Text, false, out),
                "thinking_delta" => {
                    self.open(index, BlockKind::Reasoning { sealed: None }, false, out);
                }
                _ => {}
            }
        }
        let Some(open) = self.blocks.iter_mut().find(|open| open.index == index) else {
            return Ok(());
        };
        let delta = match kind.as_str() {
            "text_delta" => Delta::Text(delta.need("text", &at)?),
            "thinking_delta" => Delta::Text(delta.need("thinking", &at)?),
            "signature_delta" => Delta::Signature(delta.need("signature", &at)?),
            "input_json_delta" => {
                let piece: String = delta.need("partial_json", &at)?;
                if piece.is_empty() {
                    return Ok(());
                }
                open.lacks_arguments = false;
                Delta::Arguments(piece)
            }
            _ => return Ok(()),
        };
        out.push(Event::Delta {
            block: open.block,
            delta,
        });
        Ok(())
    }

    fn end_block(&mut self, index: u64, out: &mut Vec<Event>) {
        let at = self.blocks.iter().position(|open| open.index == index);
        if let Some(at) = at {
            self.blocks.remove(at).end(out);
        }
    }

    fn end_all(&mut self, out: &mut Vec<Event>) {
        self.blocks.drain(..).for_each(|open| open.end(out));
    }

    fn finish(&mut self, event: &Object<'_>, out: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        self.usage(event, out);
        let Some(delta) = event.object("delta", &at)? else {
            return Ok(());
        };
        let reason: Option<String> = delta.lenient("stop_reason");
        let Some(finish) =
            reason.and_then(|reason| finish::read(&reason, delta.lenient("stop_sequence")))
        else {
            return Ok(());
        };
        if let Some(explanation) = reply::explanation(&delta) {
            let block = self.begun;
            self.begun += 1;
            let delta = Delta::Text(explanation);
            let kind = BlockKind::Refusal;
            out.push(Event::Begin { block, kind });
            out.push(Event::Delta { block, delta });
            out.push(Event::End { block });
        }
        out.push(Event::Finish(finish));
        Ok(())
    }
}

impl Open {
    fn end(self, out: &mut Vec<Event>) {
        let block = self.block;
        if self.lacks_arguments {
            let delta = Delta::Arguments("{}".to_owned());
            out.push(Event::Delta { block, delta });
        }
        out.push(Event::End { block });
    }
}

/// Whether the initial input of a call is only a placeholder.
fn is_empty(input: &str) -> bool {
    input
        .bytes()
        .all(|byte| matches!(byte, b'{' | b'}') || byte.is_ascii_whitespace())
}

fn error(event: &Object<'_>) -> Event {
    let error = event.lenient::<Object<'_>>("error");
    let bare: Option<String> = event.lenient("error");
    let text = |name| {
        error
            .as_ref()
            .and_then(|error| error.lenient::<String>(name))
    };
    Event::Error {
        message: text("message")
            .or(bare)
            .unwrap_or_else(|| "the provider reports an error".to_owned()),
        kind: text("type"),
        code: text("code"),
    }
}
