use bytes::Bytes;
use http::HeaderMap;

use crate::body_memory::{BodyMemory, Gather, Holder};
use crate::coding::{Coding, Decoder, codings};
use crate::error::{Error, ErrorKind, Result};
use crate::http::collect::{BodyLimits, refused};
use crate::offload;

/// The codings of a request's body, in the order in which they were applied. Most have none.
///
/// # Errors
/// [`ErrorKind::UnsupportedMediaType`] for an unknown one.
pub(crate) fn codings_of(headers: &HeaderMap) -> Result<Vec<Coding>> {
    codings(headers).map_err(|_| {
        Error::new(
            ErrorKind::UnsupportedMediaType,
            "this `Content-Encoding` is not supported; use gzip, deflate, br, zstd or none",
        )
    })
}

/// Undoes `codings`, within `limits`: a few bytes may decode to gigabytes.
///
/// # Errors
/// [`ErrorKind::TooLarge`], [`ErrorKind::Overloaded`], and [`ErrorKind::InvalidRequest`] when the
/// body is not in its declared coding.
pub(crate) async fn decoded(
    body: Bytes,
    codings: Vec<Coding>,
    limits: BodyLimits<'_>,
) -> Result<Bytes> {
    if codings.is_empty() {
        return Ok(body);
    }
    let (memory, holder, limit) = (limits.memory.clone(), limits.holder, limits.longest());
    // Even if it is short: the output may be long.
    let work = move || decode(body, &codings, &memory, holder, limit);
    offload::by_length(usize::MAX, work).await
}

fn decode(
    body: Bytes,
    codings: &[Coding],
    memory: &BodyMemory,
    holder: Holder,
    limit: usize,
) -> Result<Bytes> {
    let malformed = || {
        Error::new(
            ErrorKind::InvalidRequest,
            "the body does not match its `Content-Encoding`, or is truncated",
        )
    };
    let is_empty = body.is_empty();
    let mut decoder = Decoder::new(codings);
    decoder.push(body);
    let mut gather = Gather::new(memory, holder, limit, 0);
    while let Some(piece) = decoder.next().map_err(|_| malformed())? {
        gather.push(piece).map_err(|error| refused(error, limit))?;
    }
    match is_empty || decoder.is_whole() {
        true => Ok(gather.finish()),
        false => Err(malformed()),
    }
}
