//! Where the texts of requests, answers and events stand, in the protocols that clients speak.

use serde_json::{Map, Value};

use crate::translate::ClientProtocol;

/// Members that hold text of a message, wherever they are.
const TEXTS: [&str; 9] = [
    "content",
    "input",
    "instructions",
    "output",
    "reasoning",
    "reasoning_content",
    "refusal",
    "system",
    "text",
];

/// Members that hold no such text, whatever is in them: settings, tools, media, and the arguments
/// of calls.
const OTHERS: [&str; 11] = [
    "arguments",
    "functions",
    "image_url",
    "input_audio",
    "metadata",
    "response_format",
    "source",
    "tool_choice",
    "tools",
    "file_data",
    "signature",
];

/// Calls `edit` with each text of a request or of an answer, in order.
pub(crate) fn whole(value: &mut Value, edit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| whole(item, edit)),
        Value::Object(members) => {
            // The input of a call is an object, and not said.
            let is_call = members.get("type").is_some_and(|kind| kind == "tool_use");
            for (name, member) in members {
                match member {
                    Value::String(text) if TEXTS.contains(&&**name) || name == "thinking" => {
                        edit(text);
                    }
                    Value::Array(_) | Value::Object(_)
                        if !(OTHERS.contains(&&**name) || is_call && name == "input") =>
                    {
                        whole(member, edit);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Which of the texts of a stream a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The choice, block or item.
    pub(crate) index: u64,
    /// The part of it.
    part: u64,
    /// What is said there.
    name: &'static str,
}

/// Gets a piece of the text at a slot, and whether it is the last one.
type Edit<'a> = &'a mut dyn FnMut(Slot, bool, &mut String);

/// What a stream's event has to do with its texts.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// Those that it adds to.
    pub(crate) slots: Vec<Slot>,
    /// The choices that it is about, where others go on beside them; `None` where it is about all.
    pub(crate) choices: Option<Vec<u64>>,
}

impl Pieces {
    /// Whether a text at `slot` has ended when this event comes.
    pub(crate) fn end(&self, slot: Slot) -> bool {
        let is_about = match &self.choices {
            None => true,
            Some(choices) => choices.contains(&slot.index),
        };
        is_about && !self.slots.contains(&slot)
    }
}

/// The pieces of text that `event` adds; `edit` gets each of them.
pub(crate) fn pieces(protocol: ClientProtocol, event: &mut Value, edit: Edit<'_>) -> Pieces {
    match protocol {
        ClientProtocol::Chat => of_chunk(event, edit),
        ClientProtocol::Messages => of_message(event, edit),
        ClientProtocol::Responses => of_response(event, edit),
    }
}

fn of_chunk(event: &mut Value, edit: Edit<'_>) -> Pieces {
    const SAID: [&str; 4] = ["content", "reasoning_content", "reasoning", "refusal"];
    let mut pieces = Pieces {
        choices: Some(Vec::new()),
        ..Pieces::default()
    };
    let choices = event.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let index = number(choice, "index");
        let is_last = choice["finish_reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty());
        pieces.choices.get_or_insert_default().push(index);
        let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) else {
            continue;
        };
        for name in SAID {
            let slot = Slot {
                index,
                part: 0,
                name,
            };
            piece(delta, name, (slot, is_last), &mut pieces, edit);
        }
    }
    pieces
}

fn of_message(event: &mut Value, edit: Edit<'_>) -> Pieces {
    let mut pieces = Pieces::default();
    match event["type"].as_str() {
        Some("content_block_delta") => {
            let index = number(event, "index");
            if let Some(delta) = event["delta"].as_object_mut() {
                for name in ["text", "thinking"] {
                    let slot = Slot {
                        index,
                        part: 0,
                        name,
                    };
                    piece(delta, name, (slot, false), &mut pieces, edit);
                }
            }
        }
        Some("ping") => pieces.choices = Some(Vec::new()),
        _ => {}
    }
    pieces
}

fn of_response(event: &mut Value, edit: Edit<'_>) -> Pieces {
    const SAID: [&str; 4] = [
        "response.output_text.delta",
        "response.refusal.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
    ];
    let mut pieces = Pieces::default();
    let kind = event["type"].as_str();
    let Some(name) = SAID.into_iter().find(|said| kind == Some(said)) else {
        return pieces;
    };
    let slot = Slot {
        index: number(event, "output_index"),
        part: number(event, "content_index").max(number(event, "summary_index")),
        name,
    };
    if let Some(members) = event.as_object_mut() {
        piece(members, "delta", (slot, false), &mut pieces, edit);
    }
    pieces
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}

fn piece(
    members: &mut Map<String, Value>,
    name: &str,
    (slot, is_last): (Slot, bool),
    pieces: &mut Pieces,
    edit: Edit<'_>,
) {
    if let Some(Value::String(text)) = members.get_mut(name) {
        pieces.slots.push(slot);
        edit(slot, is_last, text);
    }
}
