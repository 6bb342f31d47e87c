use serde::Serialize;

use super::turns::{self, Message};
use crate::error::{Error, ErrorKind, Result};
use crate::translate::effort::effort;
use crate::translate::reading::Path;
use crate::translate::{Format, Json, Losses, Request, ToolChoice, unplaced};

/// Fields of a chat that only Ollama knows.
const OWN: [&str; 2] = ["num_ctx", "keep_alive"];

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    /// Ollama streams by default.
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
    parameters: Schema<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Given(&'a Json),
    /// A schema is required, even without arguments.
    Empty {
        r#type: &'static str,
        properties: Nothing,
    },
}

#[derive(Serialize)]
struct Nothing {}

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

#[derive(Default, PartialEq, Serialize)]
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
        *self == Self::default()
    }
}

/// The request body for Ollama, for `model`, the provider's name of the model. The table in
/// [`ollama`](crate::translate::ollama) lists what cannot be translated.
///
/// # Errors
/// `InvalidRequest`, naming the parameter, if it cannot be translated and changes the meaning, or
/// if `losses` allows none.
pub(crate) fn write(request: &Request, model: &str, losses: &mut Losses) -> Result<Vec<u8>> {
    unplaced::look(request, &OWN, losses)?;
    if request.user.is_some() {
        losses.drop_param("user")?;
    }
    if request.parallel_tool_calls == Some(false) && !request.tools.is_empty() {
        losses.drop_param("parallel_tool_calls")?;
    }
    let body = Body {
        model,
        messages: turns::write(&request.turns, losses)?,
        tools: tools(request, losses)?,
        stream: request.stream,
        think: think(request, model, losses)?,
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
                .invalid("must be a number greater than 0")
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

/// Whether the model should reason, or how much; left to the model if the request does not set it.
fn think(request: &Request, model: &str, losses: &mut Losses) -> Result<Option<Think>> {
    let Some(reasoning) = &request.reasoning else {
        return Ok(None);
    };
    let effort = effort(reasoning)?;
    if reasoning.is_shown == Some(false) && effort != Some("none") {
        losses.drop_param("thinking.display")?;
    }
    Ok(effort.map(|effort| match effort {
        "none" => Think::Whether(false),
        effort if model.contains("gpt-oss") => Think::Level(match effort {
            "minimal" | "low" => "low",
            "medium" => "medium",
            _ => "high",
        }),
        _ => Think::Whether(true),
    }))
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
            losses.drop_param("tools.function.strict")?;
        }
        if tool.cache.is_some() {
            losses.drop_param("cache_control")?;
        }
        tools.push(Tool {
            r#type: "function",
            function: Function {
                name: &tool.name,
                description: tool.description.as_deref(),
                parameters: schema(tool.parameters.as_ref()),
            },
        });
    }
    Ok(tools)
}

/// Many write `{}` for no arguments; Ollama requires an object schema.
fn schema(parameters: Option<&Json>) -> Schema<'_> {
    match parameters.filter(|json| !json.is_empty_object()) {
        Some(json) => Schema::Given(json),
        None => Schema::Empty {
            r#type: "object",
            properties: Nothing {},
        },
    }
}
