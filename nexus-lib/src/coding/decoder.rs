use std::fmt;
use std::io;

use bytes::{Buf, Bytes};
use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use compression_codecs::zstd::params::DParameter;
use compression_codecs::{
    BrotliDecoder, DecodeV2, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};

use super::Coding;

/// The maximum size of one piece of output, in bytes.
const PIECE: usize = 16 * 1024;

/// The largest zstd window on the web, 8 MiB (RFC 9659), as a power of two.
const ZSTD_WINDOW: u32 = 23;

/// The body is not in its declared coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

impl From<io::Error> for Malformed {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// Decodes a body as its chunks arrive. All output of a chunk is produced before the next chunk is
/// taken.
pub(crate) struct Decoder {
    /// The coding that was applied last comes first.
    stages: Vec<Stage>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codings = self.stages.iter().map(|stage| stage.coding);
        f.debug_list().entries(codings).finish()
    }
}

impl Decoder {
    /// For a body to which `codings` were applied in this order.
    pub(crate) fn new(codings: &[Coding]) -> Self {
        let stages = codings.iter().rev().map(|coding| Stage::new(*coding));
        Self {
            stages: stages.collect(),
        }
    }

    /// Takes the next chunk. The previous one must be used up: [`next`](Self::next) has returned
    /// `None`.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if let Some(first) = self.stages.first_mut() {
            first.input = chunk;
        }
    }

    /// The next bytes, at most 16 KiB; `None` when another chunk is needed.
    ///
    /// # Errors
    /// [`Malformed`]. No more output follows.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Malformed> {
        pull(&mut self.stages)
    }

    /// Whether all codings have reached their ends.
    pub(crate) fn is_whole(&self) -> bool {
        self.stages.iter().all(|stage| match stage.codec {
            Codec::Plain => true,
            _ => stage.is_over,
        })
    }
}

/// The output of the last of `stages`.
fn pull(stages: &mut [Stage]) -> Result<Option<Bytes>, Malformed> {
    let Some((last, before)) = stages.split_last_mut() else {
        return Ok(None);
    };
    loop {
        if let Some(piece) = last.decode()? {
            return Ok(Some(piece));
        }
        match pull(before)? {
            Some(input) => last.input = input,
            None => return Ok(None),
        }
    }
}

struct Stage {
    coding: Coding,
    codec: Codec,
    input: Bytes,
    /// The last piece was full, so more output may follow without input.
    may_hold: bool,
    is_over: bool,
}

enum Codec {
    /// No byte has arrived.
    Unknown,
    /// The body is not coded, although it claims to be.
    Plain,
    Coded(Box<dyn DecodeV2 + Send + Sync>),
}

impl Stage {
    fn new(coding: Coding) -> Self {
        Self {
            coding,
            codec: Codec::Unknown,
            input: Bytes::new(),
            may_hold: false,
            is_over: false,
        }
    }

    /// The next piece; `None` if there is not enough input for one.
    fn decode(&mut self) -> Result<Option<Bytes>, Malformed> {
        loop {
            if self.input.is_empty() && !self.may_hold {
                return Ok(None);
            }
            if let Codec::Unknown = self.codec {
                self.codec = codec(self.coding, self.input[0]);
            }
            let Codec::Coded(codec) = &mut self.codec else {
                return Ok(Some(std::mem::take(&mut self.input)));
            };
            if self.is_over {
                // Members may follow each other (RFC 1952, RFC 8878); anything else is padding.
                if !begins(self.coding, &self.input) {
                    self.input = Bytes::new();
                    return Ok(None);
                }
                codec.reinit()?;
                self.is_over = false;
            }
            let mut piece = vec![0; PIECE];
            let mut output = WriteBuffer::new_initialized(&mut piece);
            let mut input = PartialBuffer::new(&*self.input);
            match codec.decode(&mut input, &mut output) {
                Ok(is_over) => self.is_over = is_over,
                // Some codecs return an error when there is no more output.
                Err(_) if self.input.is_empty() => {}
                Err(error) => return Err(error.into()),
            }
            let used = input.written_len();
            self.input.advance(used);
            self.may_hold = output.has_no_spare_space() && !self.is_over;
            let len = output.written_len();
            if len > 0 {
                piece.truncate(len);
                return Ok(Some(piece.into()));
            }
        }
    }
}

/// The decoder for a body that begins with `first`. Some servers declare a coding that they did not
/// apply.
fn codec(coding: Coding, first: u8) -> Codec {
    Codec::Coded(match coding {
        Coding::Gzip | Coding::Zstd if !begins(coding, &[first]) => return Codec::Plain,
        Coding::Gzip => Box::new(GzipDecoder::new()),
        Coding::Deflate if first & 0x0f == 8 => Box::new(ZlibDecoder::new()),
        Coding::Deflate => Box::new(DeflateDecoder::new()),
        Coding::Brotli => Box::new(BrotliDecoder::new()),
        Coding::Zstd => {
            let params = [DParameter::window_log_max(ZSTD_WINDOW)];
            Box::new(ZstdDecoder::new_with_params(&params))
        }
    })
}

/// Whether `bytes` may start a member of this coding, judged by the first magic number.
fn begins(coding: Coding, bytes: &[u8]) -> bool {
    match (coding, bytes.first()) {
        (Coding::Gzip, Some(0x1f)) => true,
        // A frame, or a skippable frame.
        (Coding::Zstd, Some(0x28 | 0x50..=0x5f)) => true,
        _ => false,
    }
}
