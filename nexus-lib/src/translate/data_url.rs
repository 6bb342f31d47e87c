use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Source;

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
