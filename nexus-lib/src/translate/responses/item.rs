use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{SIGNATURE, call};
use crate::error::Result;
use crate::translate::extra_content::{ExtraContent, signature};
use crate::translate::reading::{Content, Object, Path};
use crate::translate::{Output, Picture, Source, Thought};

/// The content of an item. Unknown items are ignored.
pub(super) fn whole(item: &Object<'_>, at: &Path<'_>) -> Result<Vec<Output>> {
    let kind: Option<String> = item.lenient("type");
    Ok(match kind.as_deref().unwrap_or_default() {
        "message" => match item.content("content", at)? {
            Some(Content::Text(text)) => vec![Output::Text(text)],
            Some(Content::Parts(parts)) => output(&parts, &at.key("content"))?,
            None => Vec::new(),
        },
        "reasoning" => vec![Output::Reasoning(thought(item, at)?)],
        "image_generation_call" => picture(item, at)?
            .map(Output::Picture)
            .into_iter()
            .collect(),
        kind => call::read(kind, item, at)?
            .map(Output::ToolCall)
            .into_iter()
            .collect(),
    })
}

/// The id by which a result refers to its call.
pub(super) fn call_id(item: &Object<'_>) -> String {
    let id = |name| item.lenient::<String>(name).filter(|id| !id.is_empty());
    id("call_id").or_else(|| id("id")).unwrap_or_default()
}

/// JSON in a string; some servers send the object itself.
pub(super) fn arguments(item: &Object<'_>) -> String {
    let object = || item.raw("arguments").map(|json| json.get().to_owned());
    let text: Option<String> = item.lenient("arguments");
    text.or_else(object).unwrap_or_default()
}

/// The reasoning in an item of type `reasoning`.
pub(super) fn thought(item: &Object<'_>, at: &Path<'_>) -> Result<Thought> {
    let mut texts = Vec::new();
    for name in ["summary", "content"] {
        let list_at = at.key(name);
        for (index, json) in item.list(name, at)?.into_iter().enumerate() {
            let at = list_at.index(index);
            texts.extend(Object::of(json, &at)?.get::<String>("text", &at)?);
        }
    }
    let mut thought = Thought {
        text: texts.join("\n\n"),
        id: item.lenient("id"),
        ..Thought::default()
    };
    if let Some(sealed) = item.get::<String>("encrypted_content", at)? {
        match sealed.strip_prefix(SIGNATURE) {
            // Another provider's, which was translated here: the id is generated, and has no
            // meaning.
            Some(signature) => {
                thought.signature = Some(signature.to_owned());
                thought.id = None;
            }
            None => thought.sealed = Some(sealed),
        }
    }
    Ok(thought)
}

/// The content of an assistant message. Unknown parts are ignored.
pub(super) fn output(parts: &[&RawValue], at: &Path<'_>) -> Result<Vec<Output>> {
    let mut output = Vec::new();
    for (index, json) in parts.iter().enumerate() {
        let at = at.index(index);
        let part = Object::of(json, &at)?;
        match part.need::<String>("type", &at)?.as_str() {
            "output_text" | "input_text" | "text" => {
                output.push(Output::Text(part.need("text", &at)?))
            }
            "refusal" => output.push(Output::Refusal(part.need("refusal", &at)?)),
            _ => {}
        }
    }
    Ok(output)
}

/// The image in an item of type `image_generation_call`; `None` before it is complete.
pub(super) fn picture(item: &Object<'_>, at: &Path<'_>) -> Result<Option<Picture>> {
    let format: Option<String> = item.lenient("output_format");
    let format = format.as_deref().unwrap_or("png");
    Ok(item.get("result", at)?.map(|data| Picture {
        source: Source::Data {
            media_type: format!("image/{format}"),
            data,
        },
        signature: signature(item),
    }))
}

/// The encrypted form of reasoning that only its provider can read.
pub(super) fn encrypted(thought: &Thought) -> Option<String> {
    let signature = thought.signature.as_ref();
    let sealed = thought.sealed.clone();
    sealed.or_else(|| signature.map(|signature| [SIGNATURE, signature].concat()))
}

/// The part for a text.
pub(super) fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// The part for a refusal.
pub(super) fn refusal_part(refusal: &str) -> Value {
    json!({"type": "refusal", "refusal": refusal})
}

/// A message with one part, or without one yet.
pub(super) fn message(id: &str, status: &str, part: Option<Value>) -> Value {
    let content: Vec<Value> = part.into_iter().collect();
    json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
}

/// Reasoning, with its text as the summary.
pub(super) fn reasoning(id: &str, text: &str, encrypted: Option<&str>) -> Value {
    let summary: Vec<Value> = match text {
        "" => Vec::new(),
        text => vec![json!({"type": "summary_text", "text": text})],
    };
    let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
    if let (Some(encrypted), Some(fields)) = (encrypted, item.as_object_mut()) {
        fields.insert("encrypted_content".to_owned(), encrypted.into());
    }
    item
}

/// An image; `None` for one with a URL, for which an item has no place.
pub(super) fn image(id: &str, picture: &Picture) -> Option<Value> {
    let Source::Data { media_type, data } = &picture.source else {
        return None;
    };
    let format = media_type.strip_prefix("image/").unwrap_or("png");
    let mut item = json!({
        "id": id, "type": "image_generation_call", "status": "completed", "output_format": format,
        "result": data,
    });
    sign(&mut item, picture.signature.as_deref());
    Some(item)
}

/// Adds Gemini's signature of a call or an image, if there is one.
pub(super) fn sign(item: &mut Value, signature: Option<&str>) {
    let extra = signature.map(ExtraContent::of);
    let extra = extra.and_then(|extra| serde_json::to_value(extra).ok());
    if let (Some(extra), Some(fields)) = (extra, item.as_object_mut()) {
        fields.insert("extra_content".to_owned(), extra);
    }
}

/// Generates an id, such as `msg_…`.
pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}
