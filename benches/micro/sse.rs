//! Splitting streams into whole events, and reading them.

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use nexus_benches::EVENT;
use nexus_lib::sse::{Decoder, encode_data, events};

const EVENTS: usize = 256;
const MAX_EVENT_BYTES: usize = 1 << 20;

fn main() {
    divan::main();
}

/// A stream whose chunks are this many whole events: what a well-behaved upstream sends.
#[divan::bench(args = [1, 4, 16])]
fn decode_whole_events(bencher: Bencher<'_, '_>, events_a_chunk: usize) {
    decode(bencher, EVENT.len() * events_a_chunk);
}

/// A stream whose chunks end anywhere.
#[divan::bench(args = [16, 100, 1_000, 16_000])]
fn decode_chunks_of_bytes(bencher: Bencher<'_, '_>, chunk_bytes: usize) {
    decode(bencher, chunk_bytes);
}

/// Reading each event of a region in place.
#[divan::bench(args = [1, 4, 16])]
fn look_at_events(bencher: Bencher<'_, '_>, count: usize) {
    let region = EVENT.repeat(count);
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        events(black_box(region.as_bytes()))
            .map(|event| event.data().len())
            .sum::<usize>()
    });
}

/// Writing an event, as for an error in the middle of a stream.
#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let data = EVENT.trim_start_matches("data: ").trim_end();
    bencher
        .counter(BytesCount::of_str(data))
        .bench_local(|| encode_data(black_box(data.as_bytes())));
}

fn decode(bencher: Bencher<'_, '_>, chunk_bytes: usize) {
    let stream = Bytes::from(EVENT.repeat(EVENTS));
    let chunks: Vec<_> = stream
        .chunks(chunk_bytes)
        .map(|chunk| stream.slice_ref(chunk))
        .collect();
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| chunks.clone())
        .bench_local_values(|chunks| {
            let mut decoder = Decoder::new(MAX_EVENT_BYTES);
            for chunk in chunks {
                let _ = black_box(decoder.push(chunk));
            }
        });
}
