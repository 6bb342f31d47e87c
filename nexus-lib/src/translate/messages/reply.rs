//! Whole answers.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::block::{self, Block};
use super::finish;
use super::usage::Figures;
use crate::error::Result;
use crate::translate::extra_content::{ExtraContent, signature};
use crate::translate::fault::is_error_value;
use crate::translate::reading::{Object, Path};
use crate::translate::{Answered, Output, Thought, TokenCounts, ToolCall};

/// Reads Anthropic's answer. Unknown blocks, such as those of its own tools, are left out.
///
/// # Errors
/// `UpstreamInvalid` when it is not such an answer.
pub(crate) fn read(body: &[u8]) -> Result<Answered> {
    let at = Path::Answer;
    let message = Object::parse(body, &at)?;
    let mut output = Vec::new();
    let content = at.key("content");
    let blocks: Vec<&RawValue> = message.need("content", &at)?;
    for (index, block) in blocks.into_iter().enumerate() {
        let at = content.index(index);
        output.extend(read_output(&Object::of(block, &at)?, &at)?);
    }
    output.extend(explanation(&message).map(Output::Refusal));
    let stop_reason: Option<String> = message.lenient("stop_reason");
    let stop_sequence = message.lenient("stop_sequence");
    Ok(Answered {
        id: message.lenient("id").unwrap_or_default(),
        model: message.lenient("model").unwrap_or_default(),
        output,
        finish: stop_reason
            .and_then(|reason| finish::read(&reason, stop_sequence))
            .unwrap_or_default(),
        usage: figures(&message),
    })
}

/// The usage of the answer in `body`, if reported, and whether it is an answer, without reading the
/// rest.
pub(crate) fn look(body: &[u8]) -> (Option<TokenCounts>, bool) {
    let Ok(message) = Object::parse(body, &Path::Answer) else {
        return (None, false);
    };
    let has_content = message
        .raw("content")
        .is_some_and(|json| json.get().starts_with('['));
    let is_failed = message
        .raw("error")
        .is_some_and(|json| is_error_value(json.get()));
    (figures(&message), has_content && !is_failed)
}

fn figures(message: &Object<'_>) -> Option<TokenCounts> {
    let usage = message.lenient::<Object<'_>>("usage")?;
    let mut figures = Figures::default();
    figures.update(&usage);
    figures.counts()
}

/// Why a model refused, if reported: in the answer, or at the end of a stream.
pub(super) fn explanation(object: &Object<'_>) -> Option<String> {
    let details = object.lenient::<Object<'_>>("stop_details")?;
    details.lenient("explanation")
}

/// The content of an assistant block; `None` if no other provider would understand it.
pub(super) fn read_output(block: &Object<'_>, at: &Path<'_>) -> Result<Option<Output>> {
    let kind: String = block.need("type", at)?;
    Ok(Some(match kind.as_str() {
        "text" => Output::Text(block.need("text", at)?),
        "thinking" => Output::Reasoning(Thought {
            text: block.need("thinking", at)?,
            signature: block
                .get("signature", at)?
                .filter(|text: &String| !text.is_empty()),
            ..Thought::default()
        }),
        "redacted_thinking" => Output::Reasoning(Thought {
            sealed: Some(block.need("data", at)?),
            ..Thought::default()
        }),
        "tool_use" => Output::ToolCall(ToolCall {
            id: block.lenient("id").unwrap_or_default(),
            name: block.need("name", at)?,
            arguments: block.raw("input").map_or("{}", RawValue::get).to_owned(),
            signature: signature(block),
            client: None,
        }),
        _ => return Ok(None),
    }))
}

#[derive(Serialize)]
struct Message<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Block<'a>>,
    stop_reason: &'a str,
    stop_sequence: Option<&'a str>,
    usage: Figures,
}

/// Writes an answer in Anthropic's format, for the client that asked for `model`.
pub(crate) fn write(answered: &Answered, model: &str) -> Vec<u8> {
    let has_refused = answered
        .output
        .iter()
        .any(|output| matches!(output, Output::Refusal(_)));
    let (stop_reason, stop_sequence) = finish::write(&answered.finish, has_refused);
    let message = Message {
        id: id(&answered.id),
        r#type: "message",
        role: "assistant",
        model: if model.is_empty() {
            &answered.model
        } else {
            model
        },
        content: answered.output.iter().filter_map(write_said).collect(),
        stop_reason,
        stop_sequence,
        usage: answered.usage.map(Figures::from).unwrap_or_default(),
    };
    // Writing strings and numbers into a growing buffer cannot fail.
    serde_json::to_vec(&message).unwrap_or_default()
}

/// The provider's id, or a generated one if there is none.
pub(super) fn id(id: &str) -> Cow<'_, str> {
    match id {
        "" => Cow::Owned(format!("msg_{}", uuid::Uuid::new_v4().simple())),
        id => Cow::Borrowed(id),
    }
}

/// A call's id, or a generated one if there is none.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    match id {
        "" => Cow::Owned(format!("toolu_{}", uuid::Uuid::new_v4().simple())),
        id => Cow::Borrowed(id),
    }
}

fn write_said(output: &Output) -> Option<Block<'_>> {
    Some(match output {
        Output::Text(text) | Output::Refusal(text) if text.is_empty() => return None,
        Output::Text(text) | Output::Refusal(text) => Block::Text {
            text: text.into(),
            cache_control: None,
        },
        Output::Reasoning(Thought {
            sealed: Some(data), ..
        }) => Block::RedactedThinking { data },
        Output::Reasoning(thought) => Block::Thinking {
            thinking: &thought.text,
            signature: thought.signature.as_deref().unwrap_or_default(),
        },
        // Anthropic's answers have no images.
        Output::Picture(_) => return None,
        Output::ToolCall(call) => Block::ToolUse {
            id: call_id(&call.id),
            name: &call.name,
            input: block::input(&call.arguments).unwrap_or_else(|| invalid(&call.arguments)),
            extra_content: call.signature.as_deref().map(ExtraContent::of),
        },
    })
}

/// Arguments that are not an object, wrapped in one, as Anthropic recommends.
fn invalid(arguments: &str) -> Cow<'_, RawValue> {
    let text = serde_json::json!({ "INVALID_JSON": arguments }).to_string();
    RawValue::from_string(text).map_or(Cow::Borrowed(RawValue::NULL), Cow::Owned)
}
