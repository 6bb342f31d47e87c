use std::collections::HashMap;

use serde::Serialize;

use crate::error::Result;
use crate::translate::reading::Path;
use crate::translate::{
    File, Image, Json, Losses, Output, Part, Source, ToolCall, ToolResult, Turn, data_url,
};

/// One message in its JSON form.
#[derive(Debug, Default, Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thinking: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    r#type: &'static str,
    function: Called<'a>,
}

#[derive(Debug, Serialize)]
struct Called<'a> {
    index: usize,
    name: &'a str,
    arguments: Json,
}

/// The messages for `turns`.
pub(super) fn write<'a>(turns: &'a [Turn], losses: &mut Losses) -> Result<Vec<Message<'a>>> {
    let mut messages = Vec::with_capacity(turns.len());
    // The called tools, by call id: results name the tool.
    let mut called: HashMap<&str, &str> = HashMap::new();
    let at = Path::Request.key("messages");
    for (index, turn) in turns.iter().enumerate() {
        let at = at.index(index);
        messages.push(match turn {
            Turn::System(parts) => given("system", parts, &at, losses)?,
            Turn::User(parts) => given("user", parts, &at, losses)?,
            Turn::Tool(returned) => Message {
                tool_name: called.get(returned.call_id.as_str()).copied(),
                ..result(returned, &at, losses)?
            },
            Turn::Assistant(output) => {
                let calls = output.iter().filter_map(|output| match output {
                    Output::ToolCall(call) => Some((call.id.as_str(), call.name.as_str())),
                    _ => None,
                });
                called.extend(calls);
                self::output(output, &at)?
            }
        });
    }
    Ok(messages)
}

fn result<'a>(result: &'a ToolResult, at: &Path<'_>, losses: &mut Losses) -> Result<Message<'a>> {
    if result.is_error {
        losses.drop_param("is_error")?;
    }
    note_cache(result.cache.as_ref(), losses)?;
    Ok(Message {
        tool_call_id: Some(&result.call_id),
        ..given("tool", &result.parts, at, losses)?
    })
}

/// A message with one text, and optional images.
fn given<'a>(
    role: &'static str,
    parts: &'a [Part],
    at: &Path<'_>,
    losses: &mut Losses,
) -> Result<Message<'a>> {
    let mut texts = Vec::with_capacity(parts.len());
    let mut images = Vec::new();
    let content = at.key("content");
    for (index, part) in parts.iter().enumerate() {
        let at = content.index(index);
        match part {
            Part::Text(text) => {
                note_cache(text.cache.as_ref(), losses)?;
                texts.push(text.text.clone());
            }
            Part::Image(image) => images.push(picture(image, &at.key("image_url"), losses)?),
            Part::File(file) => texts.push(document(file, &at.key("file"), losses)?),
            Part::Audio { .. } => {
                return Err(Losses::refusal(&at.key("input_audio").to_string()));
            }
        }
    }
    Ok(Message {
        role,
        content: texts.join("\n"),
        images,
        ..Message::default()
    })
}

fn picture<'a>(image: &'a Image, at: &Path<'_>, losses: &mut Losses) -> Result<&'a str> {
    note_cache(image.cache.as_ref(), losses)?;
    let detail = image.detail.as_deref();
    if detail.is_some_and(|detail| detail != "auto") {
        losses.drop_param("detail")?;
    }
    match &image.source {
        Source::Data { data, .. } => Ok(data),
        Source::Url(_) | Source::Id(_) => Err(Losses::refusal(&at.to_string())),
    }
}

fn document(file: &File, at: &Path<'_>, losses: &mut Losses) -> Result<String> {
    note_cache(file.cache.as_ref(), losses)?;
    let text = match &file.source {
        Source::Data { media_type, data } => data_url::text(media_type, data),
        Source::Url(_) | Source::Id(_) => None,
    };
    let text = text.ok_or_else(|| Losses::refusal(&at.to_string()))?;
    let title = file.name.as_deref().map(|name| format!("{name}\n\n"));
    Ok(title.unwrap_or_default() + &text)
}

/// Ollama caches automatically.
fn note_cache(cache: Option<&Json>, losses: &mut Losses) -> Result<()> {
    match cache {
        Some(_) => losses.drop_param("cache_control"),
        None => Ok(()),
    }
}

fn output<'a>(output: &'a [Output], at: &Path<'_>) -> Result<Message<'a>> {
    let mut message = Message {
        role: "assistant",
        ..Message::default()
    };
    let calls = at.key("tool_calls");
    for output in output {
        match output {
            Output::Text(text) | Output::Refusal(text) => message.content += text,
            Output::Reasoning(thought) => message.thinking += &thought.text,
            Output::Picture(picture) => match &picture.source {
                Source::Data { data, .. } => message.images.push(data),
                Source::Url(_) | Source::Id(_) => {
                    return Err(Losses::refusal(&at.key("images").to_string()));
                }
            },
            Output::ToolCall(call) => {
                let index = message.tool_calls.len();
                let call = self::call(call, index, &calls.index(index))?;
                message.tool_calls.push(call);
            }
        }
    }
    Ok(message)
}

fn call<'a>(call: &'a ToolCall, index: usize, at: &Path<'_>) -> Result<Call<'a>> {
    let text = match call.arguments.trim() {
        "" => "{}",
        text => text,
    };
    let arguments = Json::parse(text).filter(|_| text.starts_with('{'));
    let function = at.key("function");
    let arguments =
        arguments.ok_or_else(|| function.key("arguments").invalid("must be a JSON object"))?;
    Ok(Call {
        id: &call.id,
        r#type: "function",
        function: Called {
            index,
            name: &call.name,
            arguments,
        },
    })
}
