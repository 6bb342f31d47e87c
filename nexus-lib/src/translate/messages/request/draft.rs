use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use super::source::{located, picture};
use crate::error::Result;
use crate::translate::draft::Draft;
use crate::translate::messages::reply;
use crate::translate::reading::{Content, Object, Path};
use crate::translate::{File, Image, Json, Output, Part, Source, Text, ToolResult, Turn};

/// Reads the messages of an Anthropic client's request.
///
/// # Errors
/// `InvalidRequest` when `body` is not an object.
pub(crate) fn begin(body: &[u8]) -> Result<Draft> {
    let at = Path::Request;
    let object = Object::parse(body, &at)?;
    let mut draft = Draft::default();
    let mut reader = Reader { draft: &mut draft };
    if let Err(fault) = reader.system(&object, &at) {
        let system = object.raw("system").map_or("", RawValue::get);
        reader.unknown(system);
        reader.draft.note(fault);
    }
    let messages = at.key("messages");
    let list = reader.draft.noted(object.need("messages", &at));
    let list: Vec<&RawValue> = list.unwrap_or_default();
    for (index, json) in list.into_iter().enumerate() {
        let at = messages.index(index);
        let read = Object::of(json, &at).and_then(|message| reader.message(&message, &at));
        if let Err(fault) = read {
            reader.unknown(json.get());
            reader.draft.note(fault);
        }
    }
    draft.rest = object.into_places(body, &["system", "messages"]);
    Ok(draft)
}

/// Fills a draft.
struct Reader<'d> {
    draft: &'d mut Draft,
}

impl Reader<'_> {
    fn unknown(&mut self, json: &str) {
        let text = json.to_owned();
        let part = Part::Text(Text { text, cache: None });
        self.draft.turns.push(Turn::User(vec![part]));
    }

    /// Keeps a field without a place, by its path.
    fn besides(&mut self, at: &Path<'_>, json: &RawValue) {
        self.draft.extra.push((at.to_string(), Json::of(json)));
    }

    fn system(&mut self, body: &Object<'_>, at: &Path<'_>) -> Result<()> {
        if let Some(content) = body.content("system", at)? {
            let parts = self.parts(content, &at.key("system"))?;
            self.draft.turns.push(Turn::System(parts));
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
                    Content::Text(text) => vec![Output::Text(text)],
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
                self.draft.turns.push(Turn::Assistant(output));
            }
            // Some models accept instructions in between.
            "system" => {
                let parts = self.parts(content, &content_at)?;
                self.draft.turns.push(Turn::System(parts));
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
                self.draft.turns.push(Turn::User(parts));
                return Ok(());
            }
            Content::Parts(blocks) => blocks,
        };
        let mut parts = Vec::new();
        let turns = self.draft.turns.len();
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
            self.draft.turns.push(Turn::Tool(ToolResult {
                call_id: block.need("tool_use_id", &at)?,
                parts: content.transpose()?.unwrap_or_default(),
                is_error: block.get("is_error", &at)?.unwrap_or_default(),
                cache: block.json("cache_control"),
            }));
        }
        let has_results = self.draft.turns.len() > turns;
        if !parts.is_empty() || !has_results {
            self.draft.turns.push(Turn::User(parts));
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
            // Some text, so that the conversation is still recognised.
            _ => {
                self.draft.note(at.key("type").invalid(
                    "must be `text`, `image`, `document`, `search_result` or `tool_result`",
                ));
                // Cache marks move with each request.
                let members = block.members().filter(|(name, _)| *name != "cache_control");
                let members = members.map(|(name, json)| format!("{name}:{json}"));
                let text = members.collect::<Vec<_>>().join(",");
                parts.push(Part::Text(Text { text, cache: None }));
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
}
