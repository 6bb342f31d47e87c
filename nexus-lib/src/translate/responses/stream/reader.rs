use super::already::Already;
use crate::error::Result;
use crate::sse;
use crate::translate::exchange::free_text;
use crate::translate::extra_content::signature;
use crate::translate::fault::is_error_value;
use crate::translate::reading::{Object, Path};
use crate::translate::responses::{SIGNATURE, call, item, reply, usage};
use crate::translate::{BlockKind, Delta, Event, Output, ToolKind};

/// Reads OpenAI's stream, event by event. Unknown events and items are ignored.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    open: Vec<Open>,
    /// How many have begun.
    begun: usize,
    /// The latest index of an item, if any had one.
    latest: Option<u64>,
    already: Already,
}

#[derive(Debug)]
struct Open {
    /// The index of its item.
    item: u64,
    /// The index of its part; 0 if there are no parts.
    part: u64,
    block: usize,
    kind: Kind,
    /// Nothing of it has arrived.
    is_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Words,
    Thought,
    Call,
    /// A call with free text as input.
    Custom,
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
        let data = event.data();
        let message = Object::parse(&data, &Path::Answer)?;
        let kind: Option<String> = message.lenient("type");
        let name = event.name().and_then(|name| str::from_utf8(name).ok());
        match kind.as_deref().or(name).unwrap_or_default() {
            "response.created" | "response.in_progress" => self.start(&message, out),
            "response.output_item.added" => self.item_added(&message, out)?,
            "response.content_part.added" => self.part_added(&message, out)?,
            "response.output_text.delta" | "response.refusal.delta" => {
                self.delta(&message, Kind::Words, Delta::Text, out)?;
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.delta(&message, Kind::Thought, Delta::Text, out)?;
            }
            // What follows is another paragraph.
            "response.reasoning_summary_part.added" => {
                let index = message.lenient::<u64>("summary_index").unwrap_or_default();
                if let Some(open) = self
                    .open_item(&message, Kind::Thought)
                    .filter(|_| index > 0)
                {
                    out.push(Event::Delta {
                        block: open.block,
                        delta: Delta::Text("\n\n".to_owned()),
                    });
                }
            }
            "response.function_call_arguments.delta" => {
                self.delta(&message, Kind::Call, Delta::Arguments, out)?;
            }
            "response.custom_tool_call_input.delta" => {
                let quoted = |text: String| Delta::Arguments(free_text::quoted(&text));
                self.delta(&message, Kind::Custom, quoted, out)?;
            }
            // Compatible servers may send it at once.
            "response.output_text.done" => {
                self.done(&message, Kind::Words, "text", out);
            }
            "response.refusal.done" => self.done(&message, Kind::Words, "refusal", out),
            "response.reasoning_summary_text.done" | "response.reasoning_text.done" => {
                self.done(&message, Kind::Thought, "text", out);
            }
            "response.content_part.done" => {
                let place = (
                    message.lenient("output_index"),
                    message.lenient("content_index"),
                );
                self.end_where(|open| (Some(open.item), Some(open.part)) == place, out);
            }
            "response.output_item.done" => self.item_done(&message, out)?,
            "response.completed" | "response.incomplete" => self.over(&message, out)?,
            "response.failed" => {
                let response = message.lenient::<Object<'_>>("response");
                let error = response.and_then(|response| response.lenient::<Object<'_>>("error"));
                out.push(self::error(error.as_ref()));
            }
            "error" => {
                let inner = message.lenient::<Object<'_>>("error");
                out.push(self::error(inner.as_ref().or(Some(&message))));
            }
            // Whatever its name, from a proxy with an envelope of its own.
            _ if message
                .raw("error")
                .is_some_and(|json| is_error_value(json.get())) =>
            {
                let inner = message.lenient::<Object<'_>>("error");
                out.push(self::error(inner.as_ref().or(Some(&message))));
            }
            _ => {}
        }
        Ok(())
    }

    /// Handles the end of the bytes: nothing to do, since a complete stream has a final event.
    pub(crate) fn end(&mut self) -> Vec<Event> {
        Vec::new()
    }

    fn start(&mut self, message: &Object<'_>, out: &mut Vec<Event>) {
        let response = message.lenient::<Object<'_>>("response");
        let text = |name| {
            response
                .as_ref()
                .and_then(|response| response.lenient(name))
        };
        out.push(Event::Start {
            id: text("id").unwrap_or_default(),
            model: text("model").unwrap_or_default(),
        });
    }

    /// The index of an item; that of the latest one if it is missing.
    fn index(&self, message: &Object<'_>) -> u64 {
        let index: Option<u64> = message.lenient("output_index");
        index.or(self.latest).unwrap_or_default()
    }

    fn begin(&mut self, place: (u64, u64), kind: BlockKind, out: &mut Vec<Event>) {
        self.already.note_begun(&kind);
        let block = self.begun;
        self.begun += 1;
        self.latest = self.latest.max(Some(place.0));
        self.open.push(Open {
            item: place.0,
            part: place.1,
            block,
            kind: match kind {
                BlockKind::Text | BlockKind::Refusal => Kind::Words,
                BlockKind::Reasoning { .. } => Kind::Thought,
                BlockKind::ToolCall { .. } => Kind::Call,
            },
            is_empty: true,
        });
        out.push(Event::Begin { block, kind });
    }

    fn item_added(&mut self, message: &Object<'_>, out: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        // The upstream may have named the last there is.
        let next = || self.latest.map_or(0, |latest| latest.saturating_add(1));
        let index: u64 = message.lenient("output_index").unwrap_or_else(next);
        let item = message.need_object("item", &at)?;
        let at = at.key("item");
        match item.need::<String>("type", &at)?.as_str() {
            "reasoning" => self.begin((index, 0), BlockKind::Reasoning { sealed: None }, out),
            "function_call" | "custom_tool_call" => {
                self.begin_call(index, &item, &at, out)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin_call(
        &mut self,
        index: u64,
        item: &Object<'_>,
        at: &Path<'_>,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let kind: String = item.need("type", at)?;
        let Some(kind) = call::kind_of(&kind) else {
            return Ok(());
        };
        let is_custom = matches!(kind, ToolKind::Custom { .. });
        let (name, client) = call::names(kind, item, at)?;
        self.already.note_call(item);
        let begun = BlockKind::ToolCall {
            id: item::call_id(item),
            name,
            signature: signature(item),
            client,
        };
        self.begin((index, 0), begun, out);
        if let Some(open) = self.open.last_mut().filter(|_| is_custom) {
            open.kind = Kind::Custom;
            let block = open.block;
            let delta = Delta::Arguments(free_text::HEAD.to_owned());
            out.push(Event::Delta { block, delta });
        }
        Ok(())
    }

    fn part_added(&mut self, message: &Object<'_>, out: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        let item = self.index(message);
        let index: u64 = message.lenient("content_index").unwrap_or_default();
        let part = message.need_object("part", &at)?;
        match part.need::<String>("type", &at.key("part"))?.as_str() {
            "output_text" => self.begin((item, index), BlockKind::Text, out),
            "refusal" => self.begin((item, index), BlockKind::Refusal, out),
            _ => {}
        }
        Ok(())
    }

    fn open_item(&mut self, message: &Object<'_>, kind: Kind) -> Option<&mut Open> {
        let item = self.index(message);
        let part: Option<u64> = match kind {
            Kind::Words => message.lenient("content_index"),
            _ => None,
        };
        self.open.iter_mut().find(|open| {
            open.item == item && open.kind == kind && part.is_none_or(|part| part == open.part)
        })
    }

    fn delta(
        &mut self,
        message: &Object<'_>,
        kind: Kind,
        delta: fn(String) -> Delta,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let text: String = message.need("delta", &Path::Answer)?;
        self.say(message, kind, delta(text), out);
        Ok(())
    }

    /// The whole content of a block, if it was not sent before.
    fn done(&mut self, message: &Object<'_>, kind: Kind, name: &str, out: &mut Vec<Event>) {
        let item = self.index(message);
        let is_missing = match self.open_item(message, kind) {
            Some(open) => open.is_empty,
            None => self.latest.is_none_or(|latest| latest < item),
        };
        if let Some(text) = message.lenient(name).filter(|_| is_missing) {
            self.say(message, kind, Delta::Text(text), out);
        }
    }

    fn say(&mut self, message: &Object<'_>, kind: Kind, delta: Delta, out: &mut Vec<Event>) {
        let (Delta::Text(text) | Delta::Arguments(text) | Delta::Signature(text)) = &delta;
        if text.is_empty() {
            return;
        }
        // Compatible servers do not always announce a block.
        if !matches!(kind, Kind::Call | Kind::Custom) && self.open_item(message, kind).is_none() {
            let begun = match kind {
                Kind::Thought => BlockKind::Reasoning { sealed: None },
                _ if is_refusal(message) => BlockKind::Refusal,
                _ => BlockKind::Text,
            };
            let part = message.lenient("content_index").unwrap_or_default();
            self.begin((self.index(message), part), begun, out);
        }
        if let Some(open) = self.open_item(message, kind) {
            open.is_empty = false;
            let block = open.block;
            out.push(Event::Delta { block, delta });
        }
    }

    fn item_done(&mut self, message: &Object<'_>, out: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        let index = self.index(message);
        let item = message.need_object("item", &at)?;
        // Compatible servers may send an item at once.
        if self.already.is_new(&item, false) && !self.open.iter().any(|open| open.item == index) {
            return self.whole(&item, &at.key("item"), out);
        }
        let mut open = self.open.iter_mut();
        if let Some(open) = open.find(|open| open.item == index) {
            let missing = match open.kind {
                Kind::Custom => {
                    let whole = item.lenient::<String>("input").filter(|_| open.is_empty);
                    let quoted = whole.as_deref().map(free_text::quoted).unwrap_or_default();
                    Some(Delta::Arguments(quoted + free_text::TAIL))
                }
                Kind::Call if open.is_empty => Some(Delta::Arguments(item::arguments(&item))),
                // The encrypted reasoning is only known at the end.
                Kind::Thought => item
                    .lenient::<String>("encrypted_content")
                    .map(|sealed| match sealed.strip_prefix(SIGNATURE) {
                        Some(signature) => signature.to_owned(),
                        None => sealed,
                    })
                    .map(Delta::Signature),
                _ => None,
            };
            out.extend(missing.map(|delta| Event::Delta {
                block: open.block,
                delta,
            }));
        }
        self.end_where(|open| open.item == index, out);
        Ok(())
    }

    fn end_where(&mut self, which: impl Fn(&Open) -> bool, out: &mut Vec<Event>) {
        self.open.retain(|open| {
            let ends = which(open);
            if ends {
                out.push(Event::End { block: open.block });
            }
            !ends
        });
    }

    /// Emits all of an item that was not sent before.
    fn whole(&mut self, item: &Object<'_>, at: &Path<'_>, out: &mut Vec<Event>) -> Result<()> {
        for part in item::whole(item, at)? {
            self.already.note(&part, item);
            if let Output::Picture(_) = part {
                out.extend(part.into_events(0));
                continue;
            }
            out.extend(part.into_events(self.begun));
            self.begun += 1;
        }
        Ok(())
    }

    fn over(&mut self, message: &Object<'_>, out: &mut Vec<Event>) -> Result<()> {
        self.end_where(|_| true, out);
        let at = Path::Answer;
        let response = message.need_object("response", &at)?;
        let output: Vec<Object<'_>> = response.lenient("output").unwrap_or_default();
        for item in &output {
            if self.already.is_new(item, true) {
                self.whole(item, &at.key("output"), out)?;
            }
        }
        out.extend(usage::read(&response).map(Event::Usage));
        match reply::finish(&response) {
            Ok(finish) => out.extend([Event::Finish(finish), Event::Done]),
            Err(_) => out.push(self::error(response.lenient("error").as_ref())),
        }
        Ok(())
    }
}

fn is_refusal(message: &Object<'_>) -> bool {
    message
        .lenient::<String>("type")
        .is_some_and(|kind| kind.starts_with("response.refusal."))
}

fn error(error: Option<&Object<'_>>) -> Event {
    let text = |name| error.and_then(|error| error.lenient::<String>(name));
    Event::Error {
        message: text("message").unwrap_or_else(|| "the provider's response failed".to_owned()),
        kind: text("type").filter(|kind| kind != "error"),
        code: text("code"),
    }
}
