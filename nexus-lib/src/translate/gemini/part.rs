use crate::error::Result;
use crate::translate::gemini::signature;
use crate::translate::reading::{Object, Path};
use crate::translate::{Picture, Source, ToolCall};

/// A part of an answer.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Thought(String),
    /// The signature of the preceding text.
    Signature(String),
    Picture(Picture),
    Call(ToolCall),
}

/// The content of one part, in order. Unknown parts are ignored.
pub(super) fn read(part: &Object<'_>, at: &Path<'_>) -> Result<Vec<Part>> {
    let mut out = Vec::new();
    let signature: Option<String> = part.lenient("thoughtSignature");
    let signature = signature.filter(|signature| !signature.is_empty());
    if let Some(call) = part.object("functionCall", at)? {
        let at = at.key("functionCall");
        out.push(Part::Call(ToolCall {
            id: call.lenient("id").unwrap_or_default(),
            name: call.need("name", &at)?,
            arguments: match call.raw("args") {
                Some(arguments) => arguments.get().to_owned(),
                None => "{}".to_owned(),
            },
            signature,
            client: None,
        }));
        return Ok(out);
    }
    let is_thought = part.lenient("thought").unwrap_or(false);
    if let Some(data) = part.object("inlineData", at)? {
        let at = at.key("inlineData");
        let media_type: String = data.lenient("mimeType").unwrap_or_default();
        // A draft image is part of the reasoning.
        if !is_thought && media_type.starts_with("image/") {
            out.push(Part::Picture(Picture {
                source: Source::Data {
                    media_type,
                    data: data.need("data", &at)?,
                },
                signature,
            }));
        }
        return Ok(out);
    }
    let text: Option<String> = part.get("text", at)?;
    let text = text.filter(|text| !text.is_empty());
    out.extend(text.map(|text| match is_thought {
        true => Part::Thought(text),
        false => Part::Text(text),
    }));
    out.extend(signature.map(|signature| Part::Signature(signature::mark(&signature))));
    Ok(out)
}

/// The content of all parts of `candidate`.
pub(super) fn read_all(candidate: &Object<'_>, at: &Path<'_>) -> Result<Vec<Part>> {
    let Some(content) = candidate.object("content", at)? else {
        return Ok(Vec::new());
    };
    let at = at.key("content");
    let parts = at.key("parts");
    let mut out = Vec::new();
    for (index, part) in content.list("parts", &at)?.into_iter().enumerate() {
        let at = parts.index(index);
        out.extend(read(&Object::of(part, &at)?, &at)?);
    }
    Ok(out)
}
