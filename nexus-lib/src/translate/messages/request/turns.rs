use std::borrow::Cow;

use serde::Serialize;

use crate::error::Result;
use crate::translate::data_url;
use crate::translate::messages::block::{self, Block, Blocks};
use crate::translate::reading::Path;
use crate::translate::{
    File, Image, Losses, Output, Part, Source, Text, Thought, ToolCall, ToolResult, Turn,
};
use crate::translate::{gemini, responses};

/// The accepted image types.
const PICTURES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// One message in its JSON form.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Blocks<'a>,
}

/// Consecutive turns of one side, which make one message.
#[derive(Default)]
struct Side<'a> {
    is_model: bool,
    /// These come first.
    results: Vec<Block<'a>>,
    rest: Vec<Block<'a>>,
}

/// Stands in for what precedes the model's first message: Anthropic requires the user to begin.
const BEGINNING: &str = "...";

/// Asks for an answer if the model spoke last and cannot continue its own message.
const GO_ON: &str = "Continue.";

/// The instructions and the messages, with consecutive turns of one side joined.
///
/// | Anthropic rejects | repaired by |
/// |---|---|
/// | blank text; a message without content | leaving it out |
/// | trailing whitespace in a final assistant message | removing it |
/// | a final assistant message, from Claude 4.6 | a user message that asks to continue |
/// | a conversation that the model begins | a user message before it |
/// | instructions without a message | sending them as a user message |
/// | no message at all | a placeholder message |
pub(super) fn write<'a>(
    turns: &'a [Turn],
    takes_prefill: bool,
    losses: &mut Losses,
) -> Result<(Blocks<'a>, Vec<Message<'a>>)> {
    let mut system = Vec::new();
    let mut sides: Vec<Side<'_>> = Vec::new();
    let at = Path::Request.key("messages");
    for (index, turn) in turns.iter().enumerate() {
        let at = at.index(index);
        let is_model = match turn {
            Turn::System(parts) => {
                instructions(parts, &at, &mut system)?;
                continue;
            }
            Turn::Assistant(_) => true,
            Turn::User(_) | Turn::Tool(_) => false,
        };
        if sides.last().is_none_or(|side| side.is_model != is_model) {
            sides.push(Side {
                is_model,
                ..Side::default()
            });
        }
        let Some(side) = sides.last_mut() else {
            continue;
        };
        match turn {
            Turn::System(_) => {}
            Turn::User(given) => side.rest.extend(parts(given, &at, losses)?),
            Turn::Tool(returned) => side.results.push(result(returned, &at, losses)?),
            Turn::Assistant(output) => side.say(output, &at)?,
        }
    }
    let messages = sides.into_iter().filter_map(|side| {
        let mut content = side.results;
        content.extend(side.rest);
        // Empty ones are rejected, and contain nothing.
        let role = if side.is_model { "assistant" } else { "user" };
        let content = Blocks(content);
        (!content.is_empty()).then_some(Message { role, content })
    });
    let mut messages = in_turns(messages);
    cut_blanks(&mut messages);
    let user = |text| Message {
        role: "user",
        content: Blocks(vec![Block::Text {
            text: Cow::Borrowed(text),
            cache_control: None,
        }]),
    };
    let is_models =
        |message: Option<&Message<'_>>| message.is_some_and(|message| message.role == "assistant");
    if !takes_prefill && is_models(messages.last()) {
        messages.push(user(GO_ON));
    }
    if is_models(messages.first()) {
        messages.insert(0, user(BEGINNING));
    }
    if messages.is_empty() {
        messages.push(match system.is_empty() {
            true => user(BEGINNING),
            false => Message {
                role: "user",
                content: Blocks(std::mem::take(&mut system)),
            },
        });
    }
    Ok((Blocks(system), messages))
}

/// The messages, with consecutive ones of the same role joined.
fn in_turns<'a>(each: impl Iterator<Item = Message<'a>>) -> Vec<Message<'a>> {
    let mut messages: Vec<Message<'a>> = Vec::new();
    for message in each {
        match messages.last_mut().filter(|last| last.role == message.role) {
            Some(last) => last.content.0.extend(message.content.0),
            None => messages.push(message),
        }
    }
    messages
}

/// Removes trailing whitespace from the last message, if it is the assistant's.
fn cut_blanks(messages: &mut Vec<Message<'_>>) {
    let Some(last) = messages.last_mut().filter(|last| last.role == "assistant") else {
        return;
    };
    // Blank blocks do not count.
    if let Some(Block::Text { text, .. }) = last.content.0.last_mut() {
        let end = text.trim_end().len();
        match text {
            Cow::Borrowed(text) => *text = text.get(..end).unwrap_or(text),
            Cow::Owned(text) => text.truncate(end),
        }
    }
}

impl<'a> Side<'a> {
    fn say(&mut self, output: &'a [Output], at: &Path<'_>) -> Result<()> {
        let mut count = 0;
        for output in output {
            match output {
                Output::Text(text) | Output::Refusal(text) => self.rest.extend(plain(text)),
                Output::Reasoning(thought) => self.rest.extend(thinking(thought)),
                Output::Picture(_) => return Err(Losses::refusal(&at.key("images").to_string())),
                Output::ToolCall(call) => {
                    self.rest
                        .push(tool_use(call, &at.key("tool_calls").index(count))?);
                    count += 1;
                }
            }
        }
        Ok(())
    }
}

fn instructions<'a>(parts: &'a [Part], at: &Path<'_>, system: &mut Vec<Block<'a>>) -> Result<()> {
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => system.extend(written(text)),
            _ => return Err(refusal(&at.key("content").index(index))),
        }
    }
    Ok(())
}

fn parts<'a>(parts: &'a [Part], at: &Path<'_>, losses: &mut Losses) -> Result<Vec<Block<'a>>> {
    let content = at.key("content");
    let mut blocks = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        let at = content.index(index);
        match part {
            Part::Text(text) => blocks.extend(written(text)),
            Part::Image(image) => blocks.push(picture(image, &at.key("image_url"), losses)?),
            Part::File(file) => blocks.push(document(file, &at.key("file"))?),
            Part::Audio { .. } => return Err(refusal(&at.key("input_audio"))),
        }
    }
    Ok(blocks)
}

fn refusal(at: &Path<'_>) -> crate::error::Error {
    Losses::refusal(&at.to_string())
}

/// `None` for blank text, which Anthropic rejects.
fn plain(text: &str) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then_some(Block::Text {
        text: text.into(),
        cache_control: None,
    })
}

fn written(text: &Text) -> Option<Block<'_>> {
    (!text.text.trim().is_empty()).then_some(Block::Text {
        text: text.text.as_str().into(),
        cache_control: text.cache.as_ref(),
    })
}

fn picture<'a>(image: &'a Image, at: &Path<'_>, losses: &mut Losses) -> Result<Block<'a>> {
    if image
        .detail
        .as_deref()
        .is_some_and(|detail| detail != "auto")
    {
        losses.drop_param("detail")?;
    }
    let source = match &image.source {
        Source::Url(url) => block::Source::Url { url },
        // The common misspelling of the type.
        Source::Data { media_type, data } if media_type == "image/jpg" => block::Source::Base64 {
            media_type: "image/jpeg",
            data,
        },
        Source::Data { media_type, data } if PICTURES.contains(&media_type.as_str()) => {
            block::Source::Base64 { media_type, data }
        }
        Source::Data { .. } => {
            return Err(at.invalid("must be JPEG, PNG, GIF or WebP for the provider of this model"));
        }
        Source::Id(_) => return Err(refusal(at)),
    };
    Ok(Block::Image {
        source,
        cache_control: image.cache.as_ref(),
    })
}

fn document<'a>(file: &'a File, at: &Path<'_>) -> Result<Block<'a>> {
    let source = match &file.source {
        Source::Url(url) => block::Source::Url { url },
        Source::Data { media_type, data } if media_type == "application/pdf" => {
            block::Source::Base64 { media_type, data }
        }
        Source::Data { media_type, data } => block::Source::Text {
            media_type: "text/plain",
            data: data_url::text(media_type, data).ok_or_else(|| {
                at.invalid("must be PDF or UTF-8 text for the provider of this model")
            })?,
        },
        Source::Id(_) => return Err(refusal(at)),
    };
    Ok(Block::Document {
        source,
        title: file.name.as_deref(),
        cache_control: file.cache.as_ref(),
    })
}

/// Whether reasoning came from Anthropic, which accepts no other. OpenAI's has an id, Gemini's a
/// prefix.
pub(super) fn is_own(thought: &Thought) -> bool {
    let signature = thought.signature.as_deref();
    // A client's protocol may require one where there is none.
    let signature = signature.filter(|signature| !signature.is_empty());
    let is_signed = signature.is_some_and(|signature| !gemini::is_marked(signature));
    let sealed = thought
        .sealed
        .as_deref()
        .filter(|sealed| !sealed.is_empty());
    let is_sealed = sealed.is_some_and(|sealed| !responses::is_openais_seal(sealed));
    thought.id.is_none() && (is_signed || is_sealed)
}

fn thinking(thought: &Thought) -> Option<Block<'_>> {
    let is_own = is_own(thought);
    is_own.then(|| match (&thought.sealed, &thought.signature) {
        (Some(data), _) => Block::RedactedThinking { data },
        (None, signature) => Block::Thinking {
            thinking: &thought.text,
            signature: signature.as_deref().unwrap_or_default(),
        },
    })
}

fn tool_use<'a>(call: &'a ToolCall, at: &Path<'_>) -> Result<Block<'a>> {
    let input = block::input(&call.arguments).ok_or_else(|| {
        at.key("function")
            .key("arguments")
            .invalid("must be a JSON object")
    })?;
    Ok(Block::ToolUse {
        id: Cow::Borrowed(&call.id),
        name: &call.name,
        input,
        extra_content: None,
    })
}

fn result<'a>(result: &'a ToolResult, at: &Path<'_>, losses: &mut Losses) -> Result<Block<'a>> {
    Ok(Block::ToolResult {
        tool_use_id: Cow::Borrowed(&result.call_id),
        content: Blocks(parts(&result.parts, at, losses)?),
        is_error: result.is_error,
        cache_control: result.cache.as_ref(),
    })
}
