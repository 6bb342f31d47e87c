//! Server-sent events: the result does not depend on how they are split, and equals that of the
//! specification's own algorithm.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use nexus_lib::sse::{Decoder, encode_data, events};

/// An event's name, and its data.
type Parsed = (Option<Vec<u8>>, Vec<u8>);

fuzz_target!(|input: &[u8]| {
    let [piece, input @ ..] = input else { return };
    // A byte order mark in the middle of a stream is not one, but before a region it is read as
    // one.
    if memchr::memmem::find(input, b"\xEF\xBB\xBF").is_some_and(|at| at > 0) {
        return;
    }
    let whole = parsed(input);
    assert_eq!(whole, plain(input), "the specification finds other events");
    for piece in [usize::from(*piece) % 32 + 1, 1] {
        let mut decoder = Decoder::new(1 << 20);
        let (mut passed, mut found) = (Vec::new(), Vec::new());
        for bytes in input.chunks(piece) {
            let region = decoder
                .push(Bytes::copy_from_slice(bytes))
                .expect("it is short");
            passed.extend_from_slice(&region);
            found.extend(parsed(&region));
        }
        if let Some(region) = decoder.finish() {
            passed.extend_from_slice(&region);
            found.extend(parsed(&region));
        }
        assert_eq!(passed, input, "regions are the stream, byte for byte");
        assert_eq!(found, whole, "the events depend on the pieces");
    }
    for event in events(input) {
        assert!(event.range().end <= input.len() && event.range().start < event.range().end);
    }
    if memchr::memchr2(b'\r', b'\n', input).is_none() {
        let mut encoded = events(&encode_data(input))
            .map(|event| event.data().into_owned())
            .collect::<Vec<_>>();
        assert_eq!(encoded.len(), 1, "one event is written as one");
        assert_eq!(encoded.pop().unwrap_or_default(), input, "data comes back");
    }
});

fn parsed(region: &[u8]) -> Vec<Parsed> {
    let parsed = |event: nexus_lib::sse::Event<'_>| {
        (event.name().map(<[u8]>::to_vec), event.data().into_owned())
    };
    events(region).map(parsed).collect()
}

/// The HTML standard's algorithm, except that the end of the input ends an event too.
fn plain(input: &[u8]) -> Vec<Parsed> {
    let input = input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input);
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    let mut at = 0;
    while at < input.len() {
        match input[at] {
            b'\r' => {
                lines.push(Vec::new());
                at += usize::from(input.get(at + 1) == Some(&b'\n'));
            }
            b'\n' => lines.push(Vec::new()),
            byte => lines.last_mut().expect("there is a line").push(byte),
        }
        at += 1;
    }
    lines.push(Vec::new());
    let mut found = Vec::new();
    let (mut name, mut data) = (Vec::new(), Vec::<Vec<u8>>::new());
    for line in lines {
        if line.is_empty() {
            let name = std::mem::take(&mut name);
            if !data.is_empty() {
                let data = std::mem::take(&mut data).join(&b'\n');
                found.push(((!name.is_empty()).then_some(name), data));
            }
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(0) => continue,
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (&line[..], &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => name = value.to_vec(),
            b"data" => data.push(value.to_vec()),
            _ => {}
        }
    }
    found
}
