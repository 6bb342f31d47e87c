use std::borrow::Borrow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::turns::{self, Message};
use super::{extra, reasoning};
use crate::error::{Error, ErrorKind, Result};
use crate::translate::chat::model::is_openais;
use crate::translate::{Format, Json, Losses, Request, ToolChoice, Turn};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(flatten)]
    extra: Extra<'a>,
}

struct Extra<'a>(Vec<(&'a str, &'a Json)>);

impl Serialize for Extra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, json) in &self.0 {
            map.serialize_entry(name, json)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Mode(&'static str),
    Named {
        r#type: &'static str,
        function: Name<'a>,
    },
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    Text,
    JsonObject,
    JsonSchema { json_schema: Schema<'a> },
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// The request body for a chat provider, for `model`, the provider's name of the model. The table
/// in [`chat`](crate::translate::chat) lists what cannot be translated.
///
/// The usage of a stream is not requested here, unless the client did.
///
/// # Errors
/// `InvalidRequest`, naming the parameter, if it cannot be translated and changes the meaning, or
/// if `losses` allows none.
pub(crate) fn write(request: &Request, model: &str, losses: &mut Losses) -> Result<Vec<u8>> {
    let is_openais = is_openais(model);
    if request.sampling.top_k.is_some() {
        losses.drop_param("top_k")?;
    }
    let body = Body {
        model,
        messages: turns::write(&request.turns, is_openais, losses)?,
        tools: tools(request, losses)?,
        tool_choice: request.tool_choice.as_ref().map(choice),
        parallel_tool_calls: request.parallel_tool_calls,
        response_format: request.format.as_ref().map(format),
        reasoning_effort: reasoning::effort(request, model, losses)?,
        stop: &request.stop,
        max_tokens: request.max_tokens.filter(|_| !is_openais),
        max_completion_tokens: request.max_tokens.filter(|_| is_openais),
        temperature: request.sampling.temperature,
        top_p: request.sampling.top_p,
        frequency_penalty: request.sampling.frequency_penalty,
        presence_penalty: request.sampling.presence_penalty,
        seed: request.sampling.seed,
        user: request.user.as_deref(),
        stream: request.stream,
        service_tier: extra::is_standard_only(request).then_some("default"),
        extra: Extra(extra::look(request, losses)?),
    };
    serde_json::to_vec(&body).map_err(unwritten)
}

/// The messages alone, as [`write()`] writes them for models that are not OpenAI's.
///
/// # Errors
/// `InvalidRequest` if a message cannot be translated.
pub(crate) fn write_messages<T: Borrow<Turn>>(turns: &[T]) -> Result<Vec<u8>> {
    let messages = turns::write(turns, false, &mut Losses::new(false))?;
    serde_json::to_vec(&messages).map_err(unwritten)
}

fn unwritten(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "the request cannot be written").with_source(error)
}

fn tools<'a>(request: &'a Request, losses: &mut Losses) -> Result<Vec<Tool<'a>>> {
    if request.tools.iter().any(|tool| tool.cache.is_some()) {
        losses.drop_param("cache_control")?;
    }
    let tools = request.tools.iter().map(|tool| Tool {
        r#type: "function",
        function: Function {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: tool.parameters.as_ref(),
            strict: tool.strict,
        },
    });
    Ok(tools.collect())
}

fn choice(choice: &ToolChoice) -> Choice<'_> {
    match choice {
        ToolChoice::Auto => Choice::Mode("auto"),
        ToolChoice::None => Choice::Mode("none"),
        ToolChoice::Required => Choice::Mode("required"),
        ToolChoice::Named(name) => Choice::Named {
            r#type: "function",
            function: Name { name },
        },
    }
}

fn format(format: &Format) -> ResponseFormat<'_> {
    match format {
        Format::Text => ResponseFormat::Text,
        Format::Json => ResponseFormat::JsonObject,
        Format::Schema {
            name,
            description,
            schema,
            strict,
        } => ResponseFormat::JsonSchema {
            json_schema: Schema {
                name,
                description: description.as_deref(),
                schema,
                strict: *strict,
            },
        },
    }
}
