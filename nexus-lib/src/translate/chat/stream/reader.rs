use http::StatusCode;

use super::arguments::Arguments;
use crate::error::Result;
use crate::sse;
use crate::translate::chat::{assistant, error, image, usage};
use crate::translate::exchange::MAX_BLOCKS;
use crate::translate::extra_content::signature;
use crate::translate::fault::{is_error_object, is_failed_choice, is_fault, lacks_answer};
use crate::translate::reading::{Content, Object, Path};
use crate::translate::{BlockKind, Delta, Event, Finish, Output, ProviderProtocol};

/// Reads the chunks of a chat provider: its first choice.
///
/// Chat has no blocks. A block begins with the first fragment of its kind, and ends with the first
/// one of another kind; calls may be open in parallel.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The open block of text, refusal or reasoning.
    open: Option<Open>,
    calls: Vec<Call>,
    /// How many have begun.
    begun: usize,
    has_started: bool,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    block: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    /// With the index of its detail, if it has one.
    Thought(Option<u64>),
}

#[derive(Debug)]
struct Call {
    /// The provider's index; Gemini sends none.
    index: Option<u64>,
    id: String,
    name: String,
    block: usize,
    arguments: Arguments,
    is_open: bool,
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
        let at = Path::Answer;
        let data = event.data();
        let chunk = match Object::parse(&data, &at) {
            Ok(chunk) => chunk,
            // Gemini's errors come in a list.
            Err(_) if is_fault(ProviderProtocol::Chat, &data) => {
                out.push(error(&data));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let is_error = event.name() == Some(b"error")
            || is_error_object(&chunk)
            || lacks_answer(ProviderProtocol::Chat, &chunk);
        if is_error {
            out.push(error(&data));
            return Ok(());
        }
        let choices = chunk.list("choices", &at)?;
        let choices_at = at.key("choices");
        let first: Option<Object<'_>> = choices
            .first()
            .and_then(|json| serde_json::from_str(json.get()).ok());
        if !self.has_started && first.as_ref().is_some_and(is_failed_choice) {
            // The answer has not started: another provider may succeed.
            out.push(error(&data));
            return Ok(());
        }
        self.start(&chunk, !choices.is_empty(), out);
        for (index, choice) in choices.into_iter().enumerate() {
            let at = choices_at.index(index);
            let choice = Object::of(choice, &at)?;
            if choice.lenient::<u64>("index").unwrap_or(0) == 0 {
                self.choice(&choice, &at, out)?;
                if is_failed_choice(&choice) {
                    out.push(error(&data));
                }
            }
        }
        out.extend(usage::read(&chunk).map(Event::Usage));
        Ok(())
    }

    /// Handles the end of the bytes.
    pub(crate) fn end(&mut self) -> Vec<Event> {
        let mut out = Vec::new();
        self.end_open(&mut out);
        out
    }

    fn start(&mut self, chunk: &Object<'_>, has_choices: bool, out: &mut Vec<Event>) {
        // Azure's first chunk only has filter results; a chunk without a choice is not part of an
        // answer.
        if self.has_started || !has_choices {
            return;
        }
        self.has_started = true;
        let id: String = chunk.lenient("id").unwrap_or_default();
        let model = chunk.lenient("model").unwrap_or_default();
        out.push(Event::Start { id, model });
    }

    fn choice(&mut self, choice: &Object<'_>, at: &Path<'_>, out: &mut Vec<Event>) -> Result<()> {
        // Some servers send a whole message in place of a delta.
        for name in ["delta", "message"] {
            if let Some(delta) = choice.object(name, at)? {
                self.delta(&delta, &at.key(name), out)?;
                break;
            }
        }
        let reason: Option<String> = choice.lenient("finish_reason");
        let finish = reason.and_then(|reason| Finish::of_word(&reason));
        out.extend(finish.map(Event::Finish));
        Ok(())
    }

    fn delta(&mut self, delta: &Object<'_>, at: &Path<'_>, out: &mut Vec<Event>) -> Result<()> {
        self.thoughts(delta, out);
        match delta.content("content", at)? {
            None => {}
            Some(Content::Text(text)) => self.say(Kind::Text, text, out),
            // Mistral's parts are those of a whole message.
            Some(Content::Parts(parts)) => {
                for output in assistant::parts(parts, at)? {
                    match output {
                        Output::Reasoning(thought) => {
                            self.say(Kind::Thought(None), thought.text, out);
                        }
                        Output::Refusal(text) => self.say(Kind::Refusal, text, out),
                        Output::Text(text) => self.say(Kind::Text, text, out),
                        Output::Picture(_) | Output::ToolCall(_) => {}
                    }
                }
            }
        }
        let refusal: Option<String> = delta.lenient("refusal");
        self.say(Kind::Refusal, refusal.unwrap_or_default(), out);
        for picture in image::read(delta, at)? {
            self.end_open(out);
            out.push(Event::Picture(picture));
        }
        let calls = at.key("tool_calls");
        let calls_before = self.calls.len();
        for (index, call) in delta.list("tool_calls", at)?.into_iter().enumerate() {
            let at = calls.index(index);
            let call = Object::of(call, &at)?;
            let function = call.object("function", &at)?;
            // A call that begins in this very delta is a different one.
            let is_beside = index > 0 && self.calls.len() > calls_before;
            self.call(
                &call,
                function.as_ref(),
                is_beside,
                &at.key("function"),
                out,
            )?;
        }
        if let Some(function) = delta.object("function_call", at)? {
            self.call(
                &function,
                Some(&function),
                false,
                &at.key("function_call"),
                out,
            )?;
        }
        Ok(())
    }

    fn thoughts(&mut self, delta: &Object<'_>, out: &mut Vec<Event>) {
        let details: Vec<Object<'_>> = delta.lenient("reasoning_details").unwrap_or_default();
        let mut has_details = false;
        for detail in &details {
            let Some(thought) = assistant::detail(detail) else {
                continue;
            };
            has_details = true;
            let kind = Kind::Thought(detail.lenient("index"));
            if let Some(sealed) = thought.sealed {
                self.end_open(out);
                let sealed = Some(sealed);
                let block = self.begin(BlockKind::Reasoning { sealed }, out);
                out.push(Event::End { block });
                continue;
            }
            self.say(kind, thought.text, out);
            if let Some(signature) = thought.signature {
                let block = self.open(kind, out);
                let delta = Delta::Signature(signature);
                out.push(Event::Delta { block, delta });
            }
        }
        if !has_details {
            for thought in assistant::thoughts(delta) {
                self.say(Kind::Thought(None), thought.text, out);
            }
        }
    }

    fn say(&mut self, kind: Kind, text: String, out: &mut Vec<Event>) {
        if !text.is_empty() {
            let block = self.open(kind, out);
            let delta = Delta::Text(text);
            out.push(Event::Delta { block, delta });
        }
    }

    /// The open block of that kind; begins one if needed.
    fn open(&mut self, kind: Kind, out: &mut Vec<Event>) -> usize {
        if let Some(open) = self.open.filter(|open| open.kind == kind) {
            return open.block;
        }
        self.end_open(out);
        let begun = match kind {
            Kind::Text => BlockKind::Text,
            Kind::Refusal => BlockKind::Refusal,
            Kind::Thought(_) => BlockKind::Reasoning { sealed: None },
        };
        let block = self.begin(begun, out);
        self.open = Some(Open { block, kind });
        block
    }

    fn begin(&mut self, kind: BlockKind, out: &mut Vec<Event>) -> usize {
        let block = self.begun;
        self.begun += 1;
        out.push(Event::Begin { block, kind });
        block
    }

    fn call(
        &mut self,
        call: &Object<'_>,
        function: Option<&Object<'_>>,
        is_beside: bool,
        at: &Path<'_>,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let index: Option<u64> = call.lenient("index");
        let id: String = call.lenient("id").unwrap_or_default();
        let name: Option<String> = function.and_then(|function| function.lenient("name"));
        let name = name.filter(|name| !name.is_empty());
        let arguments = function.map(|function| assistant::arguments(function, at));
        let arguments = arguments.transpose()?.unwrap_or_default();
        let known = self.calls.iter().rposition(|known| match index {
            Some(_) => known.index == index,
            None => id.is_empty() || known.id == id,
        });
        let is_another = |at: &usize| {
            let known = &self.calls[*at];
            match (&name, id.is_empty()) {
                (None, _) => false,
                // Some number every call as the first.
                (Some(name), false) => known.id != id || known.name != *name,
                // Some send no ids. The same name again belongs to the same call as long as that
                // one is incomplete.
                (Some(name), true) => {
                    known.name != *name || is_beside || !known.is_open || known.arguments.is_whole()
                }
            }
        };
        let at = match known.filter(|at| !is_another(at)) {
            // It was complete when the next one began.
            Some(at) if !self.calls[at].is_open => return Ok(()),
            Some(at) => at,
            None if id.is_empty() && name.is_none() => return Ok(()),
            None => {
                if self.calls.len() >= MAX_BLOCKS {
                    return Err(at.invalid("exceeds the maximum number of calls"));
                }
                let signature = signature(call);
                self.begin_call(index, id, name.unwrap_or_default(), signature, out)
            }
        };
        let call = &mut self.calls[at];
        if !arguments.is_empty() {
            call.arguments.push(&arguments);
            out.push(Event::Delta {
                block: call.block,
                delta: Delta::Arguments(arguments),
            });
        }
        Ok(())
    }

    /// Begins a call, and returns its position among the calls.
    fn begin_call(
        &mut self,
        index: Option<u64>,
        id: String,
        name: String,
        signature: Option<String>,
        out: &mut Vec<Event>,
    ) -> usize {
        self.end_open(out);
        self.end_whole_calls(out);
        let kind = BlockKind::ToolCall {
            id: id.clone(),
            name: name.clone(),
            signature,
            client: None,
        };
        let block = self.begin(kind, out);
        self.calls.push(Call {
            index,
            id,
            name,
            block,
            arguments: Arguments::default(),
            is_open: true,
        });
        self.calls.len() - 1
    }

    fn end_open(&mut self, out: &mut Vec<Event>) {
        if let Some(open) = self.open.take() {
            out.push(Event::End { block: open.block });
        }
    }

    /// Ends calls to which nothing can be added, since another one begins.
    fn end_whole_calls(&mut self, out: &mut Vec<Event>) {
        for call in self.calls.iter_mut().filter(|call| call.is_open) {
            if call.arguments.is_whole() {
                call.is_open = false;
                out.push(Event::End { block: call.block });
            }
        }
    }
}

fn error(data: &[u8]) -> Event {
    let (message, kind, code) = error::read(StatusCode::OK, data);
    Event::Error {
        message,
        kind,
        code,
    }
}
