//! Workarounds for features that some providers lack: forced calls, and schemas together with
//! tools.
//!
//! | requested | provider | sent as |
//! |---|---|---|
//! | a forced call of one tool | Ollama | the tool's schema; the text is the arguments |
//! | a forced call of any tool | Ollama | a schema of `name` and `arguments` |
//! | a schema with tools | Gemini before 3 | a forced tool with it; its call is the text |
//! | any JSON object | Anthropic; Gemini before 3 with tools | an instruction |

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Destination;
use crate::translate::{
    Answered, BlockKind, Delta, Event, Finish, Format, Json, Output, Part, ProviderProtocol,
    Request, Text, Tool, ToolCall, ToolChoice, Turn, gemini,
};

/// Asks for JSON if nothing else does.
const JSON_INSTRUCTION: &str =
    "Answer with one valid JSON object and nothing else: no prose around it, no code fence.";

/// The name of the tool whose arguments are the answer.
const ANSWER: &str = "structured_answer";

/// The longest call that is held back until it is complete.
const MAX_HELD_BYTES: usize = 4 << 20;

/// How the provider's answer has to be converted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Answer {
    /// Unchanged.
    #[default]
    Plain,
    /// The text is the arguments of a call of this tool.
    TextIsCall(String),
    /// The text is an object with a tool's `name` and its `arguments`.
    TextNamesCall,
    /// A call of this tool is the text.
    CallIsText(String),
}

/// Rewrites `request` where its provider needs a workaround.
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

/// Adds `text` to the instructions at the start.
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

/// Turns a forced call into a schema of the answer.
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

/// Without its tools a model does not know their purpose.
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

/// Turns a schema together with tools into another tool.
fn beside_tools(request: &mut Request) -> Answer {
    if request.tools.is_empty() {
        return Answer::Plain;
    }
    match (&request.format, &request.tool_choice) {
        (None | Some(Format::Text), _) => return Answer::Plain,
        // Nothing may be called: earlier calls are in the messages.
        (_, Some(ToolChoice::None)) => {
            request.tools.clear();
            request.tool_choice = None;
            request.parallel_tool_calls = None;
            return Answer::Plain;
        }
        // Only a call is asked for.
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

/// The call in a text with a name and arguments.
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
    /// Converts a whole answer.
    pub(super) fn answered(&self, answered: &mut Answered) {
        match self {
            Self::Plain => return,
            Self::TextIsCall(_) | Self::TextNamesCall => {
                let texts = answered.output.iter().filter_map(|output| match output {
                    Output::Text(text) => Some(text.as_str()),
                    _ => None,
                });
                let text = texts.collect::<String>();
                let called = match self {
                    _ if text.trim().is_empty() => None,
                    Self::TextIsCall(name) => Some(call(name, text)),
                    _ => named_call(&text),
                };
                if let Some(called) = called {
                    answered
                        .output
                        .retain(|output| !matches!(output, Output::Text(_)));
                    answered.output.push(Output::ToolCall(called));
                }
            }
            Self::CallIsText(answer) => {
                for output in &mut answered.output {
                    if let Output::ToolCall(call) = output
                        && call.name == *answer
                    {
                        *output = Output::Text(std::mem::take(&mut call.arguments));
                    }
                }
            }
        }
        let has_called = answered
            .output
            .iter()
            .any(|output| matches!(output, Output::ToolCall(_)));
        finish(&mut answered.finish, has_called);
    }
}

/// The finish reason for the converted answer.
fn finish(finish: &mut Finish, has_called: bool) {
    match (&finish, has_called) {
        (Finish::Stop, true) => *finish = Finish::ToolCalls,
        (Finish::ToolCalls, false) => *finish = Finish::Stop,
        _ => {}
    }
}

/// Converts a stream according to an [`Answer`].
#[derive(Debug)]
pub(super) struct Answering {
    answer: Answer,
    /// The numbers of the converted blocks.
    turned: Vec<usize>,
    /// The text of a block that is converted when it is complete.
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

    /// Converts `events` for the client.
    pub(super) fn push(&mut self, events: Vec<Event>) -> Vec<Event> {
        if self.answer == Answer::Plain {
            return events;
        }
        let mut out = Vec::with_capacity(events.len());
        for event in events {
            self.event(event, &mut out);
        }
        out
    }

    fn event(&mut self, event: Event, out: &mut Vec<Event>) {
        match event {
            Event::Begin { block, kind } => {
                out.extend(
                    self.begin(block, kind)
                        .map(|kind| Event::Begin { block, kind }),
                );
            }
            Event::Delta { block, delta } => {
                out.extend(
                    self.delta(block, delta)
                        .map(|delta| Event::Delta { block, delta }),
                );
            }
            Event::End { block } => {
                if self.answer == Answer::TextNamesCall && self.turned.contains(&block) {
                    self.emit_held(block, out);
                }
                out.push(Event::End { block });
            }
            Event::Finish(mut reason) => {
                finish(&mut reason, self.has_called);
                out.push(Event::Finish(reason));
            }
            event => out.push(event),
        }
    }

    /// The block to begin instead; `None` while that is undecided.
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
                // Anything longer is not the expected call.
                if self.held.len() + text.len() <= MAX_HELD_BYTES {
                    self.held.push_str(&text);
                }
                None
            }
            (Answer::CallIsText(_), Delta::Arguments(json)) => Some(Delta::Text(json)),
            (_, delta) => Some(delta),
        }
    }

    fn emit_held(&mut self, block: usize, out: &mut Vec<Event>) {
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
            // It was cut off: the client gets what there is.
            None => (BlockKind::Text, Delta::Text(held)),
        };
        out.extend([Event::Begin { block, kind }, Event::Delta { block, delta }]);
    }
}
