use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use super::client_tools;
use super::source::{located, picture};
use crate::error::Result;
use crate::translate::messages::reply;
use crate::translate::reading::{Content, Object, Path};
use crate::translate::{
    File, Format, Image, Json, Part, Reasoning, Request, Sampling, Source, Text, Tool, ToolChoice,
    ToolResult, Turn,
};

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
pub fn read(body: &[u8]) -> Result<Request> {
    let request = read_to_count(body)?;
    if request.max_tokens.is_none() {
        return Err(Path::Request.key("max_tokens").invalid("is missing"));
    }
    Ok(request)
}

/// Reads a token count request: like [`read`], but without `max_tokens`.
///
/// # Errors
/// As [`read`].
pub fn read_to_count(body: &[u8]) -> Result<Request> {
    let at = Path::Request;
    let body = Object::parse(body, &at)?;
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
        is_lenient: false,
    };
    reader.thinking(&body, &at)?;
    reader.metadata(&body, &at)?;
    reader.system(&body, &at)?;
    let messages = at.key("messages");
    let list: Vec<&RawValue> = body.need("messages", &at)?;
    for (index, message) in list.into_iter().enumerate() {
        let at = messages.index(index);
        reader.message(&Object::of(message, &at)?, &at)?;
    }
    reader.tools(&body, &at)?;
    reader.choice(&body, &at)?;
    Ok(request)
}

/// Reads only the messages. Anything unknown counts as plain text.
pub(crate) fn read_turns(body: &[u8]) -> Vec<Turn> {
    let at = Path::Request;
    let mut request = Request::default();
    let mut reader = Reader {
        request: &mut request,
        is_lenient: true,
    };
    let Ok(body) = Object::parse(body, &at) else {
        return Vec::new();
    };
    if reader.system(&body, &at).is_err() {
        let system = body.raw("system").map_or("", RawValue::get);
        reader.unknown(system);
    }
    let messages = at.key("messages");
    let list: Vec<&RawValue> = body.lenient("messages").unwrap_or_default();
    for (index, json) in list.into_iter().enumerate() {
        let at = messages.index(index);
        let read = Object::of(json, &at).and_then(|message| reader.message(&message, &at));
        if read.is_err() {
            reader.unknown(json.get());
        }
    }
    request.turns
}

/// Fills a request.
struct Reader<'r> {
    request: &'r mut Request,
    /// Unknown blocks are texts instead of errors.
    is_lenient: bool,
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

    fn unknown(&mut self, json: &str) {
        let text = json.to_owned();
        let part = Part::Text(Text { text, cache: None });
        self.request.turns.push(Turn::User(vec![part]));
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

    fn system(&mut self, body: &Object<'_>, at: &Path<'_>) -> Result<()> {
        if let Some(content) = body.content("system", at)? {
            let parts = self.parts(content, &at.key("system"))?;
            self.request.turns.push(Turn::System(parts));
        }
        Ok(())
    }

    fn message(&mut self, message: &Object<'_>, at: &Path<'_>) -> Result<()> {
        let role: String = message.need("role", at)?;
        let content_at = at.key("content");
        let content = message.content("content", at)?;
        let content = content.ok_or_else(|| content_at.invalid("is missing"))?;
        match role.as_str() {
            "user" => self.user(content, &content_at)?,
            "assistant" => {
                let output = match content {
                    Content::Text(text) => vec![crate::translate::Output::Text(text)],
                    Content::Parts(blocks) => {
                        let blocks = blocks.into_iter().enumerate();
                        let output = blocks.map(|(index, block)| {
                            let at = content_at.index(index);
                            reply::read_output(&Object::of(block, &at)?, &at)
                        });
                        output
                            .filter_map(Result::transpose)
                            .collect::<Result<_>>()?
                    }
                };
                self.request.turns.push(Turn::Assistant(output));
            }
            // Some models accept instructions in between.
            "system" => {
                let parts = self.parts(content, &content_at)?;
                self.request.turns.push(Turn::System(parts));
            }
            _ => return Err(at.key("role").invalid("must be `user` or `assistant`")),
        }
        Ok(())
    }

    /// Each tool result is a turn of its own; the remaining content is another one.
    fn user(&mut self, content: Content<'_>, at: &Path<'_>) -> Result<()> {
        let blocks = match content {
            Content::Text(_) => {
                let parts = self.parts(content, at)?;
                self.request.turns.push(Turn::User(parts));
                return Ok(());
            }
            Content::Parts(blocks) => blocks,
        };
        let mut parts = Vec::new();
        let turns = self.request.turns.len();
        for (index, json) in blocks.into_iter().enumerate() {
            let at = at.index(index);
            let block = Object::of(json, &at)?;
            let kind: String = block.need("type", &at)?;
            if kind != "tool_result" {
                self.part(&block, &kind, &at, &mut parts)?;
                continue;
            }
            let content = block.content("content", &at)?;
            let content = content.map(|content| self.parts(content, &at.key("content")));
            self.request.turns.push(Turn::Tool(ToolResult {
                call_id: block.need("tool_use_id", &at)?,
                parts: content.transpose()?.unwrap_or_default(),
                is_error: block.get("is_error", &at)?.unwrap_or_default(),
                cache: block.json("cache_control"),
            }));
        }
        let has_results = self.request.turns.len() > turns;
        if !parts.is_empty() || !has_results {
            self.request.turns.push(Turn::User(parts));
        }
        Ok(())
    }

    fn parts(&mut self, content: Content<'_>, at: &Path<'_>) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        match content {
            Content::Text(text) => parts.push(Part::Text(Text { text, cache: None })),
            Content::Parts(blocks) => {
                for (index, block) in blocks.into_iter().enumerate() {
                    let at = at.index(index);
                    let block = Object::of(block, &at)?;
                    let kind: String = block.need("type", &at)?;
                    self.part(&block, &kind, &at, &mut parts)?;
                }
            }
        }
        Ok(parts)
    }

    fn part(
        &mut self,
        block: &Object<'_>,
        kind: &str,
        at: &Path<'_>,
        parts: &mut Vec<Part>,
    ) -> Result<()> {
        let cache = block.json("cache_control");
        match kind {
            "text" => parts.push(Part::Text(Text {
                text: block.need("text", at)?,
                cache,
            })),
            "image" => parts.push(Part::Image(Image {
                source: picture(block, at)?,
                detail: None,
                cache,
            })),
            "document" => {
                for name in ["citations", "context"] {
                    if let Some(json) = block.raw(name) {
                        self.besides(&at.key(name), json);
                    }
                }
                let name: Option<String> = block.get("title", at)?;
                self.document(block, at, name, cache, parts)?;
            }
            // The result of a client's own tool search: a name.
            "tool_reference" => parts.push(Part::Text(Text {
                text: block.need("tool_name", at)?,
                cache,
            })),
            // The result of a client's own search: texts and their sources.
            "search_result" => {
                let title: Option<String> = block.get("title", at)?;
                let source: Option<String> = block.get("source", at)?;
                let head: Vec<String> = title.into_iter().chain(source).collect();
                parts.push(Part::Text(Text {
                    text: head.join("\n"),
                    cache: None,
                }));
                if let Some(content) = block.content("content", at)? {
                    parts.extend(self.parts(content, &at.key("content"))?);
                }
            }
            // Cache marks move with each request.
            _ if self.is_lenient => {
                let members = block.members().filter(|(name, _)| *name != "cache_control");
                let members = members.map(|(name, json)| format!("{name}:{json}"));
                let text = members.collect::<Vec<_>>().join(",");
                parts.push(Part::Text(Text { text, cache: None }));
            }
            _ => {
                return Err(at.key("type").invalid(
                    "must be `text`, `image`, `document`, `search_result` or `tool_result`",
                ));
            }
        }
        Ok(())
    }

    fn document(
        &mut self,
        block: &Object<'_>,
        at: &Path<'_>,
        name: Option<String>,
        cache: Option<Json>,
        parts: &mut Vec<Part>,
    ) -> Result<()> {
        let source = block.need_object("source", at)?;
        let at = at.key("source");
        let kind: String = source.need("type", &at)?;
        let source = match kind.as_str() {
            "text" => Source::Data {
                media_type: "text/plain".to_owned(),
                data: STANDARD.encode(source.need::<String>("data", &at)?),
            },
            "content" => {
                let content = source.content("content", &at)?;
                let content = content.ok_or_else(|| at.key("content").invalid("is missing"))?;
                parts.extend(self.parts(content, &at.key("content"))?);
                return Ok(());
            }
            kind => located(kind, &source, &at)?,
        };
        parts.push(Part::File(File {
            source,
            name,
            cache,
        }));
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
