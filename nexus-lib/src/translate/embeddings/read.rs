use serde_json::value::RawValue;

use super::{Protocol, Request};
use crate::error::Result;
use crate::translate::reading::{Object, Path, value};
use crate::translate::{Json, Losses};

/// Fields that are read here.
const PLACED: [&str; 5] = ["model", "input", "dimensions", "encoding_format", "stream"];

/// Whether a provider knows another field.
fn knows(protocol: Protocol, name: &str) -> bool {
    match protocol {
        Protocol::Gemini => matches!(name, "task_type" | "title"),
        Protocol::Ollama => matches!(name, "keep_alive" | "truncate" | "num_ctx"),
    }
}

/// Reads an OpenAI client's request for a provider that speaks `protocol`.
///
/// # Errors
/// `InvalidRequest` naming the parameter at fault; also if `losses` allows none.
pub(crate) fn read(body: &[u8], protocol: Protocol, losses: &mut Losses) -> Result<Request> {
    let at = Path::Request;
    let body = Object::parse(body, &at)?;
    let input_at = at.key("input");
    let input = body
        .raw("input")
        .ok_or_else(|| input_at.invalid("is missing"))?;
    let format: Option<String> = body.get("encoding_format", &at)?;
    let mut extra = Vec::new();
    for (name, json) in body.members().filter(|(name, _)| !PLACED.contains(name)) {
        match knows(protocol, name) {
            true => extra.push((name.to_owned(), Json::of(json))),
            false => losses.drop_param(name)?,
        }
    }
    Ok(Request {
        model: body.need("model", &at)?,
        inputs: inputs(input, &input_at)?,
        dimensions: body.get("dimensions", &at)?,
        is_base64: match format.as_deref() {
            None | Some("float") => false,
            Some("base64") => true,
            Some(_) => {
                let at = at.key("encoding_format");
                return Err(at.invalid("must be `float` or `base64`"));
            }
        },
        extra,
    })
}

fn inputs(input: &RawValue, at: &Path<'_>) -> Result<Vec<String>> {
    if input.get().starts_with('"') {
        return Ok(vec![value(input, at)?]);
    }
    if !input.get().starts_with('[') {
        return Err(at.invalid("must be a text or a list of texts"));
    }
    let list: Vec<&RawValue> = value(input, at)?;
    if list.is_empty() {
        return Err(at.invalid("must not be empty"));
    }
    let list = list.into_iter().enumerate();
    list.map(|(index, text)| {
        let is_text = text.get().starts_with('"');
        if !is_text {
            return Err(
                at.invalid("must be text: the provider of this model does not accept tokens")
            );
        }
        value(text, &at.index(index))
    })
    .collect()
}
