//! Whole answers.

use super::part::{self, Part};
use super::usage;
use crate::error::Result;
use crate::translate::reading::{Object, Path};
use crate::translate::{Answered, Finish, Output, Thought};

/// Reads Gemini's answer: its first candidate. A blocked prompt is a refusal.
///
/// # Errors
/// `UpstreamInvalid` when it is not such an answer.
pub(crate) fn read(body: &[u8]) -> Result<Answered> {
    let at = Path::Answer;
    let answer = Object::parse(body, &at)?;
    let candidates = at.key("candidates");
    let first = answer.list("candidates", &at)?.into_iter().next();
    let (output, finish) = match (first, blocked(&answer)) {
        (Some(candidate), _) => {
            let at = candidates.index(0);
            let candidate = Object::of(candidate, &at)?;
            let mut output = Vec::new();
            for part in part::read_all(&candidate, &at)? {
                say(part, &mut output);
            }
            let reason: Option<String> = candidate.lenient("finishReason");
            let finish = reason.and_then(|reason| Finish::of_word(&reason));
            (output, finish.unwrap_or_default())
        }
        (None, Some(why)) => (vec![Output::Refusal(why)], Finish::ContentFilter),
        (None, None) => return Err(candidates.invalid("is empty")),
    };
    Ok(Answered {
        id: answer.lenient("responseId").unwrap_or_default(),
        model: answer.lenient("modelVersion").unwrap_or_default(),
        output,
        finish,
        usage: usage::read(&answer),
    })
}

fn say(part: Part, output: &mut Vec<Output>) {
    match (part, output.last_mut()) {
        (Part::Text(more), Some(Output::Text(text))) => text.push_str(&more),
        (Part::Text(text), _) => output.push(Output::Text(text)),
        (Part::Thought(more), Some(Output::Reasoning(thought))) if thought.signature.is_none() => {
            thought.text.push_str(&more);
        }
        (Part::Thought(text), _) => output.push(Output::Reasoning(Thought {
            text,
            ..Thought::default()
        })),
        (Part::Signature(signature), _) => output.push(Output::Reasoning(Thought {
            signature: Some(signature),
            ..Thought::default()
        })),
        (Part::Picture(picture), _) => output.push(Output::Picture(picture)),
        (Part::Call(call), _) => output.push(Output::ToolCall(call)),
    }
}

/// Why the prompt was blocked, if it was.
pub(super) fn blocked(answer: &Object<'_>) -> Option<String> {
    let feedback = answer.lenient::<Object<'_>>("promptFeedback")?;
    let reason: String = feedback.lenient("blockReason")?;
    let message: Option<String> = feedback.lenient("blockReasonMessage");
    Some(message.unwrap_or_else(|| format!("the provider blocked the prompt: {reason}")))
}
