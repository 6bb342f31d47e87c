//! Content codings: gzip, deflate, br and zstd, decoded in pieces.
//!
//! The caller bounds the output: [`Decoder::next`] returns one bounded piece at a time. So a small
//! body cannot become a large one in memory.
//!
//! Sources: RFC 9110 (section 8.4), RFC 9659 (the window of zstd).

mod decoder;
mod names;

pub(crate) use decoder::Decoder;
pub(crate) use names::{Coding, UnknownCoding, codings};

#[cfg(test)]
mod tests;
