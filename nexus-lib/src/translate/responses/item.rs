use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::SIGNATURE;
use crate::error::Result;
use crate::translate::extra_content::{ExtraContent, signature};
use crate::translate::reading::{Object, Path};
use crate::translate::{Picture, Said, Source, Thought};

/// The thought that an item of type `reasoning` is.
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
        id: item.get("id", at)?,
        ..Thought::default()
    };
    if let Some(sealed) = item.get::<String>("encrypted_content", at)? {
        match sealed.strip_prefix(SIGNATURE) {
            Some(signature) => thought.signature = Some(signature.to_owned()),
            None => thought.sealed = Some(sealed),
        }
    }
    Ok(thought)
}

/// The contents of a message of the model's. Parts that are not known say nothing.
pub(super) fn said(parts: &[&RawValue], at: &Path<'_>) -> Result<Vec<Said>> {
    let mut said = Vec::new();
    for (index, json) in parts.iter().enumerate() {
        let at = at.index(index);
        let part = Object::of(json, &at)?;
        match part.need::<String>("type", &at)?.as_str() {
            "output_text" | "input_text" | "text" => said.push(Said::Text(part.need("text", &at)?)),
            "refusal" => said.push(Said::Refusal(part.need("refusal", &at)?)),
            _ => {}
        }
    }
    Ok(said)
}

/// The picture that an item of type `image_generation_call` is; `None` before it is drawn.
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

/// What stands for a thought where only its provider can read it.
pub(super) fn encrypted(thought: &Thought) -> Option<String> {
    let signature = thought.signature.as_ref();
    let sealed = thought.sealed.clone();
    sealed.or_else(|| signature.map(|signature| [SIGNATURE, signature].concat()))
}

/// The part that a text is.
pub(super) fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// The part that a refusal is.
pub(super) fn refusal_part(refusal: &str) -> Value {
    json!({"type": "refusal", "refusal": refusal})
}

/// A message with one part, or without any yet.
pub(super) fn message(id: &str, status: &str, part: Option<Value>) -> Value {
    let content: Vec<Value> = part.into_iter().collect();
    json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
}

/// A thought, with its text for a summary.
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

/// A picture; `None` for one that is at an address, for which an item has no place.
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

/// Adds Gemini's signature of a call or a picture, if there is one.
pub(super) fn sign(item: &mut Value, signature: Option<&str>) {
    let extra = signature.map(ExtraContent::of);
    let extra = extra.and_then(|extra| serde_json::to_value(extra).ok());
    if let (Some(extra), Some(fields)) = (extra, item.as_object_mut()) {
        fields.insert("extra_content".to_owned(), extra);
    }
}

/// A new id, such as `msg_…`.
pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}
