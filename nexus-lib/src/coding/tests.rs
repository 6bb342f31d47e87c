use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, HeaderMap};

use super::decoder::Malformed;
use super::*;
use crate::testing::encoded;

/// Why a whole body could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    TooLong,
    Malformed,
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Decodes a whole `body`, to which `codings` were applied in this order.
fn decode(body: Bytes, codings: &[Coding], limit: usize) -> Result<Bytes, Fault> {
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

const CODINGS: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];

fn encode(coding: Coding, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let name = match coding {
        Coding::Gzip => "gzip",
        Coding::Deflate => "deflate",
        Coding::Brotli => "br",
        Coding::Zstd => "zstd",
    };
    encoded(name, pieces)
}

fn whole(coding: Coding, body: &[u8]) -> Bytes {
    encode(coding, &[body]).concat().into()
}

fn headers(values: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn names_are_read_in_order_whatever_their_case() {
    let read = codings(&headers(&["GZIP, identity", "br"]));
    assert_eq!(read, Ok(vec![Coding::Gzip, Coding::Brotli]));
    assert_eq!(codings(&headers(&["identity"])), Ok(Vec::new()));
    assert_eq!(codings(&headers(&["compress"])), Err(UnknownCoding));
    let many = headers(&["gzip,gzip,gzip,gzip,gzip"]);
    assert_eq!(codings(&many), Err(UnknownCoding));
}

#[test]
fn every_coding_is_undone() {
    let text = "a text that repeats, that repeats. ".repeat(3000);
    for coding in CODINGS {
        let coded = whole(coding, text.as_bytes());
        assert!(coded.len() < text.len());
        let decoded = decode(coded, &[coding], 1 << 20);
        assert!(decoded.as_deref() == Ok(text.as_bytes()), "{coding:?}");
    }
    let twice = whole(Coding::Brotli, &whole(Coding::Gzip, text.as_bytes()));
    let decoded = decode(twice, &[Coding::Gzip, Coding::Brotli], 1 << 20);
    assert!(decoded.as_deref() == Ok(text.as_bytes()));
}

#[test]
fn raw_deflate_is_recognised_by_its_first_byte() {
    let bare = encoded("bare deflate", &[b"bare"]).concat();
    let decoded = decode(bare.into(), &[Coding::Deflate], 100);
    assert_eq!(decoded.as_deref(), Ok(&b"bare"[..]));
}

#[test]
fn the_output_of_a_chunk_precedes_the_next_one() {
    for coding in CODINGS {
        let pieces: [&[u8]; 3] = [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"];
        let mut decoder = Decoder::new(&[coding]);
        for (chunk, piece) in encode(coding, &pieces).into_iter().zip(pieces) {
            decoder.push(chunk.into());
            let mut output = Vec::new();
            while let Some(more) = decoder.next().unwrap() {
                output.extend_from_slice(&more);
            }
            assert_eq!(output, piece, "{coding:?}");
            assert!(!decoder.is_whole());
        }
    }
}

#[test]
fn chunks_of_one_byte_are_enough() {
    let text = "words ".repeat(500);
    for coding in CODINGS {
        let mut decoder = Decoder::new(&[coding]);
        let mut output = Vec::new();
        for byte in whole(coding, text.as_bytes()) {
            decoder.push(Bytes::from(vec![byte]));
            while let Some(more) = decoder.next().unwrap() {
                output.extend_from_slice(&more);
            }
        }
        assert_eq!(output, text.as_bytes(), "{coding:?}");
        assert!(decoder.is_whole());
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    for coding in CODINGS {
        let bomb = whole(coding, &vec![0; 8 << 20]);
        assert!(bomb.len() < 16 << 10);
        let decoded = decode(bomb.clone(), &[coding], 1 << 20);
        assert_eq!(decoded, Err(Fault::TooLong), "{coding:?}");
        let mut decoder = Decoder::new(&[coding]);
        decoder.push(bomb);
        assert!(decoder.next().unwrap().unwrap().len() <= 16 << 10);
    }
}

#[test]
fn cut_and_broken_bodies_are_malformed() {
    for coding in CODINGS {
        let coded = whole(coding, "words and words".repeat(100).as_bytes());
        let cut = coded.slice(..coded.len() - 3);
        assert_eq!(decode(cut, &[coding], 1 << 20), Err(Fault::Malformed));
        let mut broken = coded.to_vec();
        broken[4..].fill(0xff);
        let decoded = decode(broken.into(), &[coding], 1 << 20);
        assert_eq!(decoded, Err(Fault::Malformed), "{coding:?}");
    }
}

#[test]
fn members_follow_each_other_and_padding_is_skipped() {
    for coding in [Coding::Gzip, Coding::Zstd] {
        let mut members = whole(coding, b"one ").to_vec();
        members.extend_from_slice(&whole(coding, b"two"));
        members.extend_from_slice(&[0; 16]);
        let decoded = decode(members.into(), &[coding], 100);
        assert_eq!(decoded.as_deref(), Ok(&b"one two"[..]), "{coding:?}");
    }
}

#[test]
fn a_body_that_is_not_coded_passes() {
    for coding in [Coding::Gzip, Coding::Zstd] {
        let decoded = decode(Bytes::from_static(b"{}"), &[coding], 100);
        assert_eq!(decoded.as_deref(), Ok(&b"{}"[..]));
    }
    assert_eq!(decode(Bytes::new(), &[Coding::Brotli], 9), Ok(Bytes::new()));
}
