//! Reading the fields that routing needs, compared with serde_json.

use bytes::Bytes;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use nexus_benches::request_body;
use nexus_lib::wire::RequestScan;
use serde::Deserialize;
use serde::de::IgnoredAny;

const LENGTHS: [usize; 3] = [1 << 10, 64 << 10, 1 << 20];
const FIELDS: &str = r#""stream":true,"#;

fn main() {
    divan::main();
}

/// The gateway's scan.
#[divan::bench(args = LENGTHS)]
fn request_scan(bencher: Bencher<'_, '_>, length: usize) {
    let body = body(length);
    bencher
        .counter(BytesCount::of_slice(&body[..]))
        .bench_local(|| RequestScan::of(black_box(&body)));
}

/// The scan, and the body for an upstream with another name of the model.
#[divan::bench(args = LENGTHS)]
fn request_scan_and_splice(bencher: Bencher<'_, '_>, length: usize) {
    let body = body(length);
    bencher
        .counter(BytesCount::of_slice(&body[..]))
        .bench_local(|| {
            RequestScan::of(black_box(&body))
                .map(|scan| scan.splice(&body, Some("gpt-4o-mini-2024-07-18"), true))
        });
}

/// Only checks that it is JSON.
#[divan::bench(args = LENGTHS)]
fn serde_ignored(bencher: Bencher<'_, '_>, length: usize) {
    let body = body(length);
    bencher
        .counter(BytesCount::of_slice(&body[..]))
        .bench_local(|| serde_json::from_slice::<IgnoredAny>(black_box(&body)));
}

/// The same fields as the scan's, without its strictness.
#[divan::bench(args = LENGTHS)]
fn serde_fields(bencher: Bencher<'_, '_>, length: usize) {
    #[derive(Deserialize)]
    #[expect(
        dead_code,
        reason = "read by the parser, and compared by what that costs"
    )]
    struct Fields<'a> {
        #[serde(borrow)]
        model: std::borrow::Cow<'a, str>,
        #[serde(default)]
        stream: bool,
        messages: IgnoredAny,
        #[serde(default)]
        stream_options: Option<IgnoredAny>,
    }
    let body = body(length);
    bencher
        .counter(BytesCount::of_slice(&body[..]))
        .bench_local(|| serde_json::from_slice::<Fields<'_>>(black_box(&body)).is_ok());
}

/// A tree of all of it.
#[divan::bench(args = LENGTHS)]
fn serde_value(bencher: Bencher<'_, '_>, length: usize) {
    let body = body(length);
    bencher
        .counter(BytesCount::of_slice(&body[..]))
        .bench_local(|| serde_json::from_slice::<serde_json::Value>(black_box(&body)));
}

fn body(length: usize) -> Bytes {
    request_body(length, FIELDS, "What is missing here?").into()
}
