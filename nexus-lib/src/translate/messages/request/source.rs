use crate::error::Result;
use crate::translate::Source;
use crate::translate::reading::{Object, Path};

/// The source of the image `block`.
pub(super) fn picture(block: &Object<'_>, at: &Path<'_>) -> Result<Source> {
    let source = block.need_object("source", at)?;
    let at = at.key("source");
    let kind: String = source.need("type", &at)?;
    match located(&kind, &source, &at)? {
        Source::Data { media_type, .. } if !media_type.starts_with("image/") => {
            Err(at.key("media_type").invalid("must be an image type"))
        }
        source => Ok(source),
    }
}

/// The source described by `source` of that `kind`.
pub(super) fn located(kind: &str, source: &Object<'_>, at: &Path<'_>) -> Result<Source> {
    Ok(match kind {
        "base64" => Source::Data {
            media_type: source.need("media_type", at)?,
            data: source.need("data", at)?,
        },
        "url" => Source::Url(source.need("url", at)?),
        "file" => Source::Id(source.need("file_id", at)?),
        _ => return Err(at.key("type").invalid("is an unknown type of source")),
    })
}
