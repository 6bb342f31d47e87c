use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;

use crate::error::Result;
use crate::translate::data_url;
use crate::translate::gemini;
use crate::translate::messages::block::{self, Block, Blocks};
use crate::translate::reading::Path;
use crate::translate::{
    File, Image, Losses, Part, Said, Source, Text, Thought, ToolCall, ToolResult, Turn,
};

/// What pictures may be.
const PICTURES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// One message, as it is written.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Blocks<'a>,
}

/// Turns of one side, which are one message.
#[derive(Default)]
struct Side<'a> {
    is_model: bool,
    /// These come first.
    results: Vec<Block<'a>>,
    rest: Vec<Block<'a>>,
    /// The calls, and where each stands.
    calls: Vec<(Cow<'a, str>, usize, usize)>,
}

/// The instructions, and what was said, with consecutive turns of one side as one message.
pub(super) fn write<'a>(
    turns: &'a [Turn],
    losses: &mut Losses,
) -> Result<(Blocks<'a>, Vec<Message<'a>>)> {
    let mut system = Vec::new();
    let mut sides: Vec<Side<'_>> = Vec::new();
    let messages = Path::Request.key("messages");
    for (index, turn) in turns.iter().enumerate() {
        let at = messages.index(index);
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
            Turn::Assistant(said) => side.say(said, index, &at)?,
        }
    }
    every_call_has_a_result(&sides, &messages)?;
    let messages = sides.into_iter().filter_map(|side| {
        let mut content = side.results;
        content.extend(side.rest);
        // Empty ones are refused; they say nothing.
        let role = if side.is_model { "assistant" } else { "user" };
        let content = Blocks(content);
        (!content.is_empty()).then_some(Message { role, content })
    });
    Ok((Blocks(system), messages.collect()))
}

impl<'a> Side<'a> {
    fn say(&mut self, said: &'a [Said], turn: usize, at: &Path<'_>) -> Result<()> {
        let mut count = 0;
        for said in said {
            match said {
                Said::Text(text) | Said::Refusal(text) => self.rest.extend(plain(text)),
                Said::Reasoning(thought) => self.rest.extend(thinking(thought)),
                Said::Picture(_) => return Err(Losses::refusal(&at.key("images").to_string())),
                Said::ToolCall(call) => {
                    self.rest
                        .push(tool_use(call, &at.key("tool_calls").index(count))?);
                    self.calls.push((id(&call.id), turn, count));
                    count += 1;
                }
            }
        }
        Ok(())
    }
}

fn every_call_has_a_result(sides: &[Side<'_>], messages: &Path<'_>) -> Result<()> {
    for (at, side) in sides.iter().enumerate() {
        let results = sides.get(at + 1).map_or(&[][..], |next| &next.results);
        let answered = results.iter().filter_map(|block| match block {
            Block::ToolResult { tool_use_id, .. } => Some(&**tool_use_id),
            _ => None,
        });
        // A set: there may be as many calls in one message as a body has room for.
        let answered: HashSet<&str> = answered.collect();
        let mut calls = side.calls.iter();
        if let Some((_, turn, call)) = calls.find(|(id, ..)| !answered.contains(&**id)) {
            let at = messages.index(*turn);
            return Err(at
                .key("tool_calls")
                .index(*call)
                .invalid("has no result in the messages that follow it"));
        }
    }
    Ok(())
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

/// `None` for an empty text, which Anthropic refuses.
fn plain(text: &str) -> Option<Block<'_>> {
    (!text.is_empty()).then_some(Block::Text {
        text: text.into(),
        cache_control: None,
    })
}

fn written(text: &Text) -> Option<Block<'_>> {
    (!text.text.is_empty()).then_some(Block::Text {
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
        losses.drop_hint("detail")?;
    }
    let source = match &image.source {
        Source::Url(url) => block::Source::Url { url },
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
                at.invalid("must be PDF, or text in UTF-8, for the provider of this model")
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

/// Whether a thought came from Anthropic, which takes back no others. OpenAI's have an id, Gemini's a mark.
pub(super) fn is_own(thought: &Thought) -> bool {
    let signature = thought.signature.as_deref();
    let is_signed = signature.is_some_and(|signature| !gemini::is_marked(signature));
    thought.id.is_none() && (is_signed || thought.sealed.is_some())
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
        id: id(&call.id),
        name: &call.name,
        input,
        extra_content: None,
    })
}

fn result<'a>(result: &'a ToolResult, at: &Path<'_>, losses: &mut Losses) -> Result<Block<'a>> {
    Ok(Block::ToolResult {
        tool_use_id: id(&result.call_id),
        content: Blocks(parts(&result.parts, at, losses)?),
        is_error: result.is_error,
        cache_control: result.cache.as_ref(),
    })
}

/// A call's id in the letters that Anthropic takes: others name calls `functions.get_weather:0`.
fn id(id: &str) -> Cow<'_, str> {
    let is_taken = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if id.chars().all(is_taken) {
        return Cow::Borrowed(id);
    }
    let letters = id.chars();
    Cow::Owned(
        letters
            .map(|letter| if is_taken(letter) { letter } else { '_' })
            .collect(),
    )
}
