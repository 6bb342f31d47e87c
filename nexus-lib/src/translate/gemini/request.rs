//! Requests.

use std::collections::HashMap;

use serde::Serialize;

use super::generation::{Generation, ThinkingConfig};
use super::signature::{self, FOREIGN};
use crate::error::{Error, ErrorKind, Result};
use crate::translate::reading::Path;
use crate::translate::{
    File, Format, Image, Json, Losses, Part, Request, Said, Source, ToolCall, ToolChoice,
    ToolResult, Turn, unplaced,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tools<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "GenerationConfig::is_empty")]
    generation_config: GenerationConfig<'a>,
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<Given<'a>>,
}

/// A part. One of the first fields is set, but for a signature alone.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Given<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<InlineData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_response: Option<FunctionResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InlineData<'a> {
    mime_type: String,
    data: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'static str>,
    file_uri: &'a str,
}

#[derive(Serialize)]
struct FunctionCall<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    name: &'a str,
    args: Json,
}

#[derive(Serialize)]
struct FunctionResponse<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    name: &'a str,
    response: Response,
}

/// What a tool returned: Gemini wants an object.
#[derive(Serialize)]
#[serde(untagged)]
enum Response {
    Object(Json),
    Output { output: String },
    Error { error: String },
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

#[derive(Default, Serialize)]
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
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

impl GenerationConfig<'_> {
    fn is_empty(&self) -> bool {
        serde_json::to_string(self).is_ok_and(|text| text == "{}")
    }
}

/// The body to ask Gemini with, for `model`, as the provider calls it. Whether it streams is told by the
/// URL. What cannot be told is in the table of [`gemini`](crate::translate::gemini).
///
/// # Errors
/// `InvalidRequest`, naming the parameter, for what cannot be told and changes the meaning, or where
/// `losses` allows none.
pub fn write(request: &Request, model: &str, losses: &mut Losses) -> Result<Vec<u8>> {
    let generation = Generation::of(model);
    unplaced::look(request, &[], losses)?;
    if request.user.is_some() {
        losses.drop_hint("user")?;
    }
    if request.parallel_tool_calls == Some(false) {
        losses.drop_hint("parallel_tool_calls")?;
    }
    let mut contents = Contents::new(generation);
    contents.add(&request.turns, losses)?;
    let (mut system, mut contents) = (contents.system, contents.contents);
    if contents.is_empty() && !system.is_empty() {
        contents.push(Content {
            role: Some("user"),
            parts: std::mem::take(&mut system),
        });
    }
    let body = Body {
        system_instruction: (!system.is_empty()).then_some(Content {
            role: None,
            parts: system,
        }),
        contents,
        tools: tools(request, losses)?,
        tool_config: tool_config(request),
        generation_config: generation_config(request, generation, losses)?,
    };
    serde_json::to_vec(&body).map_err(|error| {
        Error::new(ErrorKind::Internal, "the request cannot be written").with_source(error)
    })
}

fn tools<'a>(request: &'a Request, losses: &mut Losses) -> Result<Vec<Tools<'a>>> {
    let mut function_declarations = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        if tool.strict == Some(true) {
            losses.drop_hint("tools.function.strict")?;
        }
        if tool.cache.is_some() {
            losses.drop_hint("cache_control")?;
        }
        function_declarations.push(FunctionDeclaration {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters_json_schema: tool.parameters.as_ref(),
        });
    }
    Ok(match function_declarations.is_empty() {
        true => Vec::new(),
        false => vec![Tools {
            function_declarations,
        }],
    })
}

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
    let sampling = request.sampling;
    Ok(GenerationConfig {
        stop_sequences: &request.stop,
        response_mime_type,
        response_json_schema,
        max_output_tokens: request.max_tokens,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        seed: sampling.seed,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        thinking_config: generation.thinking(request.reasoning.as_ref(), losses)?,
    })
}

struct Contents<'a> {
    generation: Generation,
    system: Vec<Given<'a>>,
    contents: Vec<Content<'a>>,
    /// The tools that were called, by the calls' ids: results name both.
    called: HashMap<&'a str, &'a str>,
}

impl<'a> Contents<'a> {
    fn new(generation: Generation) -> Self {
        Self {
            generation,
            system: Vec::new(),
            contents: Vec::new(),
            called: HashMap::new(),
        }
    }

    fn add(&mut self, turns: &'a [Turn], losses: &mut Losses) -> Result<()> {
        let at = Path::Request.key("messages");
        for (index, turn) in turns.iter().enumerate() {
            let at = at.index(index);
            let (role, parts) = match turn {
                Turn::System(given) => {
                    self.system.extend(given_parts(given, &at, losses)?);
                    continue;
                }
                Turn::User(given) => ("user", given_parts(given, &at, losses)?),
                Turn::Assistant(said) => ("model", self.said(said, &at)?),
                Turn::Tool(result) => ("user", self.result(result, &at, losses)?),
            };
            match self.contents.last_mut() {
                _ if parts.is_empty() => {}
                Some(last) if last.role == Some(role) => last.parts.extend(parts),
                _ => self.contents.push(Content {
                    role: Some(role),
                    parts,
                }),
            }
        }
        Ok(())
    }

    fn said(&mut self, said: &'a [Said], at: &Path<'_>) -> Result<Vec<Given<'a>>> {
        let mut parts = Vec::with_capacity(said.len());
        let mut calls = 0;
        for said in said {
            match said {
                Said::Text(text) | Said::Refusal(text) if text.is_empty() => {}
                Said::Text(text) | Said::Refusal(text) => parts.push(text_part(text)),
                // What was thought need not come back; its proof must.
                Said::Reasoning(thought) => {
                    let own = thought.signature.as_deref().and_then(signature::unmark);
                    parts.extend(own.map(|own| Given {
                        thought_signature: Some(own),
                        ..text_part("")
                    }));
                }
                Said::ToolCall(call) => {
                    let place = at.key("tool_calls");
                    let call_at = place.index(calls);
                    parts.push(self.call(call, calls == 0, &call_at)?);
                    calls += 1;
                }
            }
        }
        Ok(parts)
    }

    fn call(&mut self, call: &'a ToolCall, is_first: bool, at: &Path<'_>) -> Result<Given<'a>> {
        self.called.insert(&call.id, &call.name);
        let text = match call.arguments.trim() {
            "" => "{}",
            text => text,
        };
        let args = Json::parse(text).filter(|_| text.starts_with('{'));
        let args = args.ok_or_else(|| {
            at.key("function")
                .key("arguments")
                .invalid("must be a JSON object")
        })?;
        // Of calls that are made together only the first is signed.
        let foreign = (is_first && self.generation.wants_signatures()).then_some(FOREIGN);
        Ok(Given {
            function_call: Some(FunctionCall {
                id: &call.id,
                name: &call.name,
                args,
            }),
            thought_signature: call.signature.as_deref().or(foreign),
            ..Given::default()
        })
    }

    fn result(
        &self,
        result: &'a ToolResult,
        at: &Path<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<Given<'a>>> {
        let name = self.called.get(result.call_id.as_str()).ok_or_else(|| {
            at.key("tool_call_id")
                .invalid("names no call of the messages before")
        })?;
        if result.cache.is_some() {
            losses.drop_hint("cache_control")?;
        }
        let texts = result.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.text.as_str()),
            _ => None,
        });
        let text: String = texts.collect();
        let mut parts = vec![Given {
            function_response: Some(FunctionResponse {
                id: &result.call_id,
                name,
                response: Response::of(text, result.is_error),
            }),
            ..Given::default()
        }];
        for (index, part) in result.parts.iter().enumerate() {
            if !matches!(part, Part::Text(_)) {
                parts.push(given(part, &at.key("content").index(index), losses)?);
            }
        }
        Ok(parts)
    }
}

impl Response {
    fn of(text: String, is_error: bool) -> Self {
        if is_error {
            return Self::Error { error: text };
        }
        let object = Json::parse(text.trim()).filter(|json| json.get().starts_with('{'));
        object.map_or(Self::Output { output: text }, Self::Object)
    }
}

fn text_part(text: &str) -> Given<'_> {
    Given {
        text: Some(text),
        ..Given::default()
    }
}

fn given_parts<'a>(
    parts: &'a [Part],
    at: &Path<'_>,
    losses: &mut Losses,
) -> Result<Vec<Given<'a>>> {
    let at = at.key("content");
    let mut written = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        written.push(given(part, &at.index(index), losses)?);
    }
    Ok(written)
}

fn given<'a>(part: &'a Part, at: &Path<'_>, losses: &mut Losses) -> Result<Given<'a>> {
    let cache = match part {
        Part::Text(text) => &text.cache,
        Part::Image(image) => &image.cache,
        Part::File(file) => &file.cache,
        Part::Audio { .. } => &None,
    };
    if cache.is_some() {
        losses.drop_hint("cache_control")?;
    }
    match part {
        Part::Text(text) => Ok(text_part(&text.text)),
        Part::Image(image) => picture(image, at, losses),
        Part::Audio { data, format } => Ok(inline(format!("audio/{format}"), data)),
        Part::File(file) => document(file, at),
    }
}

/// The kinds of pictures that Gemini takes.
const PICTURES: [&str; 6] = [
    "image/png",
    "image/jpeg",
    "image/jpg",
    "image/webp",
    "image/heic",
    "image/heif",
];

fn picture<'a>(image: &'a Image, at: &Path<'_>, losses: &mut Losses) -> Result<Given<'a>> {
    if image
        .detail
        .as_deref()
        .is_some_and(|detail| detail != "auto")
    {
        losses.drop_hint("detail")?;
    }
    match &image.source {
        Source::Data { media_type, data } => {
            if !PICTURES.contains(&media_type.as_str()) {
                return Err(at.invalid("must be a PNG, JPEG, WebP, HEIC or HEIF"));
            }
            // The name that many use for it is none.
            Ok(inline(media_type.replace("image/jpg", "image/jpeg"), data))
        }
        Source::Url(url) => Ok(file_data(url)),
        Source::Id(_) => Err(Losses::refusal(&at.to_string())),
    }
}

fn document<'a>(file: &'a File, at: &Path<'_>) -> Result<Given<'a>> {
    match &file.source {
        Source::Data { media_type, data } => Ok(inline(media_type.clone(), data)),
        Source::Url(url) => Ok(file_data(url)),
        Source::Id(_) => Err(Losses::refusal(&at.to_string())),
    }
}

fn inline(mime_type: String, data: &str) -> Given<'_> {
    Given {
        inline_data: Some(InlineData { mime_type, data }),
        ..Given::default()
    }
}

fn file_data(url: &str) -> Given<'_> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let ending = path.rsplit('.').next().unwrap_or_default();
    let mime_type = match ending.to_ascii_lowercase().as_str() {
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "webp" => Some("image/webp"),
        "heic" => Some("image/heic"),
        "heif" => Some("image/heif"),
        "pdf" => Some("application/pdf"),
        _ => None,
    };
    Given {
        file_data: Some(FileData {
            mime_type,
            file_uri: url,
        }),
        ..Given::default()
    }
}
