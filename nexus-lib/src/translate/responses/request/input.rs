use std::collections::HashMap;

use serde_json::value::RawValue;

use super::read::text;
use crate::error::Result;
use crate::translate::data_url;
use crate::translate::draft::Draft;
use crate::translate::reading::{Content, Object, Path};
use crate::translate::responses::{call, item};
use crate::translate::{File, Image, Json, Output, Part, Source, ToolResult, Turn};

/// Reads `input`. Consecutive output of the model is one turn; what cannot be read is plain text.
pub(super) fn read(body: &Object<'_>, at: &Path<'_>, draft: &mut Draft) {
    let input_at = at.key("input");
    let input = body.content("input", at);
    let input = input.and_then(|input| input.ok_or_else(|| input_at.invalid("is missing")));
    match draft.noted(input) {
        None => {}
        Some(Content::Text(output)) => draft.turns.push(Turn::User(vec![text(output)])),
        Some(Content::Parts(items)) => {
            let mut reader = Reader {
                draft,
                results: HashMap::new(),
                call_ids: HashMap::new(),
            };
            for (index, json) in items.into_iter().enumerate() {
                let at = input_at.index(index);
                let read = Object::of(json, &at).and_then(|item| reader.item(json, &item, &at));
                if let Err(fault) = read {
                    let part = text(json.get().to_owned());
                    reader.draft.turns.push(Turn::User(vec![part]));
                    reader.draft.note(fault);
                }
            }
        }
    }
}

struct Reader<'r> {
    draft: &'r mut Draft,
    /// The turns with results of calls, by call id.
    results: HashMap<String, usize>,
    /// For results that refer to the item instead: the call's id by that of its item.
    call_ids: HashMap<String, String>,
}

impl Reader<'_> {
    fn item(&mut self, json: &RawValue, item: &Object<'_>, at: &Path<'_>) -> Result<()> {
        let kind: Option<String> = item.get("type", at)?;
        let kind = kind.as_deref().unwrap_or("message");
        let turns = &mut self.draft.turns;
        match kind {
            "message" => message(item, at, turns)?,
            "reasoning" => {
                let thought = item::thought(item, at)?;
                append(turns, [Output::Reasoning(thought)]);
            }
            "image_generation_call" => {
                if let Some(picture) = item::picture(item, at)? {
                    append(turns, [Output::Picture(picture)]);
                }
            }
            "additional_tools" => self.draft.tools.add_all(item, at)?,
            // A message of another agent of the client.
            "agent_message" => turns.push(Turn::User(parts(item, "content", at)?)),
            kind if kind.ends_with("_output") => self.output(kind, json, item, at)?,
            kind => match call::read(kind, item, at)? {
                Some(call) => {
                    if let Some(id) = item.lenient::<String>("id").filter(|id| *id != call.id) {
                        self.call_ids.insert(id, call.id.clone());
                    }
                    // Some models number their calls anew in every turn.
                    self.results.remove(&call.id);
                    append(turns, [Output::ToolCall(call)]);
                }
                None => self.leave_out(kind, json),
            },
        }
        Ok(())
    }

    /// Notes an item that only its provider can read or use.
    fn leave_out(&mut self, kind: &str, json: &RawValue) {
        let name = format!("input.{kind}");
        self.draft.extra.push((name, Json::of(json)));
    }

    fn output(
        &mut self,
        kind: &str,
        json: &RawValue,
        item: &Object<'_>,
        at: &Path<'_>,
    ) -> Result<()> {
        // Its call is a `tool_search_call`.
        let is_search = kind == "tool_search_output";
        if is_search {
            self.draft.tools.add_all(item, at)?;
        }
        let is_call = is_search || {
            let call = kind.strip_suffix("_output");
            call.and_then(call::kind_of).is_some()
        };
        if !is_call || is_search && item.raw("call_id").is_none() {
            // Of a tool that the provider ran.
            self.leave_out(kind, json);
            return Ok(());
        }
        let id: Option<String> = item.get("call_id", at)?;
        let id = match id {
            Some(id) => id,
            None => {
                let id: String = match kind {
                    "local_shell_call_output" => item.need("id", at)?,
                    _ => item.need("call_id", at)?,
                };
                self.call_ids.get(&id).cloned().unwrap_or(id)
            }
        };
        let parts = match item.raw(if is_search { "tools" } else { "output" }) {
            Some(json) if matches!(kind, "shell_call_output" | "tool_search_output") => {
                vec![text(json.get().to_owned())]
            }
            Some(json) if json.get().starts_with(['"', '[']) => parts(item, "output", at)?,
            Some(json) => vec![text(json.get().to_owned())],
            None => vec![text(String::new())],
        };
        let turns = &mut self.draft.turns;
        // A tool may report while it runs; in other protocols a call has one result.
        if let Some(Turn::Tool(before)) = self.results.get(&id).and_then(|at| turns.get_mut(*at)) {
            before.parts.extend(parts);
            return Ok(());
        }
        self.results.insert(id.clone(), turns.len());
        let status: Option<String> = item.lenient("status");
        turns.push(Turn::Tool(ToolResult {
            call_id: id,
            parts,
            is_error: kind == "apply_patch_call_output" && status.as_deref() == Some("failed"),
            cache: None,
        }));
        Ok(())
    }
}

/// Appends to the model's turn, if it is the last one.
fn append(turns: &mut Vec<Turn>, output: impl IntoIterator<Item = Output>) {
    match turns.last_mut() {
        Some(Turn::Assistant(before)) => before.extend(output),
        _ => turns.push(Turn::Assistant(output.into_iter().collect())),
    }
}

fn message(message: &Object<'_>, at: &Path<'_>, turns: &mut Vec<Turn>) -> Result<()> {
    let role: String = message.need("role", at)?;
    match role.as_str() {
        "system" | "developer" => turns.push(Turn::System(parts(message, "content", at)?)),
        "user" => turns.push(Turn::User(parts(message, "content", at)?)),
        "assistant" => {
            let content_at = at.key("content");
            let content = message.content("content", at)?;
            let output = match content.ok_or_else(|| content_at.invalid("is missing"))? {
                Content::Text(text) => vec![Output::Text(text)],
                Content::Parts(parts) => item::output(&parts, &content_at)?,
            };
            append(turns, output);
        }
        _ => {
            return Err(at
                .key("role")
                .invalid("must be `system`, `developer`, `user` or `assistant`"));
        }
    }
    Ok(())
}

fn parts(object: &Object<'_>, name: &str, at: &Path<'_>) -> Result<Vec<Part>> {
    let at_list = at.key(name);
    match object.content(name, at)? {
        None => Err(at_list.invalid("is missing")),
        Some(Content::Text(output)) => Ok(vec![text(output)]),
        Some(Content::Parts(parts)) => {
            let parts = parts.into_iter().enumerate();
            let parts = parts.map(|(index, json)| part(json, &at_list.index(index)));
            parts.filter_map(Result::transpose).collect()
        }
    }
}

/// `None` for parts that only OpenAI can read.
fn part(json: &RawValue, at: &Path<'_>) -> Result<Option<Part>> {
    let part = Object::of(json, at)?;
    let kind: String = part.need("type", at)?;
    Ok(Some(match kind.as_str() {
        // Clients may send parts back under the names in which they received them.
        "input_text" | "output_text" | "text" => text(part.need("text", at)?),
        "input_image" => {
            let url: Option<String> = part.get("image_url", at)?;
            let id: Option<String> = part.get("file_id", at)?;
            Part::Image(Image {
                source: match &url {
                    Some(url) => data_url::picture(url, &at.key("image_url"))?,
                    None => source(None, id, &at.key("image_url"))?,
                },
                detail: part.get("detail", at)?,
                cache: None,
            })
        }
        "input_file" => {
            let data: Option<String> = part.get("file_data", at)?;
            let url: Option<String> = part.get("file_url", at)?;
            let id: Option<String> = part.get("file_id", at)?;
            // Some clients send only the base64.
            let data = data.map(|data| match data.starts_with("data:") {
                true => data,
                false => data_url::data_url("application/pdf", &data),
            });
            Part::File(File {
                source: source(data.or(url), id, &at.key("file_data"))?,
                name: part.get("filename", at)?,
                cache: None,
            })
        }
        "input_audio" => {
            let audio = part.need_object("input_audio", at)?;
            let at = at.key("input_audio");
            Part::Audio {
                data: audio.need("data", &at)?,
                format: audio.need("format", &at)?,
            }
        }
        "refusal" => text(part.need("refusal", at)?),
        "encrypted_content" => return Ok(None),
        _ => {
            return Err(at
                .key("type")
                .invalid("must be `input_text`, `input_image`, `input_file` or `input_audio`"));
        }
    }))
}

fn source(url: Option<String>, id: Option<String>, at: &Path<'_>) -> Result<Source> {
    match (url, id) {
        (Some(url), _) => {
            data_url::source(&url).ok_or_else(|| at.invalid("must be a URL or a base64 data URL"))
        }
        (None, Some(id)) => Ok(Source::Id(id)),
        (None, None) => Err(at.invalid("is missing")),
    }
}
