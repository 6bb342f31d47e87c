//! Content codings: gzip, deflate, br and zstd, decoded in pieces.
//!
//! The caller bounds the output: [`Decoder::next`] returns one bounded piece at a time, and
//! [`decode`] stops at its limit. So a small body cannot become a large one in memory.
//!
//! Sources: RFC 9110 (section 8.4), RFC 9659 (the window of zstd).

mod decoder;
mod names;

pub(crate) use decoder::{Decoder, Malformed};
#[allow(unused_imports, reason = "requests are decoded with these soon")]
pub(crate) use names::{Coding, UnknownCoding, codings};

use bytes::{Bytes, BytesMut};

/// Why a whole body could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The output exceeds the limit.
    TooLong,
    /// It is not in its declared coding, or is truncated.
    Malformed,
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Decodes a whole `body`, to which `codings` were applied in this order.
///
/// # Errors
/// [`Fault::TooLong`] when the output exceeds `limit` bytes, and [`Fault::Malformed`].
pub(crate) fn decode(body: Bytes, codings: &[Coding], limit: usize) -> Result<Bytes, Fault> {
    if codings.is_empty() {
        return Ok(body);
    }
    let is_empty = body.is_empty();
    let mut decoder = Decoder::new(codings);
    decoder.push(body);
    let mut whole = BytesMut::new();
    while let Some(piece) = decoder.next()? {
        if piece.len() > limit - whole.len() {
            return Err(Fault::TooLong);
        }
        whole.extend_from_slice(&piece);
    }
    match is_empty || decoder.is_whole() {
        true => Ok(whole.freeze()),
        false => Err(Fault::Malformed),
    }
}

#[cfg(test)]
mod tests;
