use serde_json::value::RawValue;

use super::read::text;
use crate::error::Result;
use crate::translate::data_url;
use crate::translate::extra_content::signature;
use crate::translate::reading::{Content, Object, Path};
use crate::translate::responses::item;
use crate::translate::{File, Image, Losses, Part, Said, Source, ToolCall, ToolResult, Turn};

/// Reads `input`. What the model said in a row is one turn.
pub(super) fn read(body: &Object<'_>, at: &Path<'_>, turns: &mut Vec<Turn>) -> Result<()> {
    let input_at = at.key("input");
    let input = body.content("input", at)?;
    match input.ok_or_else(|| input_at.invalid("is missing"))? {
        Content::Text(said) => turns.push(Turn::User(vec![text(said)])),
        Content::Parts(items) => {
            for (index, json) in items.into_iter().enumerate() {
                let at = input_at.index(index);
                item(&Object::of(json, &at)?, &at, turns)?;
            }
        }
    }
    Ok(())
}

fn item(item: &Object<'_>, at: &Path<'_>, turns: &mut Vec<Turn>) -> Result<()> {
    let kind: Option<String> = item.get("type", at)?;
    match kind.as_deref().unwrap_or("message") {
        "message" => message(item, at, turns)?,
        "reasoning" => {
            let thought = item::thought(item, at)?;
            say(turns, [Said::Reasoning(thought)]);
        }
        "function_call" => {
            let call = ToolCall {
                id: item.need("call_id", at)?,
                name: item.need("name", at)?,
                arguments: item.need("arguments", at)?,
                signature: signature(item),
            };
            say(turns, [Said::ToolCall(call)]);
        }
        "image_generation_call" => {
            if let Some(picture) = item::picture(item, at)? {
                say(turns, [Said::Picture(picture)]);
            }
        }
        "function_call_output" => turns.push(Turn::Tool(ToolResult {
            call_id: item.need("call_id", at)?,
            parts: parts(item, "output", at)?,
            // Nothing says so but a status that OpenAI does not use for it.
            is_error: false,
            cache: None,
        })),
        _ => return Err(Losses::refusal(&at.key("type").to_string())),
    }
    Ok(())
}

/// Adds to the model's turn, if it is the last.
fn say(turns: &mut Vec<Turn>, said: impl IntoIterator<Item = Said>) {
    match turns.last_mut() {
        Some(Turn::Assistant(before)) => before.extend(said),
        _ => turns.push(Turn::Assistant(said.into_iter().collect())),
    }
}

fn message(message: &Object<'_>, at: &Path<'_>, turns: &mut Vec<Turn>) -> Result<()> {
    let role: String = message.need("role", at)?;
    match role.as_str() {
        "system" | "developer" => turns.push(Turn::System(parts(message, "content", at)?)),
        "user" => turns.push(Turn::User(parts(message, "content", at)?)),
        "assistant" => {
            let content_at = at.key("content");
            let content = message.content("content", at)?;
            let said = match content.ok_or_else(|| content_at.invalid("is missing"))? {
                Content::Text(text) => vec![Said::Text(text)],
                Content::Parts(parts) => item::said(&parts, &content_at)?,
            };
            say(turns, said);
        }
        _ => {
            return Err(at
                .key("role")
                .invalid("must be `system`, `developer`, `user` or `assistant`"));
        }
    }
    Ok(())
}

fn parts(object: &Object<'_>, name: &str, at: &Path<'_>) -> Result<Vec<Part>> {
    let at_list = at.key(name);
    match object.content(name, at)? {
        None => Err(at_list.invalid("is missing")),
        Some(Content::Text(said)) => Ok(vec![text(said)]),
        Some(Content::Parts(parts)) => {
            let parts = parts.into_iter().enumerate();
            parts
                .map(|(index, json)| part(json, &at_list.index(index)))
                .collect()
        }
    }
}

fn part(json: &RawValue, at: &Path<'_>) -> Result<Part> {
    let part = Object::of(json, at)?;
    let kind: String = part.need("type", at)?;
    Ok(match kind.as_str() {
        // Clients send back what they were given under its own name, too.
        "input_text" | "output_text" | "text" => text(part.need("text", at)?),
        "input_image" => {
            let url: Option<String> = part.get("image_url", at)?;
            let id: Option<String> = part.get("file_id", at)?;
            Part::Image(Image {
                source: source(url, id, &at.key("image_url"))?,
                detail: part.get("detail", at)?,
                cache: None,
            })
        }
        "input_file" => {
            let data: Option<String> = part.get("file_data", at)?;
            let url: Option<String> = part.get("file_url", at)?;
            let id: Option<String> = part.get("file_id", at)?;
            // Some clients send the base64 alone.
            let data = data.map(|data| match data.starts_with("data:") {
                true => data,
                false => data_url::data_url("application/pdf", &data),
            });
            Part::File(File {
                source: source(data.or(url), id, &at.key("file_data"))?,
                name: part.get("filename", at)?,
                cache: None,
            })
        }
        "input_audio" => {
            let audio = part.need_object("input_audio", at)?;
            let at = at.key("input_audio");
            Part::Audio {
                data: audio.need("data", &at)?,
                format: audio.need("format", &at)?,
            }
        }
        _ => {
            return Err(at
                .key("type")
                .invalid("must be `input_text`, `input_image`, `input_file` or `input_audio`"));
        }
    })
}

fn source(url: Option<String>, id: Option<String>, at: &Path<'_>) -> Result<Source> {
    match (url, id) {
        (Some(url), _) => data_url::source(&url)
            .ok_or_else(|| at.invalid("must be a URL, or a data URL in base64")),
        (None, Some(id)) => Ok(Source::Id(id)),
        (None, None) => Err(at.invalid("is missing")),
    }
}
