use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, Response};

use crate::error::Result;
use crate::http::Body;
use crate::store::Version;

/// The version in a change's `If-Match`; `None` if any version is accepted.
///
/// # Errors
/// [`ErrorKind::PreconditionFailed`](crate::ErrorKind::PreconditionFailed) if `present` is not one
/// of the listed versions.
pub(super) fn expected(headers: &HeaderMap, present: Version) -> Result<Option<Version>> {
    let mut named = headers.get_all(IF_MATCH).iter().peekable();
    if named.peek().is_none() {
        return Ok(None);
    }
    let present_tag = tag(present);
    for value in named {
        for one in value.as_bytes().split(|byte| *byte == b',') {
            match one.trim_ascii() {
                b"*" => return Ok(None),
                one if one == present_tag.as_bytes() => return Ok(Some(present)),
                _ => {}
            }
        }
    }
    Err(Version::overtaken())
}

/// The entity tag of a version.
fn tag(version: Version) -> String {
    format!("\"{version}\"")
}

/// Adds the entity tag of its content to a response.
pub(super) fn tagged(mut response: Response<Body>, version: Version) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(&tag(version)) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Timestamp;

    #[test]
    fn a_change_goes_on_where_one_of_the_tags_is_that_of_the_present_version() {
        let present = Version::of(Timestamp::from_micros(0xA1));
        let told = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IF_MATCH, HeaderValue::from_str(value).unwrap());
            }
            expected(&headers, present).ok()
        };
        assert_eq!(told(&[]), Some(None));
        assert_eq!(told(&["*"]), Some(None));
        assert_eq!(told(&["\"a1\""]), Some(Some(present)));
        assert_eq!(told(&["\"b\", \"a1\""]), Some(Some(present)));
        assert_eq!(told(&["\"b\"", "\"a1\""]), Some(Some(present)));
        // A weak tag is not accepted for a change (RFC 9110, section 13.1.1).
        for wrong in ["\"b\"", "a1", "W/\"a1\"", ""] {
            assert_eq!(told(&[wrong]), None, "{wrong}");
        }
    }
}
