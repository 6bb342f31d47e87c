use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::translate::data_url::data_url;
use crate::translate::exchange::{flat_format, free_text};
use crate::translate::responses::{is_openais_seal, item};
use crate::translate::{
    Format, Json, Losses, Output, Part, Request, Source, ToolCall, ToolChoice, ToolKind, Turn,
};

/// Chat's fields that have the same name in Responses.
const OWN: [&str; 6] = [
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "include",
];

/// Fields that change an answer's meaning and cannot be translated.
const MEANT: [&str; 10] = [
    "n",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "audio",
    "functions",
    "function_call",
    "web_search_options",
    "container",
    "mcp_servers",
];

/// Writes `request` for OpenAI's Responses, for `model`. Nothing is stored.
///
/// # Errors
/// `InvalidRequest`, naming the parameter that cannot be translated.
pub(crate) fn write(request: &Request, model: &str, losses: &mut Losses) -> Result<Vec<u8>> {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("store".into(), false.into());
    if request.stream {
        body.insert("stream".into(), true.into());
    }
    body.insert("input".into(), input(&request.turns, losses)?.into());
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    };
    let sampling = &request.sampling;
    set("max_output_tokens", request.max_tokens.map(Value::from));
    set("temperature", sampling.temperature.map(Value::from));
    set("top_p", sampling.top_p.map(Value::from));
    set(
        "parallel_tool_calls",
        request.parallel_tool_calls.map(Value::from),
    );
    set("user", request.user.clone().map(Value::from));
    set("reasoning", reasoning(request));
    set("tools", tools(request, losses)?);
    let choice = request.tool_choice.as_ref();
    set(
        "tool_choice",
        choice.map(|choice| self::choice(choice, request)),
    );
    set("text", text(request)?);
    for (name, is_set) in [
        ("top_k", sampling.top_k.is_some()),
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
        ("seed", sampling.seed.is_some()),
    ] {
        if is_set {
            losses.drop_param(name)?;
        }
    }
    if !request.stop.is_empty() {
        return Err(Losses::refusal("stop"));
    }
    for (name, json) in &request.extra {
        match name.as_str() {
            "verbosity" => {}
            // Values that equal the default.
            "n" if json.get() == "1" => {}
            "logprobs" if json.get() == "false" => {}
            own if OWN.contains(&own) => {
                body.insert(own.into(), value(json, own)?);
            }
            meant if MEANT.contains(&meant) || meant.contains('[') => {
                return Err(Losses::refusal(meant));
            }
            "stream_options" => {}
            hint => losses.drop_param(hint.strip_prefix("responses.").unwrap_or(hint))?,
        }
    }
    // Writing strings and numbers into a growing buffer cannot fail.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

/// The value of `param`.
///
/// # Errors
/// `InvalidRequest` when it is nested more deeply than a tree of values may be.
fn value(json: &Json, param: &str) -> Result<Value> {
    serde_json::from_str(json.get()).map_err(|cause| {
        let message = format!("`{param}` is nested too deeply");
        Error::new(ErrorKind::InvalidRequest, message)
            .with_param(param.to_owned())
            .with_source(cause)
    })
}

fn reasoning(request: &Request) -> Option<Value> {
    let reasoning = request.reasoning.as_ref()?;
    let by_budget = reasoning
        .budget_tokens
        .map(|budget| crate::translate::messages::effort_of(budget).to_owned());
    let mut fields = Map::new();
    if let Some(effort) = reasoning.effort.clone().or(by_budget) {
        fields.insert("effort".into(), effort.into());
    }
    if reasoning.is_shown == Some(true) {
        fields.insert("summary".into(), "auto".into());
    }
    (!fields.is_empty()).then(|| fields.into())
}

fn tools(request: &Request, losses: &mut Losses) -> Result<Option<Value>> {
    let mut tools = Vec::new();
    for tool in &request.tools {
        if tool.cache.is_some() {
            losses.drop_param("cache_control")?;
        }
        if let Some(client) = &tool.client
            && let ToolKind::Custom { format } = &client.kind
        {
            let mut custom = json!({"type": "custom", "name": tool.name});
            if let Some(description) = &tool.description {
                custom["description"] = description.as_str().into();
            }
            if let Some(format) = format.as_ref().and_then(flat_format) {
                custom["format"] = format;
            }
            tools.push(custom);
            continue;
        }
        let parameters = tool.parameters.as_ref();
        let parameters = parameters
            .map(|schema| value(schema, "tools"))
            .transpose()?;
        tools.push(json!({
            "type": "function", "name": tool.name, "description": tool.description,
            "parameters": parameters, "strict": tool.strict.unwrap_or(false),
        }));
    }
    Ok((!tools.is_empty()).then(|| tools.into()))
}

fn choice(choice: &ToolChoice, request: &Request) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => {
            let mut tools = request.tools.iter();
            let tool = tools.find(|tool| tool.name == *name);
            let client = tool.and_then(|tool| tool.client.as_ref());
            let kind = match client.is_some_and(|client| client.is_custom()) {
                true => "custom",
                false => "function",
            };
            json!({"type": kind, "name": name})
        }
    }
}

fn text(request: &Request) -> Result<Option<Value>> {
    let mut fields = Map::new();
    match &request.format {
        None => {}
        Some(Format::Text) => drop(fields.insert("format".into(), json!({"type": "text"}))),
        Some(Format::Json) => drop(fields.insert("format".into(), json!({"type": "json_object"}))),
        Some(Format::Schema {
            name,
            description,
            schema,
            strict,
        }) => {
            let schema = value(schema, "text.format.schema")?;
            let mut format = json!({"type": "json_schema", "name": name, "schema": schema});
            if let Some(description) = description {
                format["description"] = description.as_str().into();
            }
            if let Some(strict) = strict {
                format["strict"] = (*strict).into();
            }
            fields.insert("format".into(), format);
        }
    }
    let mut extra = request.extra.iter();
    if let Some((_, verbosity)) = extra.find(|(name, _)| name == "verbosity") {
        fields.insert("verbosity".into(), value(verbosity, "verbosity")?);
    }
    Ok((!fields.is_empty()).then(|| fields.into()))
}

fn input(turns: &[Turn], losses: &mut Losses) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    // Calls with free text as input: their results are items of another type.
    let mut custom = HashSet::new();
    for turn in turns {
        match turn {
            Turn::System(parts) => {
                items.push(json!({"role": "developer", "content": self::parts(parts, losses)?}));
            }
            Turn::User(parts) => {
                items.push(json!({"role": "user", "content": self::parts(parts, losses)?}));
            }
            Turn::Assistant(output) => {
                for output in output {
                    if let Output::ToolCall(call) = output
                        && is_custom(call)
                    {
                        custom.insert(call.id.as_str());
                    }
                    items.extend(output_item(output)?);
                }
            }
            Turn::Tool(result) => {
                if result.is_error {
                    losses.drop_param("is_error")?;
                }
                let kind = match custom.contains(result.call_id.as_str()) {
                    true => "custom_tool_call_output",
                    false => "function_call_output",
                };
                items.push(json!({
                    "type": kind, "call_id": result.call_id,
                    "output": parts(&result.parts, losses)?,
                }));
            }
        }
    }
    Ok(items)
}

/// `None` for reasoning that is not encrypted: only encrypted reasoning is accepted back.
fn output_item(output: &Output) -> Result<Option<Value>> {
    Ok(Some(match output {
        Output::Text(text) => json!({
            "role": "assistant", "content": [{"type": "output_text", "text": text}],
        }),
        Output::Refusal(refusal) => json!({
            "role": "assistant", "content": [{"type": "refusal", "refusal": refusal}],
        }),
        Output::ToolCall(call) if is_custom(call) => json!({
            "type": "custom_tool_call", "call_id": call.id, "name": call.name,
            "input": free_text::unwrap(&call.arguments),
        }),
        Output::ToolCall(call) => json!({
            "type": "function_call", "call_id": call.id, "name": call.name,
            "arguments": call.arguments,
        }),
        Output::Reasoning(thought) => {
            // A stream has no other place for it.
            let sealed = thought.sealed.as_ref().or(thought.signature.as_ref());
            let sealed = sealed.filter(|sealed| is_openais_seal(sealed));
            let Some(sealed) = sealed else {
                return Ok(None);
            };
            let id = thought.id.as_deref().unwrap_or_default();
            let mut item = item::reasoning(id, &thought.text, Some(sealed));
            if let (true, Some(fields)) = (id.is_empty(), item.as_object_mut()) {
                fields.remove("id");
            }
            item
        }
        Output::Picture(picture) => {
            let Source::Data { data, .. } = &picture.source else {
                return Err(Losses::refusal("images"));
            };
            json!({
                "id": item::new_id("ig"), "type": "image_generation_call", "status": "completed",
                "result": data,
            })
        }
    }))
}

fn is_custom(call: &ToolCall) -> bool {
    call.client
        .as_ref()
        .is_some_and(|client| client.is_custom())
}

fn parts(parts: &[Part], losses: &mut Losses) -> Result<Value> {
    if let [Part::Text(text)] = parts {
        return Ok(text.text.as_str().into());
    }
    let mut written = Vec::new();
    for part in parts {
        let cache = match part {
            Part::Text(text) => &text.cache,
            Part::Image(image) => &image.cache,
            Part::File(file) => &file.cache,
            Part::Audio { .. } => return Err(Losses::refusal("input_audio")),
        };
        if cache.is_some() {
            losses.drop_param("cache_control")?;
        }
        written.push(match part {
            Part::Text(text) => json!({"type": "input_text", "text": text.text}),
            Part::Image(image) => {
                let detail = image.detail.as_deref().unwrap_or("auto");
                let mut part = json!({"type": "input_image", "detail": detail});
                place(&mut part, &image.source, "image_url", "image_url");
                part
            }
            Part::File(file) => {
                let mut part = json!({"type": "input_file"});
                place(&mut part, &file.source, "file_url", "file_data");
                if matches!(file.source, Source::Data { .. }) {
                    part["filename"] = file.name.as_deref().unwrap_or("document.pdf").into();
                }
                part
            }
            Part::Audio { .. } => return Err(Losses::refusal("input_audio")),
        });
    }
    Ok(written.into())
}

fn place(part: &mut Value, source: &Source, url_name: &str, data_name: &str) {
    match source {
        Source::Url(url) => part[url_name] = url.as_str().into(),
        Source::Data { media_type, data } => part[data_name] = data_url(media_type, data).into(),
        Source::Id(id) => part["file_id"] = id.as_str().into(),
    }
}
