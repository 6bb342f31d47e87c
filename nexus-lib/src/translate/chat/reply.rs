//! Whole answers.

use std::borrow::Cow;

use serde::Serialize;

use super::assistant::{self, Message};
use super::finish;
use super::usage::{self, Figures};
use crate::error::Result;
use crate::translate::reading::{Object, Path};
use crate::translate::{Answered, Finish};
use crate::wire::Timestamp;

/// Reads the answer of a chat provider: its first choice.
///
/// # Errors
/// `UpstreamInvalid` when it is not such an answer.
pub(crate) fn read(body: &[u8]) -> Result<Answered> {
    let at = Path::Answer;
    let completion = Object::parse(body, &at)?;
    let choices = at.key("choices");
    let at_first = choices.index(0);
    let first = completion.list("choices", &at)?.into_iter().next();
    let choice = Object::of(first.ok_or_else(|| choices.invalid("is empty"))?, &at_first)?;
    // Some servers send a delta in place of a message.
    let message = match choice.object("message", &at_first)? {
        Some(message) => message,
        None => choice.need_object("delta", &at_first)?,
    };
    let finish: Option<String> = choice.lenient("finish_reason");
    let output = assistant::read(&message, &at_first.key("message"))?;
    Ok(Answered {
        id: completion.lenient("id").unwrap_or_default(),
        model: completion.lenient("model").unwrap_or_default(),
        output,
        finish: finish
            .and_then(|reason| Finish::of_word(&reason))
            .unwrap_or_default(),
        usage: usage::read(&completion),
    })
}

#[derive(Serialize)]
struct Completion<'a> {
    id: Cow<'a, str>,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Figures>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'a str,
}

/// Writes an answer in OpenAI's format, for the client that asked for `model`.
pub(crate) fn write(answered: &Answered, model: &str) -> Vec<u8> {
    let completion = Completion {
        id: id(&answered.id),
        object: "chat.completion",
        created: Timestamp::now().as_seconds(),
        model: match model {
            "" => &answered.model,
            asked => asked,
        },
        choices: [Choice {
            index: 0,
            message: Message::of_answer(&answered.output),
            logprobs: None,
            finish_reason: finish::write(&answered.finish),
        }],
        usage: answered.usage.map(Figures::from),
    };
    // Writing strings and numbers into a growing buffer cannot fail.
    serde_json::to_vec(&completion).unwrap_or_default()
}

/// The provider's id, or a generated one if there is none.
pub(super) fn id(id: &str) -> Cow<'_, str> {
    match id {
        "" => Cow::Owned(format!("chatcmpl-{}", uuid::Uuid::new_v4().simple())),
        id => Cow::Borrowed(id),
    }
}
