use crate::error::Result;
use crate::sse;
use crate::translate::exchange::free_text;
use crate::translate::extra_content::signature;
use crate::translate::reading::{Object, Path};
use crate::translate::responses::{SIGNATURE, call, item, reply, usage};
use crate::translate::{BlockKind, Delta, Event, ToolKind};

/// Reads OpenAI's stream, event by event. Events and items that are not known say nothing.
#[derive(Debug, Default)]
pub struct Reader {
    open: Vec<Open>,
    /// How many have begun.
    begun: usize,
    /// The last place of an item of which one has.
    latest: Option<u64>,
    has_started: bool,
    has_called: bool,
    is_done: bool,
}

#[derive(Debug)]
struct Open {
    /// The place of its item.
    item: u64,
    /// The place of its part in there; 0 where there are no parts.
    part: u64,
    block: usize,
    kind: Kind,
    /// Nothing of it has come.
    is_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Words,
    Thought,
    Call,
    /// A call whose input is free text.
    Custom,
}

impl Reader {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// What `event` says.
    ///
    /// # Errors
    /// `UpstreamInvalid` when its data is no JSON object, or lacks what its kind must have.
    pub fn push(&mut self, event: &sse::Event<'_>) -> Result<Vec<Event>> {
        let mut told = Vec::new();
        let data = event.data();
        if self.is_done || data.trim_ascii() == b"[DONE]" {
            return Ok(told);
        }
        let at = Path::Answer;
        let message = Object::parse(&data, &at)?;
        let kind: Option<String> = message.get("type", &at)?;
        let name = event.name().and_then(|name| str::from_utf8(name).ok());
        match kind.as_deref().or(name).unwrap_or_default() {
            "response.created" | "response.in_progress" => self.start(&message, &mut told)?,
            "response.output_item.added" => self.item_added(&message, &mut told)?,
            "response.content_part.added" => self.part_added(&message, &mut told)?,
            "response.output_text.delta" | "response.refusal.delta" => {
                self.delta(&message, Kind::Words, Delta::Text, &mut told)?;
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.delta(&message, Kind::Thought, Delta::Text, &mut told)?;
            }
            // What comes behind is another paragraph.
            "response.reasoning_summary_part.added" => {
                let index = message.lenient::<u64>("summary_index").unwrap_or_default();
                if let Some(open) = self
                    .open_item(&message, Kind::Thought)
                    .filter(|_| index > 0)
                {
                    told.push(Event::Delta {
                        block: open.block,
                        delta: Delta::Text("\n\n".to_owned()),
                    });
                }
            }
            "response.function_call_arguments.delta" => {
                self.delta(&message, Kind::Call, Delta::Arguments, &mut told)?;
            }
            "response.custom_tool_call_input.delta" => {
                let quoted = |text: String| Delta::Arguments(free_text::quoted(&text));
                self.delta(&message, Kind::Custom, quoted, &mut told)?;
            }
            // Servers that are only like OpenAI may say it at once.
            "response.output_text.done" => {
                self.done(&message, Kind::Words, "text", &mut told);
            }
            "response.refusal.done" => self.done(&message, Kind::Words, "refusal", &mut told),
            "response.reasoning_summary_text.done" | "response.reasoning_text.done" => {
                self.done(&message, Kind::Thought, "text", &mut told);
            }
            "response.content_part.done" => {
                let place = (
                    message.lenient("output_index"),
                    message.lenient("content_index"),
                );
                self.end_where(
                    |open| (Some(open.item), Some(open.part)) == place,
                    &mut told,
                );
            }
            "response.output_item.done" => self.item_done(&message, &mut told)?,
            "response.completed" | "response.incomplete" => self.over(&message, &mut told)?,
            "response.failed" => {
                self.is_done = true;
                let response = message.lenient::<Object<'_>>("response");
                let error = response.and_then(|response| response.lenient::<Object<'_>>("error"));
                told.push(self::error(error.as_ref()));
            }
            "error" => {
                self.is_done = true;
                let inner = message.lenient::<Object<'_>>("error");
                told.push(self::error(inner.as_ref().or(Some(&message))));
            }
            _ => {}
        }
        Ok(told)
    }

    /// What the end of the bytes says: nothing, since a stream that is over has said so.
    pub fn end(&mut self) -> Vec<Event> {
        Vec::new()
    }

    fn start(&mut self, message: &Object<'_>, told: &mut Vec<Event>) -> Result<()> {
        if std::mem::replace(&mut self.has_started, true) {
            return Ok(());
        }
        let response = message.need_object("response", &Path::Answer)?;
        told.push(Event::Start {
            id: response.lenient("id").unwrap_or_default(),
            model: response.lenient("model").unwrap_or_default(),
        });
        Ok(())
    }

    fn begin(&mut self, place: (u64, u64), kind: BlockKind, told: &mut Vec<Event>) {
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
        told.push(Event::Begin { block, kind });
    }

    fn item_added(&mut self, message: &Object<'_>, told: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        let index: u64 = message.lenient("output_index").unwrap_or_default();
        let item = message.need_object("item", &at)?;
        let at = at.key("item");
        match item.need::<String>("type", &at)?.as_str() {
            "reasoning" => self.begin((index, 0), BlockKind::Reasoning { sealed: None }, told),
            "function_call" | "custom_tool_call" => {
                self.begin_call(index, &item, &at, told)?;
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
        told: &mut Vec<Event>,
    ) -> Result<()> {
        let kind: String = item.need("type", at)?;
        let Some(kind) = call::kind_of(&kind) else {
            return Ok(());
        };
        self.has_called = true;
        let is_custom = matches!(kind, ToolKind::Custom { .. });
        let (name, client) = call::names(kind, item, at)?;
        let begun = BlockKind::ToolCall {
            id: item.need("call_id", at)?,
            name,
            signature: signature(item),
            client,
        };
        self.begin((index, 0), begun, told);
        if let Some(open) = self.open.last_mut().filter(|_| is_custom) {
            open.kind = Kind::Custom;
            let block = open.block;
            let delta = Delta::Arguments(free_text::HEAD.to_owned());
            told.push(Event::Delta { block, delta });
        }
        Ok(())
    }

    fn part_added(&mut self, message: &Object<'_>, told: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        let item: u64 = message.lenient("output_index").unwrap_or_default();
        let index: u64 = message.lenient("content_index").unwrap_or_default();
        let part = message.need_object("part", &at)?;
        match part.need::<String>("type", &at.key("part"))?.as_str() {
            "output_text" => self.begin((item, index), BlockKind::Text, told),
            "refusal" => self.begin((item, index), BlockKind::Refusal, told),
            _ => {}
        }
        Ok(())
    }

    fn open_item(&mut self, message: &Object<'_>, kind: Kind) -> Option<&mut Open> {
        let item: u64 = message.lenient("output_index").unwrap_or_default();
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
        told: &mut Vec<Event>,
    ) -> Result<()> {
        let text: String = message.need("delta", &Path::Answer)?;
        self.say(message, kind, delta(text), told);
        Ok(())
    }

    /// What a block comes to, where nobody said it before.
    fn done(&mut self, message: &Object<'_>, kind: Kind, name: &str, told: &mut Vec<Event>) {
        let item: u64 = message.lenient("output_index").unwrap_or_default();
        let is_missing = match self.open_item(message, kind) {
            Some(open) => open.is_empty,
            None => self.latest.is_none_or(|latest| latest < item),
        };
        if let Some(text) = message.lenient(name).filter(|_| is_missing) {
            self.say(message, kind, Delta::Text(text), told);
        }
    }

    fn say(&mut self, message: &Object<'_>, kind: Kind, delta: Delta, told: &mut Vec<Event>) {
        let (Delta::Text(text) | Delta::Arguments(text) | Delta::Signature(text)) = &delta;
        if text.is_empty() {
            return;
        }
        // Servers that are only like OpenAI do not always say that something begins.
        if !matches!(kind, Kind::Call | Kind::Custom) && self.open_item(message, kind).is_none() {
            let place = |name| message.lenient(name).unwrap_or_default();
            let begun = match kind {
                Kind::Thought => BlockKind::Reasoning { sealed: None },
                _ if is_refusal(message) => BlockKind::Refusal,
                _ => BlockKind::Text,
            };
            self.begin((place("output_index"), place("content_index")), begun, told);
        }
        if let Some(open) = self.open_item(message, kind) {
            open.is_empty = false;
            let block = open.block;
            told.push(Event::Delta { block, delta });
        }
    }

    fn item_done(&mut self, message: &Object<'_>, told: &mut Vec<Event>) -> Result<()> {
        let at = Path::Answer;
        let index: u64 = message.lenient("output_index").unwrap_or_default();
        let item = message.need_object("item", &at)?;
        if item.lenient::<String>("type").as_deref() == Some("image_generation_call") {
            let picture = item::picture(&item, &at.key("item"))?;
            told.extend(picture.map(Event::Picture));
            return Ok(());
        }
        let at = at.key("item");
        let kind: Option<String> = item.lenient("type");
        let is_open = self.open.iter().any(|open| open.item == index);
        if let Some(call) = match kind.as_deref() {
            // They have no events of their own.
            Some(kind) if !is_open && !matches!(kind, "function_call" | "custom_tool_call") => {
                call::read(kind, &item, &at)?
            }
            _ => None,
        } {
            self.has_called = true;
            let kind = BlockKind::ToolCall {
                id: call.id,
                name: call.name,
                signature: call.signature,
                client: call.client,
            };
            let block = self.begun;
            self.begin((index, 0), kind, told);
            let delta = Delta::Arguments(call.arguments);
            told.push(Event::Delta { block, delta });
        }
        let mut open = self.open.iter_mut();
        if let Some(open) = open.find(|open| open.item == index) {
            let missing = match open.kind {
                Kind::Custom => {
                    let whole = item.lenient::<String>("input").filter(|_| open.is_empty);
                    let quoted = whole.as_deref().map(free_text::quoted).unwrap_or_default();
                    Some(Delta::Arguments(quoted + free_text::TAIL))
                }
                Kind::Call if open.is_empty => item.lenient("arguments").map(Delta::Arguments),
                // The seal is known at the end alone.
                Kind::Thought => item
                    .lenient::<String>("encrypted_content")
                    .map(|sealed| match sealed.strip_prefix(SIGNATURE) {
                        Some(signature) => signature.to_owned(),
                        None => sealed,
                    })
                    .map(Delta::Signature),
                _ => None,
            };
            told.extend(missing.map(|delta| Event::Delta {
                block: open.block,
                delta,
            }));
        }
        self.end_where(|open| open.item == index, told);
        Ok(())
    }

    fn end_where(&mut self, which: impl Fn(&Open) -> bool, told: &mut Vec<Event>) {
        self.open.retain(|open| {
            let ends = which(open);
            if ends {
                told.push(Event::End { block: open.block });
            }
            !ends
        });
    }

    fn over(&mut self, message: &Object<'_>, told: &mut Vec<Event>) -> Result<()> {
        self.end_where(|_| true, told);
        let response = message.need_object("response", &Path::Answer)?;
        told.extend(usage::read(&response).map(Event::Usage));
        told.push(Event::Finish(reply::finish(&response, self.has_called)?));
        told.push(Event::Done);
        self.is_done = true;
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
