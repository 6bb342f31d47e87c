//! Requests.

use std::collections::HashMap;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::translate::reading::Path;
use crate::translate::{
    Format, Json, Losses, Part, Request, Said, Source, ToolCall, ToolChoice, Turn, data_url,
    messages, unplaced,
};

/// Fields of a chat that only Ollama knows.
const OWN: [&str; 2] = ["num_ctx", "keep_alive"];

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    /// Ollama streams unless it is told not to.
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Think>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Shape<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_alive: Option<&'a Json>,
    #[serde(skip_serializing_if = "Options::is_empty")]
    options: Options<'a>,
}

#[derive(Default, Serialize)]
struct Message<'a> {
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

#[derive(Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    function: Called<'a>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: &'a str,
    arguments: Json,
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
}

#[derive(Serialize)]
#[serde(untagged)]
enum Think {
    Whether(bool),
    Level(&'static str),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shape<'a> {
    Json(&'static str),
    Schema(&'a Json),
}

#[derive(Default, Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    num_ctx: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
}

impl Options<'_> {
    fn is_empty(&self) -> bool {
        serde_json::to_string(self).is_ok_and(|text| text == "{}")
    }
}

/// The body to ask Ollama with, for `model`, as the provider calls it. What cannot be told is in the table
/// of [`ollama`](crate::translate::ollama).
///
/// # Errors
/// `InvalidRequest`, naming the parameter, for what cannot be told and changes the meaning, or where
/// `losses` allows none.
pub fn write(request: &Request, model: &str, losses: &mut Losses) -> Result<Vec<u8>> {
    unplaced::look(request, &OWN, losses)?;
    if request.user.is_some() {
        losses.drop_hint("user")?;
    }
    if request.parallel_tool_calls == Some(false) {
        losses.drop_hint("parallel_tool_calls")?;
    }
    let body = Body {
        model,
        messages: messages(&request.turns, losses)?,
        tools: tools(request, losses)?,
        stream: request.stream,
        think: think(request, model),
        format: match &request.format {
            None | Some(Format::Text) => None,
            Some(Format::Json) => Some(Shape::Json("json")),
            Some(Format::Schema { schema, .. }) => Some(Shape::Schema(schema)),
        },
        keep_alive: own(request, "keep_alive"),
        options: options(request)?,
    };
    serde_json::to_vec(&body).map_err(|error| {
        Error::new(ErrorKind::Internal, "the request cannot be written").with_source(error)
    })
}

fn own<'a>(request: &'a Request, name: &str) -> Option<&'a Json> {
    let mut extra = request.extra.iter();
    let (_, json) = extra.find(|(field, _)| field == name)?;
    Some(json)
}

fn options(request: &Request) -> Result<Options<'_>> {
    let num_ctx = own(request, "num_ctx").map(|json| {
        let count: Option<u64> = serde_json::from_str(json.get()).ok();
        let count = count.filter(|&count| count > 0);
        count.ok_or_else(|| {
            Path::Request
                .key("num_ctx")
                .invalid("must be a number over 0")
        })
    });
    let sampling = request.sampling;
    Ok(Options {
        num_ctx: num_ctx.transpose()?,
        num_predict: request.max_tokens,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        seed: sampling.seed,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        stop: &request.stop,
    })
}

fn think(request: &Request, model: &str) -> Option<Think> {
    let reasoning = request.reasoning.as_ref()?;
    let of_budget = reasoning.budget_tokens.map(messages::effort_of);
    let effort = reasoning.effort.as_deref().or(of_budget)?;
    Some(match effort {
        "none" => Think::Whether(false),
        effort if model.contains("gpt-oss") => Think::Level(match effort {
            "minimal" | "low" => "low",
            "medium" => "medium",
            _ => "high",
        }),
        _ => Think::Whether(true),
    })
}

fn tools<'a>(request: &'a Request, losses: &mut Losses) -> Result<Vec<Tool<'a>>> {
    match &request.tool_choice {
        Some(ToolChoice::None) => return Ok(Vec::new()),
        Some(ToolChoice::Required | ToolChoice::Named(_)) => {
            return Err(Losses::refusal("tool_choice"));
        }
        None | Some(ToolChoice::Auto) => {}
    }
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        if tool.strict == Some(true) {
            losses.drop_hint("tools.function.strict")?;
        }
        if tool.cache.is_some() {
            losses.drop_hint("cache_control")?;
        }
        tools.push(Tool {
            r#type: "function",
            function: Function {
                name: &tool.name,
                description: tool.description.as_deref(),
                parameters: tool.parameters.as_ref(),
            },
        });
    }
    Ok(tools)
}

fn messages<'a>(turns: &'a [Turn], losses: &mut Losses) -> Result<Vec<Message<'a>>> {
    let mut messages = Vec::with_capacity(turns.len());
    let mut called: HashMap<&str, &str> = HashMap::new();
    let at = Path::Request.key("messages");
    for (index, turn) in turns.iter().enumerate() {
        let at = at.index(index);
        messages.push(match turn {
            Turn::System(parts) => given("system", parts, &at, losses)?,
            Turn::User(parts) => given("user", parts, &at, losses)?,
            Turn::Assistant(said) => {
                let calls = said.iter().filter_map(|said| match said {
                    Said::ToolCall(call) => Some((call.id.as_str(), call.name.as_str())),
                    _ => None,
                });
                called.extend(calls);
                self::said(said, &at)?
            }
            Turn::Tool(result) => {
                if result.is_error {
                    losses.drop_hint("is_error")?;
                }
                if result.cache.is_some() {
                    losses.drop_hint("cache_control")?;
                }
                Message {
                    tool_name: called.get(result.call_id.as_str()).copied(),
                    tool_call_id: Some(&result.call_id),
                    ..given("tool", &result.parts, &at, losses)?
                }
            }
        });
    }
    Ok(messages)
}

fn given<'a>(
    role: &'static str,
    parts: &'a [Part],
    at: &Path<'_>,
    losses: &mut Losses,
) -> Result<Message<'a>> {
    let mut message = Message {
        role,
        ..Message::default()
    };
    let content = at.key("content");
    for (index, part) in parts.iter().enumerate() {
        let at = content.index(index);
        let refused = || Losses::refusal(&at.to_string());
        let cache = match part {
            Part::Text(text) => {
                message.content += &text.text;
                &text.cache
            }
            Part::Image(image) => {
                if image
                    .detail
                    .as_deref()
                    .is_some_and(|detail| detail != "auto")
                {
                    losses.drop_hint("detail")?;
                }
                let Source::Data { data, .. } = &image.source else {
                    return Err(refused());
                };
                message.images.push(data);
                &image.cache
            }
            Part::File(file) => {
                let Source::Data { media_type, data } = &file.source else {
                    return Err(refused());
                };
                message.content += &data_url::text(media_type, data).ok_or_else(refused)?;
                &file.cache
            }
            Part::Audio { .. } => return Err(refused()),
        };
        if cache.is_some() {
            losses.drop_hint("cache_control")?;
        }
    }
    Ok(message)
}

fn said<'a>(said: &'a [Said], at: &Path<'_>) -> Result<Message<'a>> {
    let mut message = Message {
        role: "assistant",
        ..Message::default()
    };
    for said in said {
        match said {
            Said::Text(text) | Said::Refusal(text) => message.content += text,
            Said::Reasoning(thought) => message.thinking += &thought.text,
            Said::ToolCall(call) => {
                let calls = at.key("tool_calls");
                let call = self::call(call, &calls.index(message.tool_calls.len()))?;
                message.tool_calls.push(call);
            }
        }
    }
    Ok(message)
}

fn call<'a>(call: &'a ToolCall, at: &Path<'_>) -> Result<Call<'a>> {
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
        function: Called {
            name: &call.name,
            arguments,
        },
    })
}
