use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// The maximum number of codings of one body.
const MAX_CODINGS: usize = 4;

/// The coding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// Zlib's format; some servers send raw deflate, which is recognised by its first byte.
    Deflate,
    Brotli,
    Zstd,
}

/// An unknown coding, or too many codings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownCoding;

/// The codings in `headers`, in the order in which they were applied. `identity` is ignored.
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
        0..=MAX_CODINGS => Ok(codings),
        _ => Err(UnknownCoding),
    }
}
