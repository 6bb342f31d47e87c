use serde::Serialize;

use super::media::{self, ImageConfig};
use super::turns::{self, Content};
use crate::error::{Error, ErrorKind, Result};
use crate::translate::gemini::generation::{Generation, ThinkingConfig};
use crate::translate::{Format, Json, Losses, Request, Sampling, ToolChoice, unplaced};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "GenerationConfig::is_empty")]
    generation_config: GenerationConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<FunctionDeclaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionDeclaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a Json>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: FunctionCallingConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionCallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_modalities: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_config: Option<ImageConfig>,
}

impl GenerationConfig<'_> {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The request body for Gemini, for `model`, the provider's name of the model. The URL decides
/// whether it streams. The table in [`gemini`](crate::translate::gemini) lists what cannot be
/// translated.
///
/// # Errors
/// `InvalidRequest`, naming the parameter, if it cannot be translated and changes the meaning, or
/// if `losses` allows none.
pub(crate) fn write(request: &Request, model: &str, losses: &mut Losses) -> Result<Vec<u8>> {
    let generation = Generation::of(model);
    unplaced::look(request, &media::OWN, losses)?;
    if request.user.is_some() {
        losses.drop_param("user")?;
    }
    if request.parallel_tool_calls == Some(false) && !request.tools.is_empty() {
        losses.drop_param("parallel_tool_calls")?;
    }
    let (system_instruction, contents) = turns::write(&request.turns, generation, losses)?;
    let body = Body {
        system_instruction,
        contents,
        tools: tools(request, losses)?,
        tool_config: tool_config(request),
        generation_config: generation_config(request, generation, losses)?,
    };
    serde_json::to_vec(&body).map_err(|error| {
        Error::new(ErrorKind::Internal, "the request cannot be written").with_source(error)
    })
}

fn tools<'a>(request: &'a Request, losses: &mut Losses) -> Result<Option<[Tools<'a>; 1]>> {
    let mut function_declarations = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        if tool.strict == Some(true) {
            losses.drop_param("tools.function.strict")?;
        }
        if tool.cache.is_some() {
            losses.drop_param("cache_control")?;
        }
        function_declarations.push(FunctionDeclaration {
            name: &tool.name,
            description: tool.description.as_deref(),
            // Many write `{}` for no arguments; Gemini has no schema then.
            parameters_json_schema: (tool.parameters.as_ref())
                .filter(|json| !json.is_empty_object()),
        });
    }
    Ok((!function_declarations.is_empty()).then_some([Tools {
        function_declarations,
    }]))
}

/// Without tools there is nothing to choose.
fn tool_config(request: &Request) -> Option<ToolConfig<'_>> {
    let choice = request.tool_choice.as_ref();
    let choice = choice.filter(|_| !request.tools.is_empty())?;
    let (mode, name) = match choice {
        ToolChoice::Auto => ("AUTO", None),
        ToolChoice::None => ("NONE", None),
        ToolChoice::Required => ("ANY", None),
        ToolChoice::Named(name) => ("ANY", Some([name.as_str()])),
    };
    Some(ToolConfig {
        function_calling_config: FunctionCallingConfig {
            mode,
            allowed_function_names: name,
        },
    })
}

fn generation_config<'a>(
    request: &'a Request,
    generation: Generation,
    losses: &mut Losses,
) -> Result<GenerationConfig<'a>> {
    let (response_mime_type, response_json_schema) = match &request.format {
        None | Some(Format::Text) => (None, None),
        Some(Format::Json) => (Some("application/json"), None),
        Some(Format::Schema { schema, .. }) => (Some("application/json"), Some(schema)),
    };
    let sampling = sampling(request.sampling, generation, losses)?;
    Ok(GenerationConfig {
        stop_sequences: &request.stop,
        response_mime_type,
        response_json_schema,
        max_output_tokens: request.max_tokens,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        seed: seed(sampling.seed, losses)?,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        thinking_config: generation.thinking(request.reasoning.as_ref(), losses)?,
        response_modalities: media::modalities(request)?,
        image_config: media::image_config(request, losses)?,
    })
}

/// The sampling parameters that the model accepts.
fn sampling(asked: Sampling, generation: Generation, losses: &mut Losses) -> Result<Sampling> {
    if generation.takes_sampling() {
        return Ok(asked);
    }
    let dropped = [
        ("temperature", asked.temperature.is_some()),
        ("top_p", asked.top_p.is_some()),
        ("top_k", asked.top_k.is_some()),
        ("presence_penalty", asked.presence_penalty.is_some()),
        ("frequency_penalty", asked.frequency_penalty.is_some()),
    ];
    for (name, is_asked) in dropped {
        if is_asked {
            losses.drop_param(name)?;
        }
    }
    Ok(Sampling {
        seed: asked.seed,
        ..Sampling::default()
    })
}

/// Gemini's seeds have 32 bits.
fn seed(seed: Option<i64>, losses: &mut Losses) -> Result<Option<i32>> {
    let Some(seed) = seed else {
        return Ok(None);
    };
    let seed = i32::try_from(seed).ok();
    if seed.is_none() {
        losses.drop_param("seed")?;
    }
    Ok(seed)
}
