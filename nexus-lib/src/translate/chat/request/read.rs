use serde_json::value::RawValue;

use super::part;
use crate::error::Result;
use crate::translate::chat::assistant;
use crate::translate::exchange::custom_tool;
use crate::translate::reading::{self, Object, Path};
use crate::translate::{
    Format, Json, Reasoning, Request, Sampling, Tool, ToolChoice, ToolResult, Turn, allowed,
};

/// Fields with a place of their own in the neutral form.
const PLACED: [&str; 18] = [
    "model",
    "messages",
    "stream",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "reasoning_effort",
    "user",
];

/// Reads an OpenAI client's request. Each message becomes one turn.
///
/// # Errors
/// `InvalidRequest`, naming the parameter by its path, such as `messages[2].content[0].image_url`.
pub(crate) fn read(body: &[u8]) -> Result<Request> {
    let at = Path::Request;
    let body = Object::parse(body, &at)?;
    let others = body.members().filter(|(name, _)| !PLACED.contains(name));
    let mut request = Request {
        model: body.need("model", &at)?,
        stream: body.get("stream", &at)?.unwrap_or_default(),
        parallel_tool_calls: body.get("parallel_tool_calls", &at)?,
        stop: stop(&body, &at)?,
        max_tokens: match body.get("max_completion_tokens", &at)? {
            Some(max_tokens) => Some(max_tokens),
            None => body.get("max_tokens", &at)?,
        },
        sampling: Sampling {
            temperature: body.get("temperature", &at)?,
            top_p: body.get("top_p", &at)?,
            top_k: body.get("top_k", &at)?,
            frequency_penalty: body.get("frequency_penalty", &at)?,
            presence_penalty: body.get("presence_penalty", &at)?,
            seed: body.get("seed", &at)?,
        },
        reasoning: body.get("reasoning_effort", &at)?.map(|effort| Reasoning {
            effort: Some(effort),
            ..Reasoning::default()
        }),
        user: body.get("user", &at)?,
        format: body
            .object("response_format", &at)?
            .map(|format| self::format(&format, &at.key("response_format")))
            .transpose()?,
        extra: others
            .map(|(name, json)| (name.to_owned(), Json::of(json)))
            .collect(),
        ..Request::default()
    };
    let messages = at.key("messages");
    let list: Vec<&RawValue> = body.need("messages", &at)?;
    for (index, message) in list.into_iter().enumerate() {
        let at = messages.index(index);
        request.turns.push(turn(&Object::of(message, &at)?, &at)?);
    }
    tools(&body, &at, &mut request)?;
    choice(&body, &at, &mut request)?;
    Ok(request)
}

fn turn(message: &Object<'_>, at: &Path<'_>) -> Result<Turn> {
    let role: String = message.need("role", at)?;
    Ok(match role.as_str() {
        "system" | "developer" => Turn::System(part::read_all(message, at)?),
        "user" => Turn::User(part::read_all(message, at)?),
        "assistant" => Turn::Assistant(assistant::read(message, at)?),
        "tool" => Turn::Tool(ToolResult {
            call_id: message.need("tool_call_id", at)?,
            parts: part::read_result(message, at)?,
            is_error: message.get("is_error", at)?.unwrap_or_default(),
            cache: message.json("cache_control"),
        }),
        // The format that preceded tools: it names the function, and answers the last call.
        "function" => Turn::Tool(ToolResult {
            parts: part::read_result(message, at)?,
            ..ToolResult::default()
        }),
        _ => {
            return Err(at
                .key("role")
                .invalid("must be `system`, `developer`, `user`, `assistant` or `tool`"));
        }
    })
}

fn stop(body: &Object<'_>, at: &Path<'_>) -> Result<Vec<String>> {
    match body.raw("stop") {
        Some(json) if json.get().starts_with('"') => {
            Ok(vec![reading::value(json, &at.key("stop"))?])
        }
        _ => Ok(body.get("stop", at)?.unwrap_or_default()),
    }
}

fn tools(body: &Object<'_>, at: &Path<'_>, request: &mut Request) -> Result<()> {
    let tools = at.key("tools");
    for (index, json) in body.list("tools", at)?.into_iter().enumerate() {
        let at = tools.index(index);
        let tool = Object::of(json, &at)?;
        let kind: Option<String> = tool.get("type", &at)?;
        if kind.as_deref() == Some("custom") {
            let custom = tool.need_object("custom", &at)?;
            let at = at.key("custom");
            request.tools.push(custom_tool(
                None,
                custom.need("name", &at)?,
                custom.get("description", &at)?,
                custom.json("format"),
            ));
            continue;
        }
        if kind.is_some_and(|kind| kind != "function") {
            request.extra.push((at.to_string(), Json::of(json)));
            continue;
        }
        let function = tool.need_object("function", &at)?;
        let at = at.key("function");
        request.tools.push(Tool {
            name: function.need("name", &at)?,
            description: function.get("description", &at)?,
            parameters: function.json("parameters"),
            strict: function.get("strict", &at)?,
            cache: tool
                .json("cache_control")
                .or_else(|| function.json("cache_control")),
            client: None,
        });
    }
    Ok(())
}

fn choice(body: &Object<'_>, at: &Path<'_>, request: &mut Request) -> Result<()> {
    let Some(json) = body.raw("tool_choice") else {
        return Ok(());
    };
    let at = at.key("tool_choice");
    request.tool_choice = match json.get() {
        r#""auto""# => Some(ToolChoice::Auto),
        r#""none""# => Some(ToolChoice::None),
        r#""required""# => Some(ToolChoice::Required),
        text if text.starts_with('"') => {
            return Err(at.invalid("must be `auto`, `none`, `required` or name a function"));
        }
        _ => {
            let choice = Object::of(json, &at)?;
            let kind: String = choice.need("type", &at)?;
            if kind == "allowed_tools" {
                return allowed::read(&choice, &at, request);
            }
            if matches!(kind.as_str(), "function" | "custom") {
                let tool = choice.need_object(&kind, &at)?;
                Some(ToolChoice::Named(tool.need("name", &at.key(&kind))?))
            } else {
                request.extra.push((at.to_string(), Json::of(json)));
                None
            }
        }
    };
    Ok(())
}

fn format(format: &Object<'_>, at: &Path<'_>) -> Result<Format> {
    let kind: String = format.need("type", at)?;
    Ok(match kind.as_str() {
        "text" => Format::Text,
        "json_object" => Format::Json,
        "json_schema" => {
            let schema = format.need_object("json_schema", at)?;
            let at = at.key("json_schema");
            Format::Schema {
                name: schema.need("name", &at)?,
                description: schema.get("description", &at)?,
                schema: schema
                    .json("schema")
                    .ok_or_else(|| at.key("schema").invalid("is missing"))?,
                strict: schema.get("strict", &at)?,
            }
        }
        _ => {
            return Err(at
                .key("type")
                .invalid("must be `text`, `json_object` or `json_schema`"));
        }
    })
}
