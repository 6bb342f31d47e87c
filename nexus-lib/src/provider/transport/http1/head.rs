use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderName};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};

use super::Error;
use crate::wire::Endpoint;

/// The longest head of an answer, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// The maximum number of headers of an answer.
const MAX_HEADERS: usize = 128;

/// Writes the head of `request` to `endpoint`, including its body's length, replacing the content
/// of `head`.
pub(super) fn write(head: &mut Vec<u8>, endpoint: &Endpoint, request: &Request<Bytes>) {
    head.clear();
    let path = endpoint.path().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    for part in [request.method().as_str(), " ", path, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    field(head, &header::HOST, endpoint.host());
    for (name, value) in request.headers() {
        // The headers that frame the message are only set here.
        if !matches!(
            *name,
            header::HOST | header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::CONNECTION
        ) {
            field(head, name, value);
        }
    }
    if !request.body().is_empty() || request.method() == http::Method::POST {
        field(head, &header::CONTENT_LENGTH, &request.body().len().into());
    }
    head.extend_from_slice(b"\r\n");
}

fn field(head: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    head.extend_from_slice(name.as_str().as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value.as_bytes());
    head.extend_from_slice(b"\r\n");
}

/// The progress of the search for a head.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// How much of the input was searched before.
    searched: usize,
    /// How many bytes of informational heads were skipped.
    passed: usize,
}

/// Takes the head of an answer out of `input`, if it is complete. Informational ones (RFC 9110,
/// section 15.2) are skipped, up to the size of one head. `search` is kept for the next call.
///
/// # Errors
/// When it is malformed or too long.
pub(super) fn take(input: &mut BytesMut, search: &mut Search) -> Result<Option<Parts>, Error> {
    let Search { searched, passed } = search;
    loop {
        let Some(length) = length(input, *searched) else {
            *searched = input.len();
            return match input.len() < MAX_BYTES {
                true => Ok(None),
                false => Err(Error::HeadTooLong),
            };
        };
        *passed += length;
        if *passed > MAX_BYTES {
            return Err(Error::HeadTooLong);
        }
        *searched = 0;
        let parts = parse(&input.split_to(length).freeze())?;
        match parts.status {
            StatusCode::SWITCHING_PROTOCOLS => return Err(Error::Switching),
            status if !status.is_informational() => return Ok(Some(parts)),
            _ => {}
        }
    }
}

/// The length of the head at the start of `input`, including its first empty line. Lines may end in
/// a single line feed (RFC 9112, section 2.2).
fn length(input: &[u8], searched: usize) -> Option<usize> {
    // The line feed before the empty line, and what follows it, may have been searched before.
    let start = searched.saturating_sub(2);
    let rest = input.get(start..)?;
    memchr::memchr_iter(b'\n', rest).find_map(|at| {
        let end = start + at + 1;
        match input.get(end..)? {
            [b'\n', ..] => Some(end + 1),
            [b'\r', b'\n', ..] => Some(end + 2),
            _ => None,
        }
    })
}

fn parse(head: &Bytes) -> Result<Parts, Error> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    config.parse_response_with_uninit_headers(&mut answer, head, &mut fields)?;
    let mut headers = HeaderMap::with_capacity(answer.headers.len());
    for field in answer.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let name = name.map_err(|_| httparse::Error::HeaderName)?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(field.value));
        headers.append(name, value.map_err(|_| Error::HeaderValue)?);
    }
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = StatusCode::from_u16(answer.code.unwrap_or_default())
        .map_err(|_| httparse::Error::Status)?;
    parts.version = match answer.version {
        Some(0) => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    parts.headers = headers;
    Ok(parts)
}
