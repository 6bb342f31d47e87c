use serde_json::value::RawValue;

use super::{client_tools, draft};
use crate::error::Result;
use crate::translate::draft::Draft;
use crate::translate::reading::{Object, Path};
use crate::translate::{Format, Json, Reasoning, Request, Sampling, Tool, ToolChoice};

/// Fields with a place of their own in the neutral form.
const PLACED: [&str; 15] = [
    "model",
    "messages",
    "system",
    "max_tokens",
    "stream",
    "tools",
    "tool_choice",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "thinking",
    "output_config",
    "output_format",
    "metadata",
];

/// The name of a schema without one.
const SCHEMA_NAME: &str = "answer";

/// Reads an Anthropic client's request.
///
/// # Errors
/// `InvalidRequest`, naming the parameter by its path, such as `messages[2].content[0].source`.
pub(crate) fn read(body: &[u8]) -> Result<Request> {
    finish(draft::begin(body)?, body)
}

/// Reads a token count request: like [`read`], but without `max_tokens`.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_to_count(body: &[u8]) -> Result<Request> {
    finish_to_count(draft::begin(body)?, body)
}

/// Reads the rest of the request `body`, whose messages are in `draft`.
///
/// # Errors
/// As [`read`].
pub(crate) fn finish(draft: Draft, body: &[u8]) -> Result<Request> {
    let request = finish_to_count(draft, body)?;
    if request.max_tokens.is_none() {
        return Err(Path::Request.key("max_tokens").invalid("is missing"));
    }
    Ok(request)
}

fn finish_to_count(mut draft: Draft, body: &[u8]) -> Result<Request> {
    let at = Path::Request;
    let body = draft.take_rest(body)?;
    let others = body.members().filter(|(name, _)| !PLACED.contains(name));
    let mut request = Request {
        model: body.need("model", &at)?,
        stream: body.get("stream", &at)?.unwrap_or_default(),
        stop: body.get("stop_sequences", &at)?.unwrap_or_default(),
        max_tokens: body.get("max_tokens", &at)?,
        sampling: Sampling {
            temperature: body.get("temperature", &at)?,
            top_p: body.get("top_p", &at)?,
            top_k: body.get("top_k", &at)?,
            ..Sampling::default()
        },
        extra: others
            .map(|(name, json)| (name.to_owned(), Json::of(json)))
            .collect(),
        ..Request::default()
    };
    let mut reader = Reader {
        request: &mut request,
    };
    reader.thinking(&body, &at)?;
    reader.metadata(&body, &at)?;
    draft.check()?;
    reader.request.turns = draft.turns;
    reader.request.extra.extend(draft.extra);
    reader.tools(&body, &at)?;
    reader.choice(&body, &at)?;
    Ok(request)
}

/// Fills a request.
struct Reader<'r> {
    request: &'r mut Request,
}

impl Reader<'_> {
    fn thinking(&mut self, body: &Object<'_>, at: &Path<'_>) -> Result<()> {
        let mut reasoning = None;
        if let Some(thinking) = body.object("thinking", at)? {
            let at = at.key("thinking");
            let kind: String = thinking.need("type", &at)?;
            let display: Option<String> = thinking.get("display", &at)?;
            let mut found = Reasoning {
                is_shown: display.map(|display| display != "omitted"),
                ..Reasoning::default()
            };
            match kind.as_str() {
                "enabled" => found.budget_tokens = Some(thinking.need("budget_tokens", &at)?),
                "adaptive" => {}
                "disabled" => found.effort = Some("none".to_owned()),
                _ => {
                    return Err(at
                        .key("type")
                        .invalid("must be `enabled`, `adaptive` or `disabled`"));
                }
            }
            reasoning = Some(found);
        }
        if let Some(config) = body.object("output_config", at)? {
            let at = at.key("output_config");
            let effort: Option<String> = config.get("effort", &at)?;
            if effort.is_some() {
                let reasoning = reasoning.get_or_insert_default();
                reasoning.effort = reasoning.effort.take().or(effort);
            }
            if let Some(format) = config.object("format", &at)? {
                self.request.format = Some(schema(&format, &at.key("format"))?);
            }
            for (name, json) in config.members() {
                if !matches!(name, "effort" | "format") {
                    self.besides(&at.key(name), json);
                }
            }
        }
        // The beta's name of `output_config.format`.
        if let Some(format) = body.object("output_format", at)? {
            self.request.format = Some(schema(&format, &at.key("output_format"))?);
        }
        self.request.reasoning = reasoning;
        Ok(())
    }

    /// Keeps a field without a place, by its path.
    fn besides(&mut self, at: &Path<'_>, json: &RawValue) {
        self.request.extra.push((at.to_string(), Json::of(json)));
    }

    fn metadata(&mut self, body: &Object<'_>, at: &Path<'_>) -> Result<()> {
        let Some(metadata) = body.object("metadata", at)? else {
            return Ok(());
        };
        let at = at.key("metadata");
        self.request.user = metadata.get("user_id", &at)?;
        for (name, json) in metadata.members().filter(|(name, _)| *name != "user_id") {
            self.besides(&at.key(name), json);
        }
        Ok(())
    }

    fn tools(&mut self, body: &Object<'_>, at: &Path<'_>) -> Result<()> {
        let tools = at.key("tools");
        for (index, json) in body.list("tools", at)?.into_iter().enumerate() {
            let at = tools.index(index);
            let tool = Object::of(json, &at)?;
            let kind: Option<String> = tool.get("type", &at)?;
            if let Some(kind) = kind.filter(|kind| kind != "custom") {
                match client_tools::of(&tool, &kind, &at)? {
                    Some(tool) => self.request.tools.push(tool),
                    None => self.besides(&at, json),
                }
                continue;
            }
            self.request.tools.push(Tool {
                name: tool.need("name", &at)?,
                description: tool.get("description", &at)?,
                parameters: tool.json("input_schema"),
                strict: tool.get("strict", &at)?,
                cache: tool.json("cache_control"),
                client: None,
            });
        }
        Ok(())
    }

    fn choice(&mut self, body: &Object<'_>, at: &Path<'_>) -> Result<()> {
        let Some(choice) = body.object("tool_choice", at)? else {
            return Ok(());
        };
        let at = at.key("tool_choice");
        let kind: String = choice.need("type", &at)?;
        self.request.tool_choice = Some(match kind.as_str() {
            "auto" => ToolChoice::Auto,
            "any" => ToolChoice::Required,
            "none" => ToolChoice::None,
            "tool" => ToolChoice::Named(choice.need("name", &at)?),
            _ => {
                return Err(at
                    .key("type")
                    .invalid("must be `auto`, `any`, `tool` or `none`"));
            }
        });
        let is_serial: Option<bool> = choice.get("disable_parallel_tool_use", &at)?;
        self.request.parallel_tool_calls = is_serial.map(|is_serial| !is_serial);
        Ok(())
    }
}

fn schema(format: &Object<'_>, at: &Path<'_>) -> Result<Format> {
    let kind: String = format.need("type", at)?;
    let schema = format.json("schema").filter(|_| kind == "json_schema");
    Ok(Format::Schema {
        name: SCHEMA_NAME.to_owned(),
        description: None,
        schema: schema.ok_or_else(|| at.invalid("must be a `json_schema`"))?,
        strict: Some(true),
    })
}
