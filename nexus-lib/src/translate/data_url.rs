use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Source;
use super::reading::Path;
use crate::error::Result;

/// The source behind a URL: the data itself if it is a `data:` URL in base64 (RFC 2397).
///
/// `None` for a `data:` URL that is not in base64.
pub(crate) fn source(url: &str) -> Option<Source> {
    let Some(rest) = url.strip_prefix("data:") else {
        return Some(Source::Url(url.to_owned()));
    };
    let (head, data) = rest.split_once(',')?;
    let mut parameters = head.split(';');
    let media_type = parameters.next().unwrap_or_default();
    parameters
        .next_back()
        .filter(|last| last.eq_ignore_ascii_case("base64"))?;
    Some(Source::Data {
        media_type: media_type.to_ascii_lowercase(),
        data: data.to_owned(),
    })
}

/// The source of a picture.
pub(crate) fn picture(url: &str, at: &Path<'_>) -> Result<Source> {
    match source(url) {
        None => Err(at.invalid("must be a URL or a base64 data URL")),
        Some(Source::Data { media_type, .. }) if !media_type.starts_with("image/") => {
            Err(at.invalid("must be an image"))
        }
        Some(source) => Ok(source),
    }
}

/// The `data:` URL of base64 data.
pub(crate) fn data_url(media_type: &str, data: &str) -> String {
    ["data:", media_type, ";base64,", data].concat()
}

/// The text of a plain text document; `None` for another type.
pub(crate) fn text(media_type: &str, data: &str) -> Option<String> {
    if !(media_type.starts_with("text/") || media_type == "application/json") {
        return None;
    }
    String::from_utf8(STANDARD.decode(data).ok()?).ok()
}
