use compression_codecs::brotli::params::EncoderParams;
use compression_codecs::core::Level;
use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use compression_codecs::{
    BrotliEncoder, DeflateEncoder, EncodeV2, GzipEncoder, ZlibEncoder, ZstdEncoder,
};

/// `pieces` in the content coding of that name, or in `bare deflate`: a flushed chunk for each of
/// them, and one for the end.
///
/// # Panics
/// When the coding is unknown.
pub fn encoded(coding: &str, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let level = || Level::Default.into();
    match coding {
        "gzip" => run(GzipEncoder::new(level()), pieces),
        "deflate" => run(ZlibEncoder::new(level()), pieces),
        "bare deflate" => run(DeflateEncoder::new(level()), pieces),
        "br" => run(BrotliEncoder::new(EncoderParams::default()), pieces),
        "zstd" => run(ZstdEncoder::new(3), pieces),
        other => panic!("unknown coding {other}"),
    }
}

fn run(mut encoder: impl EncodeV2, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    for piece in pieces {
        let mut chunk = Vec::new();
        let mut input = PartialBuffer::new(*piece);
        while !input.unwritten().is_empty() {
            let mut output = WriteBuffer::new_initialized(&mut buffer);
            encoder
                .encode(&mut input, &mut output)
                .expect("a buffer has room");
            chunk.extend_from_slice(output.written());
        }
        loop {
            let mut output = WriteBuffer::new_initialized(&mut buffer);
            let is_flushed = encoder.flush(&mut output).expect("a buffer has room");
            chunk.extend_from_slice(output.written());
            if is_flushed {
                break;
            }
        }
        chunks.push(chunk);
    }
    let mut end = Vec::new();
    loop {
        let mut output = WriteBuffer::new_initialized(&mut buffer);
        let is_over = encoder.finish(&mut output).expect("a buffer has room");
        end.extend_from_slice(output.written());
        if is_over {
            break;
        }
    }
    chunks.push(end);
    chunks
}
