use std::collections::HashMap;

use serde::Serialize;

use super::part::{self, FunctionCall, FunctionResponse, Given, Response};
use crate::error::Result;
use crate::translate::gemini::generation::Generation;
use crate::translate::gemini::signature::{self, FOREIGN};
use crate::translate::reading::Path;
use crate::translate::{Json, Losses, Output, Part, ToolCall, ToolResult, Turn};

/// Stands in for what precedes the model's first message.
const BEGINNING: &str = "...";

/// The content of one side in its JSON form.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<Given<'a>>,
}

/// The instructions and the messages, with consecutive turns of one side joined.
pub(super) fn write<'a>(
    turns: &'a [Turn],
    generation: Generation,
    losses: &mut Losses,
) -> Result<(Option<Content<'a>>, Vec<Content<'a>>)> {
    let mut written = Contents {
        generation,
        system: Vec::new(),
        contents: Vec::new(),
        called: HashMap::new(),
        shown: Vec::new(),
    };
    let messages = Path::Request.key("messages");
    for (index, turn) in turns.iter().enumerate() {
        written.turn(turn, &messages.index(index), losses)?;
    }
    written.show();
    let Contents {
        mut system,
        mut contents,
        ..
    } = written;
    if contents.is_empty() && !system.is_empty() {
        contents.push(Content {
            role: Some("user"),
            parts: std::mem::take(&mut system),
        });
    }
    // A call must follow a turn of the other side.
    let calls = |content: &Content<'_>| {
        let mut parts = content.parts.iter();
        content.role == Some("model") && parts.any(|part| part.function_call.is_some())
    };
    if contents.first().is_some_and(calls) {
        contents.insert(
            0,
            Content {
                role: Some("user"),
                parts: vec![Given::text(BEGINNING)],
            },
        );
    }
    let system = (!system.is_empty()).then_some(Content {
        role: None,
        parts: system,
    });
    Ok((system, contents))
}

struct Contents<'a> {
    generation: Generation,
    system: Vec<Given<'a>>,
    contents: Vec<Content<'a>>,
    /// The called tools, by call id: results name both.
    called: HashMap<&'a str, &'a str>,
    /// Tool results other than text. They follow all results of one turn, which Gemini counts.
    shown: Vec<Given<'a>>,
}

impl<'a> Contents<'a> {
    fn turn(&mut self, turn: &'a Turn, at: &Path<'_>, losses: &mut Losses) -> Result<()> {
        if !matches!(turn, Turn::Tool(_)) {
            self.show();
        }
        match turn {
            Turn::System(parts) => self.instruct(parts, at, losses)?,
            Turn::User(parts) => {
                let parts = part::write_all(parts, at, losses)?;
                self.add("user", parts);
            }
            Turn::Assistant(output) => {
                let parts = self.output(output, at)?;
                self.add("model", parts);
            }
            Turn::Tool(result) => {
                let part = self.result(result, at, losses)?;
                self.add("user", vec![part]);
            }
        }
        Ok(())
    }

    /// Appends to the content of that side, if it is the last one. Content without parts is
    /// rejected, and empty anyway.
    fn add(&mut self, role: &'static str, parts: Vec<Given<'a>>) {
        match self.contents.last_mut() {
            _ if parts.is_empty() => {}
            Some(last) if last.role == Some(role) => last.parts.extend(parts),
            _ => self.contents.push(Content {
                role: Some(role),
                parts,
            }),
        }
    }

    fn show(&mut self) {
        let shown = std::mem::take(&mut self.shown);
        self.add("user", shown);
    }

    fn instruct(&mut self, parts: &'a [Part], at: &Path<'_>, losses: &mut Losses) -> Result<()> {
        for (index, part) in parts.iter().enumerate() {
            let Part::Text(text) = part else {
                let at = at.key("content");
                return Err(Losses::refusal(&at.index(index).to_string()));
            };
            self.system.extend(part::write_text(text, losses)?);
        }
        Ok(())
    }

    fn output(&mut self, output: &'a [Output], at: &Path<'_>) -> Result<Vec<Given<'a>>> {
        let mut parts: Vec<Given<'a>> = Vec::with_capacity(output.len());
        // Signatures of a text that follows: in chat, reasoning precedes everything else.
        let mut early = Vec::new();
        let mut calls = 0;
        for output in output {
            match output {
                Output::Text(text) | Output::Refusal(text) if text.is_empty() => {}
                Output::Text(text) | Output::Refusal(text) => {
                    parts.push(Given::text(text.as_str()));
                    parts.append(&mut early);
                }
                // The reasoning need not be sent back; its signature must.
                Output::Reasoning(thought) => {
                    let own = thought.signature.as_deref().and_then(signature::unmark);
                    let own = own.map(Given::signature);
                    match parts.last() {
                        Some(last) if last.text.is_some() => parts.extend(own),
                        _ => early.extend(own),
                    }
                }
                Output::Picture(picture) => {
                    parts.append(&mut early);
                    let foreign = self.generation.wants_signatures().then_some(FOREIGN);
                    let part = Given::picture(picture, foreign);
                    parts.push(part.ok_or_else(|| Losses::refusal(&at.key("images").to_string()))?);
                }
                Output::ToolCall(call) => {
                    parts.append(&mut early);
                    let at = at.key("tool_calls");
                    parts.push(self.call(call, calls == 0, &at.index(calls))?);
                    calls += 1;
                }
            }
        }
        parts.append(&mut early);
        Ok(parts)
    }

    fn call(&mut self, call: &'a ToolCall, is_first: bool, at: &Path<'_>) -> Result<Given<'a>> {
        self.called.insert(&call.id, &call.name);
        let text = match call.arguments.trim() {
            "" => "{}",
            text => text,
        };
        let args = Json::parse(text).filter(|_| text.starts_with('{'));
        let args = args.ok_or_else(|| {
            at.key("function")
                .key("arguments")
                .invalid("must be a JSON object")
        })?;
        // Of parallel calls only the first one is signed.
        let foreign = (is_first && self.generation.wants_signatures()).then_some(FOREIGN);
        Ok(Given {
            function_call: Some(FunctionCall {
                id: &call.id,
                name: &call.name,
                args,
            }),
            thought_signature: call.signature.as_deref().or(foreign),
            ..Given::default()
        })
    }

    fn result(
        &mut self,
        result: &'a ToolResult,
        at: &Path<'_>,
        losses: &mut Losses,
    ) -> Result<Given<'a>> {
        let name = *self.called.get(result.call_id.as_str()).ok_or_else(|| {
            at.key("tool_call_id")
                .invalid("does not match any call in the previous messages")
        })?;
        part::note_cache(result.cache.as_ref(), losses)?;
        let content = at.key("content");
        let mut texts = Vec::new();
        for (index, part) in result.parts.iter().enumerate() {
            match part {
                Part::Text(text) => {
                    part::note_cache(text.cache.as_ref(), losses)?;
                    texts.push(text.text.as_str());
                }
                part => {
                    let at = content.index(index);
                    self.shown.push(part::write(part, &at, losses)?);
                }
            }
        }
        Ok(Given {
            function_response: Some(FunctionResponse {
                id: &result.call_id,
                name,
                response: Response::of(texts.join("\n"), result.is_error),
            }),
            ..Given::default()
        })
    }
}
