use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// The most codings that are undone of one body.
const MOST: usize = 4;

/// How the bytes of a body are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// Zlib's format; some send the bare one, which is told by its first byte.
    Deflate,
    Brotli,
    Zstd,
}

/// A coding is not known, or there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownCoding;

/// The codings that `headers` name, in the order in which they were applied. `identity` is none.
///
/// # Errors
/// [`UnknownCoding`].
pub(crate) fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, UnknownCoding> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        for name in value.as_bytes().split(|&byte| byte == b',') {
            match name.trim_ascii().to_ascii_lowercase().as_slice() {
                b"" | b"identity" => {}
                b"gzip" | b"x-gzip" => codings.push(Coding::Gzip),
                b"deflate" => codings.push(Coding::Deflate),
                b"br" => codings.push(Coding::Brotli),
                b"zstd" => codings.push(Coding::Zstd),
                _ => return Err(UnknownCoding),
            }
        }
    }
    match codings.len() {
        0..=MOST => Ok(codings),
        _ => Err(UnknownCoding),
    }
}
