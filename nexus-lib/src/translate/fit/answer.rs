//! What some providers can do only in another way: a call that is forced, and a schema beside tools.
//!
//! | asked | provider | told as |
//! |---|---|---|
//! | one tool must be called | Ollama, which cannot be told so | its schema is the answer's; the answer's text is the arguments |
//! | one of several | Ollama | a schema of `name` and `arguments` |
//! | a schema, beside tools | Gemini before 3, which refuses both | a tool of that schema; one of all must be called, and a call of this one is the text |
//! | some JSON object | Anthropic, which has no such mode; Gemini before 3 beside tools | an instruction |

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Destination;
use crate::translate::{
    Answered, BlockKind, Delta, Event, Finish, Format, Json, Part, ProviderProtocol, Request, Said,
    Text, Tool, ToolCall, ToolChoice, Turn, gemini,
};

/// Asks for JSON where nothing else does.
const JSON_INSTRUCTION: &str =
    "Answer with one valid JSON object and nothing else: no prose around it, no code fence.";

/// What the tool is called whose arguments are the answer.
const ANSWER: &str = "structured_answer";

/// The longest call that is held until it is whole.
const MAX_HELD_BYTES: usize = 4 << 20;

/// How the provider's answer has to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Answer {
    /// As it is.
    #[default]
    Plain,
    /// The text is the arguments of a call of this tool.
    TextIsCall(String),
    /// The text is an object of a tool's `name` and its `arguments`.
    TextNamesCall,
    /// A call of this tool is the text.
    CallIsText(String),
}

/// Writes into `request` what its provider can do only in another way.
pub(super) fn arrange(request: &mut Request, to: Destination<'_>) -> Answer {
    match to.protocol {
        ProviderProtocol::Ollama => forced(request),
        ProviderProtocol::Gemini if gemini::is_before_3(to.model) => beside_tools(request),
        ProviderProtocol::Messages if request.format == Some(Format::Json) => {
            request.format = None;
            instruct(request, JSON_INSTRUCTION.to_owned());
            Answer::Plain
        }
        _ => Answer::Plain,
    }
}

/// Adds `text` to the instructions that stand first.
fn instruct(request: &mut Request, text: String) {
    let text = Part::Text(Text { text, cache: None });
    let turns = &mut request.turns;
    let behind = turns
        .iter()
        .position(|turn| !matches!(turn, Turn::System(_)));
    turns.insert(behind.unwrap_or(turns.len()), Turn::System(vec![text]));
}

fn no_arguments() -> Value {
    json!({"type": "object", "properties": {}})
}

fn schema(tool: &Tool) -> Value {
    let given = tool
        .parameters
        .as_ref()
        .filter(|json| !json.is_empty_object());
    let given = given.and_then(|json| serde_json::from_str(json.get()).ok());
    given.unwrap_or_else(no_arguments)
}

fn json(value: &Value) -> Option<Json> {
    Json::parse(value.to_string())
}

/// A call that is demanded, as a schema of the answer.
fn forced(request: &mut Request) -> Answer {
    let (shape, answer) = match (&request.tool_choice, &*request.tools) {
        (Some(ToolChoice::Named(name)), tools) => {
            let Some(tool) = tools.iter().find(|tool| tool.name == *name) else {
                return Answer::Plain;
            };
            (schema(tool), Answer::TextIsCall(name.clone()))
        }
        (Some(ToolChoice::Required), [tool]) => {
            (schema(tool), Answer::TextIsCall(tool.name.clone()))
        }
        (Some(ToolChoice::Required), [_, _, ..]) => {
            let each = request.tools.iter().map(|tool| {
                json!({
                    "type": "object",
                    "properties": {"name": {"const": tool.name}, "arguments": schema(tool)},
                    "required": ["name", "arguments"],
                })
            });
            (
                json!({"anyOf": each.collect::<Vec<_>>()}),
                Answer::TextNamesCall,
            )
        }
        _ => return Answer::Plain,
    };
    let Some(shape) = json(&shape) else {
        return Answer::Plain;
    };
    describe(request, &answer);
    request.format = Some(Format::Schema {
        name: ANSWER.to_owned(),
        description: None,
        schema: shape,
        strict: None,
    });
    request.tools.clear();
    request.tool_choice = None;
    request.parallel_tool_calls = None;
    answer
}

/// Without its tools a model does not know what they are for.
fn describe(request: &mut Request, answer: &Answer) {
    let is_meant = |tool: &&Tool| match answer {
        Answer::TextIsCall(name) => tool.name == *name,
        _ => true,
    };
    let tools = request.tools.iter().filter(is_meant);
    let lines = tools.map(|tool| match &tool.description {
        Some(description) => format!("- {}: {description}", tool.name),
        None => format!("- {}", tool.name),
    });
    let lines: Vec<String> = lines.collect();
    let what = match answer {
        Answer::TextIsCall(_) => "Answer with the arguments, as JSON, of a call of this tool:",
        _ => "Answer with the name and the arguments, as JSON, of a call of one of these tools:",
    };
    let text = format!("{what}\n{}", lines.join("\n"));
    instruct(request, text);
}

/// A schema beside tools, as one more tool.
fn beside_tools(request: &mut Request) -> Answer {
    if request.tools.is_empty() {
        return Answer::Plain;
    }
    match (&request.format, &request.tool_choice) {
        (None | Some(Format::Text), _) => return Answer::Plain,
        // Nothing may be called: what was called before stands in the messages.
        (_, Some(ToolChoice::None)) => {
            request.tools.clear();
            request.tool_choice = None;
            request.parallel_tool_calls = None;
            return Answer::Plain;
        }
        // What is asked for now is a call.
        (_, Some(ToolChoice::Required | ToolChoice::Named(_))) => {
            request.format = None;
            return Answer::Plain;
        }
        (_, None | Some(ToolChoice::Auto)) => {}
    }
    let Some(Format::Schema {
        description,
        schema,
        ..
    }) = request.format.take()
    else {
        instruct(request, JSON_INSTRUCTION.to_owned());
        return Answer::Plain;
    };
    let mut name = ANSWER.to_owned();
    while request.tools.iter().any(|tool| tool.name == name) {
        name.push('_');
    }
    let about = "Gives the final answer. Call it alone, when no other tool is needed any more.";
    request.tools.push(Tool {
        name: name.clone(),
        description: Some(match description {
            Some(description) => format!("{about} {description}"),
            None => about.to_owned(),
        }),
        parameters: Some(schema),
        ..Tool::default()
    });
    request.tool_choice = Some(ToolChoice::Required);
    Answer::CallIsText(name)
}

fn new_id() -> String {
    format!("call_{}", uuid::Uuid::new_v4().simple())
}

/// The call that a text of a name and arguments is.
fn named_call(text: &str) -> Option<ToolCall> {
    #[derive(serde::Deserialize)]
    struct Named<'a> {
        name: String,
        #[serde(borrow)]
        arguments: Option<&'a RawValue>,
    }
    let named: Named<'_> = serde_json::from_str(text).ok()?;
    let arguments = named.arguments.map_or("{}", RawValue::get);
    Some(ToolCall {
        id: new_id(),
        name: named.name,
        arguments: arguments.to_owned(),
        ..ToolCall::default()
    })
}

fn call(name: &str, arguments: String) -> ToolCall {
    ToolCall {
        id: new_id(),
        name: name.to_owned(),
        arguments,
        ..ToolCall::default()
    }
}

impl Answer {
    /// A whole answer, read so.
    pub(super) fn answered(&self, answered: &mut Answered) {
        match self {
            Self::Plain => return,
            Self::TextIsCall(_) | Self::TextNamesCall => {
                let texts = answered.said.iter().filter_map(|said| match said {
                    Said::Text(text) => Some(text.as_str()),
                    _ => None,
                });
                let text = texts.collect::<String>();
                let called = match self {
                    _ if text.trim().is_empty() => None,
                    Self::TextIsCall(name) => Some(call(name, text)),
                    _ => named_call(&text),
                };
                if let Some(called) = called {
                    answered.said.retain(|said| !matches!(said, Said::Text(_)));
                    answered.said.push(Said::ToolCall(called));
                }
            }
            Self::CallIsText(answer) => {
                for said in &mut answered.said {
                    if let Said::ToolCall(call) = said
                        && call.name == *answer
                    {
                        *said = Said::Text(std::mem::take(&mut call.arguments));
                    }
                }
            }
        }
        let has_called = answered
            .said
            .iter()
            .any(|said| matches!(said, Said::ToolCall(_)));
        finish(&mut answered.finish, has_called);
    }
}

/// The reason that goes with what was made of an answer.
fn finish(finish: &mut Finish, has_called: bool) {
    match (&finish, has_called) {
        (Finish::Stop, true) => *finish = Finish::ToolCalls,
        (Finish::ToolCalls, false) => *finish = Finish::Stop,
        _ => {}
    }
}

/// Reads a stream in the way of an [`Answer`].
#[derive(Debug)]
pub(super) struct Answering {
    answer: Answer,
    /// The blocks that are turned, by number.
    turned: Vec<usize>,
    /// The text of a block that is read when it is whole.
    held: String,
    has_called: bool,
}

impl Answering {
    pub(super) fn new(answer: Answer) -> Self {
        Self {
            answer,
            turned: Vec::new(),
            held: String::new(),
            has_called: false,
        }
    }

    /// What `events` are to the client.
    pub(super) fn push(&mut self, events: Vec<Event>) -> Vec<Event> {
        if self.answer == Answer::Plain {
            return events;
        }
        let mut told = Vec::with_capacity(events.len());
        for event in events {
            self.event(event, &mut told);
        }
        told
    }

    fn event(&mut self, event: Event, told: &mut Vec<Event>) {
        match event {
            Event::Begin { block, kind } => {
                told.extend(
                    self.begin(block, kind)
                        .map(|kind| Event::Begin { block, kind }),
                );
            }
            Event::Delta { block, delta } => {
                told.extend(
                    self.delta(block, delta)
                        .map(|delta| Event::Delta { block, delta }),
                );
            }
            Event::End { block } => {
                if self.answer == Answer::TextNamesCall && self.turned.contains(&block) {
                    self.tell_held(block, told);
                }
                told.push(Event::End { block });
            }
            Event::Finish(mut reason) => {
                finish(&mut reason, self.has_called);
                told.push(Event::Finish(reason));
            }
            event => told.push(event),
        }
    }

    /// What begins instead; `None` while that is not known.
    fn begin(&mut self, block: usize, kind: BlockKind) -> Option<BlockKind> {
        match (&self.answer, kind) {
            // Only the first text is the call.
            (Answer::TextIsCall(name), BlockKind::Text) if self.turned.is_empty() => {
                self.turned.push(block);
                self.has_called = true;
                Some(BlockKind::ToolCall {
                    id: new_id(),
                    name: name.clone(),
                    signature: None,
                    client: None,
                })
            }
            (Answer::TextNamesCall, BlockKind::Text) if self.turned.is_empty() => {
                self.turned.push(block);
                None
            }
            (Answer::CallIsText(answer), BlockKind::ToolCall { name, .. }) if name == *answer => {
                self.turned.push(block);
                Some(BlockKind::Text)
            }
            (_, kind) => {
                self.has_called |= matches!(kind, BlockKind::ToolCall { .. });
                Some(kind)
            }
        }
    }

    fn delta(&mut self, block: usize, delta: Delta) -> Option<Delta> {
        if !self.turned.contains(&block) {
            return Some(delta);
        }
        match (&self.answer, delta) {
            (Answer::TextIsCall(_), Delta::Text(text)) => Some(Delta::Arguments(text)),
            (Answer::TextNamesCall, Delta::Text(text)) => {
                // What is longer is no call that anybody waits for.
                if self.held.len() + text.len() <= MAX_HELD_BYTES {
                    self.held.push_str(&text);
                }
                None
            }
            (Answer::CallIsText(_), Delta::Arguments(json)) => Some(Delta::Text(json)),
            (_, delta) => Some(delta),
        }
    }

    fn tell_held(&mut self, block: usize, told: &mut Vec<Event>) {
        let held = std::mem::take(&mut self.held);
        let (kind, delta) = match named_call(&held) {
            Some(call) => {
                self.has_called = true;
                let kind = BlockKind::ToolCall {
                    id: call.id,
                    name: call.name,
                    signature: None,
                    client: None,
                };
                (kind, Delta::Arguments(call.arguments))
            }
            // It was cut off: the client sees what there is.
            None => (BlockKind::Text, Delta::Text(held)),
        };
        told.extend([Event::Begin { block, kind }, Event::Delta { block, delta }]);
    }
}
