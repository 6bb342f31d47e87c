use nexus_lib::wire::ErrorBody;
use nexus_lib::{Error, ErrorKind};

/// Hyper's responses to malformed requests: a status without a body.
const CURT: [(&str, ErrorKind, &str); 3] = [
    (
        "HTTP/1.1 400 Bad Request",
        ErrorKind::InvalidRequest,
        "malformed HTTP/1.1 request; check its method, target, headers and lengths",
    ),
    (
        "HTTP/1.1 414 URI Too Long",
        ErrorKind::TooLarge,
        "the request's target is too long; move its parameters into the body",
    ),
    (
        "HTTP/1.1 431 Request Header Fields Too Large",
        ErrorKind::TooLarge,
        "the request's head exceeds 64 KiB or 100 headers; send fewer or shorter headers",
    ),
];
/// What follows the status in these, and in no answer of a service: error answers have a body. The
/// middle of a body does not look like this either: JSON contains no bare CR LF.
const WITHOUT_A_BODY: &str = "\r\nconnection: close\r\ncontent-length: 0\r\n";

/// The same answer in the format of all other errors, if `head` is one of hyper's own.
pub(super) fn instead_of(head: &[u8]) -> Option<Vec<u8>> {
    if !head.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    let (status, kind, message) = CURT.into_iter().find(|(status, ..)| {
        let rest = head.strip_prefix(status.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(WITHOUT_A_BODY.as_bytes()))
    })?;
    let body = ErrorBody::from(&Error::new(kind, message)).to_json();
    let head = format!(
        "{status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Some([head.as_bytes(), &body].concat())
}
