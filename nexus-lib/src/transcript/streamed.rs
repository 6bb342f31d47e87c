use std::fmt;

use super::{AssistantMessage, ToolCall};
use crate::sse;
use crate::wire::Prefix;
use crate::wire::json::{Cursor, SyntaxError, decode};
use crate::wire::prefix::MessagePrint;

/// How much text of one answer is kept, in bytes: about four million tokens.
const MAX_BYTES: usize = 16 << 20;

/// A text longer than this grows eightfold at a time. Unwritten capacity takes no memory, but each
/// smaller buffer that the text has outgrown does, for a while: with many long answers at once,
/// more than the texts themselves.
const LONG_BYTES: usize = 16 << 10;

/// The maximum number of choices, and of tool calls in one choice, that are kept apart.
const MAX_PARTS: usize = 1024;

/// The text of a streamed answer.
///
/// It is kept as written in the JSON of its events, including escapes: concatenated fragments are
/// the JSON of the whole string, even if a character was split.
#[derive(Clone, Default)]
pub struct Transcript {
    /// By index.
    choices: Vec<Choice>,
    room: Room,
}

/// How much may still be kept.
#[derive(Clone)]
struct Room {
    left: usize,
    omitted: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            left: MAX_BYTES,
            omitted: 0,
        }
    }
}

impl Room {
    fn add(&mut self, text: &mut Vec<u8>, raw: &[u8]) {
        if raw.len() > self.left {
            // Nothing after a gap: joining text across it would change its meaning.
            self.left = 0;
            self.omitted += u64::try_from(raw.len()).unwrap_or(u64::MAX);
            return;
        }
        self.left -= raw.len();
        if text.len() > LONG_BYTES && text.capacity() - text.len() < raw.len() {
            text.reserve_exact(raw.len().max(7 * text.len()));
        }
        text.extend_from_slice(raw);
    }
}

#[derive(Clone, Default)]
struct Choice {
    index: u64,
    content: Vec<u8>,
    reasoning: Vec<u8>,
    refusal: Vec<u8>,
    calls: Vec<Call>,
}

#[derive(Clone, Default)]
struct Call {
    /// `None` if the server leaves it out, as Gemini's does.
    index: Option<u64>,
    id: Vec<u8>,
    name: Vec<u8>,
    arguments: Vec<u8>,
}

impl Transcript {
    /// Adds the content of `events`, one or more whole events. Anything that is not a chunk of a
    /// completion is ignored.
    pub fn push(&mut self, events: &[u8]) {
        for event in sse::events(events) {
            let data = event.data();
            // Read up to the first malformed part.
            let _ = self.read_chunk(&data);
        }
    }

    /// The content: a message for each choice, in order.
    pub fn messages(&self) -> Vec<AssistantMessage> {
        self.choices.iter().map(Choice::message).collect()
    }

    /// How many bytes of text were not kept because of the limit.
    pub fn omitted_bytes(&self) -> u64 {
        self.room.omitted
    }

    /// An upper bound of the bytes it holds.
    pub(super) fn held_bytes(&self) -> u64 {
        u64::try_from(MAX_BYTES - self.room.left).unwrap_or(u64::MAX)
    }

    pub(super) fn replies(&self, messages: Prefix, found: impl FnMut(Prefix)) {
        if self.room.omitted > 0 {
            return;
        }
        let prints = self.choices.iter().map(Choice::print);
        prints.map(|print| messages.then(print)).for_each(found);
    }

    fn read_chunk(&mut self, json: &[u8]) -> Result<(), SyntaxError> {
        let mut cursor = Cursor::new(json);
        if cursor.peek() != Some(b'{') {
            return Ok(());
        }
        cursor.object(|key, cursor| {
            if *key != *b"choices" || cursor.peek() != Some(b'[') {
                return cursor.skip().map(drop);
            }
            let mut place = 0;
            cursor.array(|cursor| {
                place += 1;
                self.read_choice(place - 1, json, cursor)
            })
        })
    }

    /// Reads a choice at position `place` of its chunk: this is its index, unless it names another.
    fn read_choice<'a>(
        &mut self,
        place: u64,
        json: &'a [u8],
        cursor: &mut Cursor<'a>,
    ) -> Result<(), SyntaxError> {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        let (mut index, mut delta) = (place, None);
        cursor.object(|key, cursor| {
            match (&*key, cursor.peek()) {
                (b"index", _) => index = count(cursor)?.unwrap_or(index),
                (b"delta", Some(b'{')) => delta = json.get(cursor.skip()?),
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })?;
        match delta {
            Some(delta) => self.read_delta(index, delta),
            None => Ok(()),
        }
    }

    fn read_delta(&mut self, index: u64, json: &[u8]) -> Result<(), SyntaxError> {
        let Self { choices, room } = self;
        let Some(choice) = choice(choices, index) else {
            return Ok(());
        };
        Cursor::new(json).object(|key, cursor| {
            let text = match (&*key, cursor.peek()) {
                (b"content", _) => &mut choice.content,
                (b"reasoning_content" | b"reasoning", _) => &mut choice.reasoning,
                (b"refusal", _) => &mut choice.refusal,
                (b"tool_calls", Some(b'[')) => {
                    return cursor.array(|cursor| choice.read_call(room, json, cursor));
                }
                // The format that preceded tool calls.
                (b"function_call", Some(b'{')) => {
                    return match choice.call(None, false) {
                        Some(call) => call.read_function(room, cursor),
                        None => cursor.skip().map(drop),
                    };
                }
                _ => return cursor.skip().map(drop),
            };
            room.add(text, cursor.raw_string()?.0);
            Ok(())
        })
    }
}

/// The choice with this index, which may be new; `None` when there are too many.
fn choice(choices: &mut Vec<Choice>, index: u64) -> Option<&mut Choice> {
    let at = choices.partition_point(|choice| choice.index < index);
    if choices.get(at).is_none_or(|choice| choice.index != index) {
        if choices.len() >= MAX_PARTS {
            return None;
        }
        let new = Choice {
            index,
            ..Choice::default()
        };
        choices.insert(at, new);
    }
    choices.get_mut(at)
}

impl Choice {
    fn message(&self) -> AssistantMessage {
        let text = |raw: &[u8]| (!raw.is_empty()).then(|| text(raw));
        AssistantMessage {
            content: text(&self.content),
            reasoning_content: text(&self.reasoning),
            refusal: text(&self.refusal),
            tool_calls: self.calls.iter().map(Call::tool_call).collect(),
        }
    }

    fn print(&self) -> MessagePrint {
        let mut print = MessagePrint::of_assistant();
        print.add_content(&self.content);
        print.add_refusal(&self.refusal);
        for (index, call) in (0..).zip(&self.calls) {
            print.add_tool_call(index, &call.id, &call.name, &call.arguments);
        }
        print
    }

    /// The call that fragments with this index belong to; without an index the last one, unless the
    /// fragment `begins` a call.
    fn call(&mut self, index: Option<u64>, begins: bool) -> Option<&mut Call> {
        let known = match index {
            Some(_) => self.calls.iter().position(|call| call.index == index),
            None if begins => None,
            None => self.calls.len().checked_sub(1),
        };
        let at = known.unwrap_or(self.calls.len());
        if known.is_none() {
            if at >= MAX_PARTS {
                return None;
            }
            self.calls.push(Call {
                index,
                ..Call::default()
            });
        }
        self.calls.get_mut(at)
    }

    fn read_call<'a>(
        &mut self,
        room: &mut Room,
        json: &'a [u8],
        cursor: &mut Cursor<'a>,
    ) -> Result<(), SyntaxError> {
        if cursor.peek() != Some(b'{') {
            return cursor.skip().map(drop);
        }
        let (mut index, mut id, mut function) = (None, &b""[..], None);
        cursor.object(|key, cursor| {
            match (&*key, cursor.peek()) {
                (b"index", _) => index = count(cursor)?,
                (b"id", _) => id = cursor.raw_string()?.0,
                (b"function" | b"custom", Some(b'{')) => function = json.get(cursor.skip()?),
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })?;
        let Some(call) = self.call(index, !id.is_empty()) else {
            return Ok(());
        };
        // Some servers repeat it in each fragment.
        if call.id.is_empty() {
            room.add(&mut call.id, id);
        }
        match function {
            Some(function) => call.read_function(room, &mut Cursor::new(function)),
            None => Ok(()),
        }
    }
}

impl Call {
    fn tool_call(&self) -> ToolCall {
        ToolCall {
            id: text(&self.id),
            name: text(&self.name),
            arguments: text(&self.arguments),
        }
    }

    fn read_function(
        &mut self,
        room: &mut Room,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), SyntaxError> {
        cursor.object(|key, cursor| {
            match &*key {
                b"name" => {
                    let name = cursor.raw_string()?.0;
                    if self.name != name {
                        room.add(&mut self.name, name);
                    }
                }
                b"arguments" | b"input" => room.add(&mut self.arguments, cursor.raw_string()?.0),
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })
    }
}

fn text(raw: &[u8]) -> String {
    match decode(raw) {
        Some(text) => text.into_owned(),
        // Half of a surrogate pair, where the stream was cut.
        None => String::from_utf8_lossy(raw).into_owned(),
    }
}

/// The next value as a number; `None` for any other value.
fn count(cursor: &mut Cursor<'_>) -> Result<Option<u64>, SyntaxError> {
    let count = cursor.plain_count();
    if count.is_none() {
        cursor.skip()?;
    }
    Ok(count)
}

impl fmt::Debug for Transcript {
    /// Omits the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript")
            .field("choices", &self.choices.len())
            .field("bytes", &(MAX_BYTES - self.room.left))
            .finish_non_exhaustive()
    }
}
