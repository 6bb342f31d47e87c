//! Whole answers.

use super::message;
use crate::error::Result;
use crate::translate::reading::{Object, Path};
use crate::translate::{Answered, Said, Thought};

/// Reads Ollama's answer.
///
/// # Errors
/// `UpstreamInvalid` when it is not such an answer.
pub fn read(body: &[u8]) -> Result<Answered> {
    let at = Path::Answer;
    let answer = Object::parse(body, &at)?;
    let message = message::read(&answer, &at)?;
    let message = message.ok_or_else(|| at.key("message").invalid("is missing"))?;
    let finish = message::finish(&answer);
    let mut said = Vec::new();
    if !message.thinking.is_empty() {
        said.push(Said::Reasoning(Thought {
            text: message.thinking,
            ..Thought::default()
        }));
    }
    if !message.content.is_empty() {
        said.push(Said::Text(message.content));
    }
    said.extend(message.calls.into_iter().map(Said::ToolCall));
    Ok(Answered {
        id: String::new(),
        model: answer.lenient("model").unwrap_or_default(),
        said,
        finish,
        usage: message::usage(&answer),
    })
}
