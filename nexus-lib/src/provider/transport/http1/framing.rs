use bytes::{Buf, Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName};
use http::response::Parts;
use http::{StatusCode, Version};

use super::Error;

/// The maximum length of a chunk's first line, and of the trailers, in bytes.
const MAX_LINE: usize = 4 * 1024;
const MAX_TRAILERS: usize = 16 * 1024;

/// How the end of an answer's body is determined (RFC 9112, section 6.3), and how much is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes are left.
    Length(u64),
    Chunks(Chunks),
    /// It ends with the connection.
    UntilClose,
}

/// The expected part of a chunked body (RFC 9112, section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    Size,
    Data(u64),
    /// The line end after the data.
    DataEnd,
    /// Trailers after the last chunk, with their size in bytes so far.
    Trailers(usize),
    Over,
}

/// What could be taken of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Data(Bytes),
    End,
    /// More has to arrive first.
    Nothing,
}

impl Framing {
    pub(super) const NONE: Self = Self::Length(0);

    /// How the body after `head` ends, and whether another answer can follow it.
    ///
    /// # Errors
    /// When the head contradicts itself.
    pub(super) fn of(head: &Parts) -> Result<(Self, bool), Error> {
        let headers = &head.headers;
        let lasts = match head.version {
            Version::HTTP_10 => has(headers, &header::CONNECTION, "keep-alive"),
            _ => !has(headers, &header::CONNECTION, "close"),
        };
        if matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        ) {
            return Ok((Self::NONE, lasts));
        }
        if let Some(last) = headers
            .get_all(header::TRANSFER_ENCODING)
            .iter()
            .next_back()
        {
            if head.version == Version::HTTP_10 {
                return Err(Error::Length("HTTP/1.0 has no transfer codings"));
            }
            let coding = last.as_bytes().rsplit(|byte| *byte == b',').next();
            let coding = coding.unwrap_or_default().trim_ascii();
            if !coding.eq_ignore_ascii_case(b"chunked") {
                return Ok((Self::UntilClose, false));
            }
            // With an additional length, an intermediary may have read it differently.
            let lasts = lasts && !headers.contains_key(header::CONTENT_LENGTH);
            return Ok((Self::Chunks(Chunks::Size), lasts));
        }
        Ok(match length(headers)? {
            Some(length) => (Self::Length(length), lasts),
            None => (Self::UntilClose, false),
        })
    }

    /// Takes the available part of the body from `input`.
    ///
    /// # Errors
    /// When a chunk is malformed; `input` is then left unchanged, and the error repeats.
    pub(super) fn take(&mut self, input: &mut BytesMut) -> Result<Taken, Error> {
        match self {
            Self::Length(0) => Ok(Taken::End),
            _ if input.is_empty() => Ok(Taken::Nothing),
            Self::Length(left) => Ok(Taken::Data(data(input, left))),
            Self::UntilClose => Ok(Taken::Data(input.split().freeze())),
            Self::Chunks(chunks) => chunks.take(input),
        }
    }

    /// Whether all of it was taken. Also reads what follows the last data in `input` up to the end.
    pub(super) fn is_over(&mut self, input: &mut BytesMut) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::UntilClose => false,
            Self::Chunks(chunks) => {
                // An error shows when more is requested.
                let _ = chunks.advance(input);
                *chunks == Chunks::Over
            }
        }
    }

    /// How many bytes are left, if known.
    pub(super) fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Chunks(Chunks::Over) => Some(0),
            Self::Chunks(_) | Self::UntilClose => None,
        }
    }
}

impl Chunks {
    fn take(&mut self, input: &mut BytesMut) -> Result<Taken, Error> {
        self.advance(input)?;
        Ok(match self {
            Self::Over => Taken::End,
            Self::Data(left) if !input.is_empty() => {
                let data = data(input, left);
                if *left == 0 {
                    *self = Self::DataEnd;
                }
                Taken::Data(data)
            }
            _ => Taken::Nothing,
        })
    }

    /// Advances to the next data, or the end, as far as `input` reaches.
    fn advance(&mut self, input: &mut BytesMut) -> Result<(), Error> {
        loop {
            *self = match *self {
                Self::Data(_) | Self::Over => return Ok(()),
                Self::DataEnd => match input.get(..2) {
                    Some(b"\r\n") => {
                        input.advance(2);
                        Self::Size
                    }
                    None if b"\r\n".starts_with(input) => return Ok(()),
                    _ => return Err(Error::Chunk),
                },
                Self::Size => {
                    let Some(line) = line(input, MAX_LINE)? else {
                        return Ok(());
                    };
                    let size = size(line)?;
                    let length = line.len() + 2;
                    input.advance(length);
                    match size {
                        0 => Self::Trailers(0),
                        size => Self::Data(size),
                    }
                }
                Self::Trailers(seen) => {
                    let Some(line) = line(input, MAX_TRAILERS - seen)? else {
                        return Ok(());
                    };
                    let length = line.len() + 2;
                    let is_last = line.is_empty();
                    input.advance(length);
                    match is_last {
                        true => Self::Over,
                        false => Self::Trailers(seen + length),
                    }
                }
            };
        }
    }
}

/// The part of `input` that belongs to the `left` bytes.
fn data(input: &mut BytesMut, left: &mut u64) -> Bytes {
    let most = usize::try_from(*left).unwrap_or(usize::MAX);
    let data = input.split_to(most.min(input.len())).freeze();
    *left -= u64::try_from(data.len()).unwrap_or(*left);
    data
}

/// The first line of `input` without its end, if it is complete.
fn line(input: &[u8], most: usize) -> Result<Option<&[u8]>, Error> {
    let Some(end) = memchr::memchr(b'\n', input) else {
        return match input.len() < most {
            true => Ok(None),
            false => Err(Error::Chunk),
        };
    };
    let line = input.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    match line {
        // Two readers might interpret a bare CR differently (RFC 9112, section 2.2).
        Some(line) if end < most && memchr::memchr(b'\r', line).is_none() => Ok(Some(line)),
        _ => Err(Error::Chunk),
    }
}

/// A chunk's size, without its extensions.
fn size(line: &[u8]) -> Result<u64, Error> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let end = digits.iter().rposition(|byte| !blank(byte));
    let digits = &digits[..end.map_or(0, |at| at + 1)];
    let is_number = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).map_err(|_| Error::Chunk)?;
    match is_number {
        true => u64::from_str_radix(digits, 16).map_err(|_| Error::Chunk),
        false => Err(Error::Chunk),
    }
}

/// The length in the head, which may be repeated if it is always the same.
fn length(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let mut length = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        for listed in value.as_bytes().split(|byte| *byte == b',') {
            let listed = std::str::from_utf8(listed.trim_ascii())
                .ok()
                .filter(|listed| listed.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|listed| listed.parse().ok())
                .ok_or(Error::Length("it is not a number"))?;
            if length.replace(listed).is_some_and(|other| other != listed) {
                return Err(Error::Length("two lengths differ"));
            }
        }
    }
    Ok(length)
}

fn has(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        (value.as_bytes().split(|byte| *byte == b','))
            .any(|listed| listed.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    })
}
