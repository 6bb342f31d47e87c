//! Whole answers.

use super::part::{self, Part};
use super::usage;
use crate::error::Result;
use crate::translate::reading::{Object, Path};
use crate::translate::{Answered, Finish, Said, Thought};

/// Reads Gemini's answer: its first candidate. A blocked prompt is a refusal.
///
/// # Errors
/// `UpstreamInvalid` when it is not such an answer.
pub fn read(body: &[u8]) -> Result<Answered> {
    let at = Path::Answer;
    let answer = Object::parse(body, &at)?;
    let candidates = at.key("candidates");
    let first = answer.list("candidates", &at)?.into_iter().next();
    let (said, finish) = match (first, blocked(&answer)) {
        (Some(candidate), _) => {
            let at = candidates.index(0);
            let candidate = Object::of(candidate, &at)?;
            let mut said = Vec::new();
            for part in part::read_all(&candidate, &at)? {
                say(part, &mut said);
            }
            let reason: Option<String> = candidate.lenient("finishReason");
            let finish = reason.and_then(|reason| Finish::of_word(&reason));
            (said, finish.unwrap_or_default())
        }
        (None, Some(why)) => (vec![Said::Refusal(why)], Finish::ContentFilter),
        (None, None) => return Err(candidates.invalid("is empty")),
    };
    Ok(Answered {
        id: answer.lenient("responseId").unwrap_or_default(),
        model: answer.lenient("modelVersion").unwrap_or_default(),
        said,
        finish,
        usage: usage::read(&answer),
    })
}

fn say(part: Part, said: &mut Vec<Said>) {
    match (part, said.last_mut()) {
        (Part::Text(more), Some(Said::Text(text))) => text.push_str(&more),
        (Part::Text(text), _) => said.push(Said::Text(text)),
        (Part::Thought(more), Some(Said::Reasoning(thought))) if thought.signature.is_none() => {
            thought.text.push_str(&more);
        }
        (Part::Thought(text), _) => said.push(Said::Reasoning(Thought {
            text,
            ..Thought::default()
        })),
        (Part::Signature(signature), _) => said.push(Said::Reasoning(Thought {
            signature: Some(signature),
            ..Thought::default()
        })),
        (Part::Picture(picture), _) => said.push(Said::Picture(picture)),
        (Part::Call(call), _) => said.push(Said::ToolCall(call)),
    }
}

/// Why the prompt was blocked, if it was.
pub(super) fn blocked(answer: &Object<'_>) -> Option<String> {
    let feedback = answer.lenient::<Object<'_>>("promptFeedback")?;
    let reason: String = feedback.lenient("blockReason")?;
    let message: Option<String> = feedback.lenient("blockReasonMessage");
    Some(message.unwrap_or_else(|| format!("the provider blocked the prompt: {reason}")))
}
