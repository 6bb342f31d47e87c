use std::ops::Range;

use memchr::memmem;

use super::refused;
use crate::error::Result;

/// The positions of the fields `names` of a form (RFC 7578) in `body`. `content_type` contains the
/// boundary.
///
/// # Errors
/// When it is not such a form, or one of `names` is present twice.
pub(super) fn find<const N: usize>(
    body: &[u8],
    content_type: Option<&[u8]>,
    names: [&'static str; N],
) -> Result<[Option<Range<usize>>; N]> {
    let boundary = content_type.and_then(boundary).ok_or_else(|| {
        refused(
            "file",
            "the body must be a form: send `content-type: multipart/form-data` with a boundary",
        )
    })?;
    let delimiter = [b"--", boundary].concat();
    let mut values = [const { None }; N];
    let mut delimiters = memmem::find_iter(body, &delimiter)
        // A delimiter stands at the start, or at the start of a line.
        .filter(|&at| at == 0 || body[..at].ends_with(b"\r\n"))
        .filter(|&at| ends_line(&body[at + delimiter.len()..]))
        .peekable();
    let mut parts = 0;
    while let Some(at) = delimiters.next() {
        let Some(&next) = delimiters.peek() else {
            break;
        };
        parts += 1;
        // The line break before a delimiter belongs to the delimiter.
        let part = at + delimiter.len()..next.saturating_sub(2);
        let Some(text) = body.get(part.clone()) else {
            continue;
        };
        let Some(head) = memmem::find(text, b"\r\n\r\n") else {
            continue;
        };
        let name = field_name(&text[..head]);
        let mut fields = names.iter().zip(&mut values);
        if let Some((name, slot)) = fields.find(|(known, _)| name == Some(known.as_bytes())) {
            if slot.is_some() {
                return Err(refused(name, "a form field is present twice"));
            }
            *slot = Some(part.start + head + 4..part.end);
        }
    }
    match parts {
        0 => Err(refused(
            "file",
            "the form has no parts; check that its boundary matches `content-type`",
        )),
        _ => Ok(values),
    }
}

/// Whether the delimiter ends at the start of `rest`: a longer line belongs to a part.
fn ends_line(rest: &[u8]) -> bool {
    let blank = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    rest.starts_with(b"--") || blank.is_some_and(|at| rest[at..].starts_with(b"\r\n"))
}

/// The boundary in a content type (RFC 2046, section 5.1.1).
fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    let mut parameters = content_type
        .split(|&byte| byte == b';')
        .map(<[u8]>::trim_ascii);
    if !parameters
        .next()?
        .eq_ignore_ascii_case(b"multipart/form-data")
    {
        return None;
    }
    let boundary = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_at_checked(9)?;
        name.eq_ignore_ascii_case(b"boundary=").then_some(value)
    })?;
    let quoted = boundary.strip_prefix(b"\"");
    let boundary = quoted
        .and_then(|rest| rest.strip_suffix(b"\""))
        .unwrap_or(boundary);
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// The name in a part's `Content-Disposition`.
fn field_name(head: &[u8]) -> Option<&[u8]> {
    let line = head.split(|&byte| byte == b'\n').find_map(|line| {
        let (name, value) = line.trim_ascii().split_at_checked(20)?;
        name.eq_ignore_ascii_case(b"content-disposition:")
            .then_some(value)
    })?;
    line.split(|&byte| byte == b';').find_map(|parameter| {
        let value = parameter.trim_ascii().strip_prefix(b"name=")?;
        let quoted = value.strip_prefix(b"\"");
        Some(
            quoted
                .and_then(|rest| rest.strip_suffix(b"\""))
                .unwrap_or(value),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
        Content-Type: audio/wav\r\n\r\n--b \0\r\n\r\nname=\"model\"\r\n--b\r\ncontent-disposition: form-data; name=model\r\n\r\nwhisper-1\r\n--b--\r\n";

    fn model(body: &str, content_type: &str) -> Result<Option<String>> {
        let [model] = find(body.as_bytes(), Some(content_type.as_bytes()), ["model"])?;
        Ok(model.map(|at| body[at].to_owned()))
    }

    #[test]
    fn fields_are_found_between_boundaries() {
        for content_type in [
            "multipart/form-data; boundary=b",
            "Multipart/Form-Data; charset=utf-8; Boundary=\"b\"",
        ] {
            assert_eq!(
                model(BODY, content_type).unwrap().as_deref(),
                Some("whisper-1")
            );
        }
        let without = BODY.replace("name=model", "name=other");
        assert_eq!(
            model(&without, "multipart/form-data; boundary=b").unwrap(),
            None
        );
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for content_type in [
            "application/json",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=other",
        ] {
            assert!(model(BODY, content_type).is_err(), "{content_type}");
        }
        let twice = BODY.replace("name=\"file\"; filename=\"a.wav\"", "name=\"model\"");
        assert!(model(&twice, "multipart/form-data; boundary=b").is_err());
        assert!(find(b"", None, ["model"]).is_err());
    }
}
