use std::borrow::Cow;

use serde::Serialize;

use super::extra;
use super::schema::closed;
use super::thinking::{Plan, Thinking};
use super::turns::{self, Message};
use crate::error::{Error, ErrorKind, Result};
use crate::translate::messages::block::Blocks;
use crate::translate::messages::generation::Generation;
use crate::translate::{Format, Json, Losses, Output, Request, ToolChoice, Turn};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Blocks::is_empty")]
    system: Blocks<'a>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<&'a Json>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Given(Cow<'a, Json>),
    /// A schema is required, even without arguments.
    Empty {
        r#type: &'static str,
        properties: Nothing,
    },
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Choice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<OutputFormat<'a>>,
}

#[derive(Serialize)]
struct OutputFormat<'a> {
    r#type: &'static str,
    schema: Cow<'a, Json>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

/// The request body for Anthropic, for `model`, the provider's name of the model. The table in
/// [`messages`](crate::translate::messages) lists what cannot be translated.
///
/// # Errors
/// `InvalidRequest`, naming the parameter, if it cannot be translated and changes the meaning, or
/// if `losses` allows none.
pub(crate) fn write(request: &Request, model: &str, losses: &mut Losses) -> Result<Vec<u8>> {
    let generation = Generation::of(model);
    let extra = extra::look(request, losses)?;
    let max_tokens = max_tokens(request, generation, losses)?;
    let plan = Plan::of(request, generation, max_tokens, losses)?;
    let sampling = sampling(request, generation, &plan, losses)?;
    let takes_prefill = generation.takes_prefill();
    let (system, messages) = turns::write(&request.turns, takes_prefill, losses)?;
    let format = format(request, generation)?;
    let has_config = plan.effort.is_some() || format.is_some();
    let body = Body {
        model,
        max_tokens,
        system,
        messages,
        tools: tools(request, generation, losses)?,
        tool_choice: choice(request),
        thinking: plan.thinking,
        output_config: has_config.then_some(OutputConfig {
            effort: plan.effort,
            format,
        }),
        stop_sequences: &request.stop,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        metadata: (request.user.as_deref())
            .or(extra.safety_identifier.as_deref())
            .map(|user_id| Metadata { user_id }),
        service_tier: extra.service_tier,
        stream: request.stream,
    };
    serde_json::to_vec(&body).map_err(|error| {
        Error::new(ErrorKind::Internal, "the request cannot be written").with_source(error)
    })
}

/// The client's value, up to the model's maximum.
fn max_tokens(request: &Request, generation: Generation, losses: &mut Losses) -> Result<u64> {
    let Some(asked) = request.max_tokens else {
        return Ok(generation.max_tokens());
    };
    match generation.most_tokens() {
        Some(most) if asked > most => losses.drop_param("max_tokens").map(|()| most),
        _ => Ok(asked),
    }
}

/// The tools that were called, if none is declared any more: Anthropic rejects calls without tools.
fn called(request: &Request) -> Vec<Tool<'_>> {
    let mut names = std::collections::HashSet::new();
    let output = request.turns.iter().filter_map(|turn| match turn {
        Turn::Assistant(output) => Some(output),
        _ => None,
    });
    let calls = output.flatten().filter_map(|output| match output {
        Output::ToolCall(call) => Some(call.name.as_str()),
        _ => None,
    });
    let calls = calls.filter(|name| names.insert(*name));
    let tools = calls.map(|name| Tool {
        name,
        description: None,
        input_schema: schema(None),
        strict: None,
        cache_control: None,
    });
    tools.collect()
}

fn tools<'a>(
    request: &'a Request,
    generation: Generation,
    losses: &mut Losses,
) -> Result<Vec<Tool<'a>>> {
    if request.tools.is_empty() {
        return Ok(called(request));
    }
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        let mut strict = tool.strict.filter(|&is_strict| is_strict);
        if strict.is_some() && !generation.follows_schemas() {
            losses.drop_param("tools.function.strict")?;
            strict = None;
        }
        tools.push(Tool {
            name: &tool.name,
            description: tool.description.as_deref(),
            input_schema: match (strict, &tool.parameters) {
                (Some(_), Some(json)) if !json.is_empty_object() => Schema::Given(closed(json)),
                (_, parameters) => schema(parameters.as_ref()),
            },
            strict,
            cache_control: tool.cache.as_ref(),
        });
    }
    Ok(tools)
}

/// Many write `{}` for no arguments; Anthropic requires an object schema.
fn schema(parameters: Option<&Json>) -> Schema<'_> {
    match parameters.filter(|json| !json.is_empty_object()) {
        Some(json) => Schema::Given(Cow::Borrowed(json)),
        None => Schema::Empty {
            r#type: "object",
            properties: Nothing {},
        },
    }
}

/// Without tools there is nothing to choose, and Anthropic rejects a choice.
fn choice(request: &Request) -> Option<Choice<'_>> {
    if request.tools.is_empty() {
        let called = request
            .turns
            .iter()
            .any(|turn| matches!(turn, Turn::Assistant(output) if output.iter().any(is_call)));
        return called.then_some(Choice {
            r#type: "none",
            name: None,
            disable_parallel_tool_use: None,
        });
    }
    let parallel = request.parallel_tool_calls;
    let (r#type, name) = match &request.tool_choice {
        None if parallel.is_none() => return None,
        None => ("auto", None),
        Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Named(name)) => ("tool", Some(name.as_str())),
    };
    Some(Choice {
        r#type,
        name,
        disable_parallel_tool_use: parallel
            .filter(|_| r#type != "none")
            .map(|is_parallel| !is_parallel),
    })
}

fn is_call(output: &Output) -> bool {
    matches!(output, Output::ToolCall(_))
}

fn format(request: &Request, generation: Generation) -> Result<Option<OutputFormat<'_>>> {
    match &request.format {
        None | Some(Format::Text) => Ok(None),
        // If it can be expressed, it is part of the instructions by now.
        Some(Format::Json) => Err(Losses::refusal("response_format")),
        Some(Format::Schema { .. }) if !generation.follows_schemas() => {
            Err(Losses::refusal("response_format"))
        }
        Some(Format::Schema { schema, .. }) => Ok(Some(OutputFormat {
            r#type: "json_schema",
            schema: closed(schema),
        })),
    }
}

#[derive(Default)]
struct Drawn {
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u64>,
}

fn sampling(
    request: &Request,
    generation: Generation,
    plan: &Plan,
    losses: &mut Losses,
) -> Result<Drawn> {
    let sampling = request.sampling;
    let dropped = [
        ("seed", sampling.seed.is_some()),
        (
            "frequency_penalty",
            sampling.frequency_penalty.is_some_and(is_other_than(0.0)),
        ),
        (
            "presence_penalty",
            sampling.presence_penalty.is_some_and(is_other_than(0.0)),
        ),
    ];
    for (name, _) in dropped.iter().filter(|(_, is_given)| *is_given) {
        losses.drop_param(name)?;
    }
    let takes_none = !generation.takes_sampling();
    let mut drawn = Drawn::default();
    if let Some(temperature) = sampling.temperature {
        let is_default = !is_other_than(1.0)(temperature);
        if (takes_none || plan.has_budget()) && !is_default {
            losses.drop_param("temperature")?;
        } else if temperature > 1.0 {
            losses.drop_param("temperature")?;
            drawn.temperature = Some(1.0);
        } else if !takes_none {
            drawn.temperature = Some(temperature);
        }
    }
    if let Some(top_p) = sampling.top_p {
        let is_default = !is_other_than(1.0)(top_p);
        let is_second = drawn.temperature.is_some() && !generation.takes_two_samplings();
        // Anthropic: with a budget `top_p` must be between 0.95 and 1.
        let is_out = plan.has_budget() && top_p < 0.95;
        if !(takes_none || is_second || is_out) {
            drawn.top_p = Some(top_p);
        } else if !is_default {
            losses.drop_param("top_p")?;
        }
    }
    if let Some(top_k) = sampling.top_k {
        if takes_none || plan.has_budget() {
            losses.drop_param("top_k")?;
        } else {
            drawn.top_k = Some(top_k);
        }
    }
    Ok(drawn)
}

fn is_other_than(default: f64) -> impl Fn(f64) -> bool {
    move |value| (value - default).abs() > f64::EPSILON
}
