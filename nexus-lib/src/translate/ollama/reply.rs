//! Whole answers.

use super::message;
use crate::error::Result;
use crate::translate::reading::{Object, Path};
use crate::translate::{Answered, Output, Thought};

/// Reads Ollama's answer.
///
/// # Errors
/// `UpstreamInvalid` when it is not such an answer.
pub(crate) fn read(body: &[u8]) -> Result<Answered> {
    let at = Path::Answer;
    let answer = Object::parse(body, &at)?;
    let message = message::read(&answer, &at)?;
    let message = message.ok_or_else(|| at.key("message").invalid("is missing"))?;
    let finish = message::finish(&answer);
    let mut output = Vec::new();
    if !message.thinking.is_empty() {
        output.push(Output::Reasoning(Thought {
            text: message.thinking,
            ..Thought::default()
        }));
    }
    if !message.content.is_empty() {
        output.push(Output::Text(message.content));
    }
    output.extend(message.calls.into_iter().map(Output::ToolCall));
    Ok(Answered {
        id: String::new(),
        model: answer.lenient("model").unwrap_or_default(),
        output,
        finish,
        usage: message::usage(&answer),
    })
}
