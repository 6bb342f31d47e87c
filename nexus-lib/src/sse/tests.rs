use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

/// Name and data.
type Parsed = (Option<Vec<u8>>, Vec<u8>);

/// The parser of the WHATWG specification, word for word, except that the end of the stream also
/// ends the last event.
fn reference(stream: &[u8]) -> Vec<Parsed> {
    let stream = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let mut lines = vec![Vec::new()];
    let mut bytes = stream.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {
                if *byte == b'\r' && bytes.peek() == Some(&&b'\n') {
                    bytes.next();
                }
                lines.push(Vec::new());
            }
            other => lines.last_mut().unwrap().push(*other),
        }
    }
    lines.push(Vec::new());
    let (mut parsed, mut data, mut name) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        if line.is_empty() {
            if !data.is_empty() {
                data.pop();
                let name = Some(name.clone()).filter(|name: &Vec<u8>| !name.is_empty());
                parsed.push((name, data.clone()));
            }
            data.clear();
            name.clear();
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(0) => continue,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&line[..], &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            b"event" => name = value.to_vec(),
            _ => {}
        }
    }
    parsed
}

fn parsed(region: &[u8]) -> Vec<Parsed> {
    let to_said = |event: Event<'_>| (event.name().map(<[u8]>::to_vec), event.data().into_owned());
    events(region).map(to_said).collect()
}

/// Pushes `chunks` and returns the regions, the last one from [`Decoder::finish`].
fn regions<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Bytes> {
    let mut decoder = Decoder::new(1 << 20);
    let mut regions = Vec::new();
    for chunk in chunks {
        regions.push(decoder.push(Bytes::copy_from_slice(chunk)).unwrap());
    }
    regions.extend(decoder.finish());
    assert_eq!(decoder.finish(), None);
    regions
}

fn check<'a>(stream: &[u8], chunks: impl IntoIterator<Item = &'a [u8]>) {
    let regions = regions(chunks);
    assert_eq!(regions.concat(), stream);
    let all: Vec<Parsed> = regions.iter().flat_map(|region| parsed(region)).collect();
    assert_eq!(all, reference(stream));
}

const STREAMS: [&str; 12] = [
    "data: {\"a\":\"你好,世界\"}\n\ndata: [DONE]\n\n",
    "data:模型\r\n\r\n: keep-alive\r\n\r\ndata: b\r\n\r\n",
    "data: a\r\rdata: b\r\r",
    ": keep-alive\n\n: OPENROUTER PROCESSING\n\ndata: x\n\n",
    ": keep-alive\n: again\ndata: x\n: inside\ndata: y\n\n\n\ndata: z",
    "event: error\ndata: {}\nid: 1\nretry: 5\n\nevent: alone\n\ndata\n\ndata:\n\n",
    "\u{feff}data: bom\n\ndata:  two spaces\n\n",
    "\u{feff}: comment\n\n\r\n\r\ndata: a\n\rdata: b\r\r\ndata: c\n\r\ndata: d\r\n\n",
    "\n\n\r\r\n\ndata: x\n\n\r\n",
    "dataset: no\ndata : no\nDATA: no\ndata: yes\r\n",
    "",
    "\r",
];

#[test]
fn every_split_in_two_gives_the_same_stream() {
    for stream in STREAMS {
        let bytes = stream.as_bytes();
        assert_eq!(parsed(bytes), reference(bytes), "{stream:?}");
        for at in 0..=bytes.len() {
            check(bytes, [&bytes[..at], &bytes[at..]]);
        }
        check(bytes, bytes.chunks(1));
        check(bytes, bytes.chunks(2));
    }
}

#[test]
fn gives_events_as_soon_as_they_are_whole() {
    let table: [(&[&str], &[&str]); 9] = [
        (&["data: a\n\n"], &["data: a\n\n"]),
        (&["data: a\n", "\n"], &["", "data: a\n\n"]),
        (&["data: a\n\ndata: b"], &["data: a\n\n", "data: b"]),
        (
            &["data: a\r\n\r", "\ndata: b\r\n\r\n"],
            &["data: a\r\n\r", "\ndata: b\r\n\r\n"],
        ),
        (
            &["data: a\r", "\nid: 1\r", "\r"],
            &["", "", "data: a\r\nid: 1\r\r"],
        ),
        (
            &[": keep-alive\n", "data: a"],
            &[": keep-alive\n", "", "data: a"],
        ),
        (
            &[": keep", "-alive\n: b\ndata", ": a\n\n"],
            &["", ": keep-alive\n: b\n", "data: a\n\n"],
        ),
        (
            &["data: a\n: c\n", "\n: d\n: e"],
            &["", "data: a\n: c\n\n: d\n", ": e"],
        ),
        (&["data: a\n\n\n", "\n"], &["data: a\n\n\n", "\n"]),
    ];
    for (chunks, wanted) in table {
        assert_eq!(regions(chunks.iter().map(|chunk| chunk.as_bytes())), wanted);
    }
}

#[test]
fn copies_nothing_while_nothing_is_held() {
    let mut decoder = Decoder::new(100);
    let chunk = Bytes::from_static(b"data: a\n\ndata: b\n\n: c\n");
    let region = decoder.push(chunk.clone()).unwrap();
    assert_eq!(region, chunk);
    assert_eq!(region.as_ptr(), chunk.as_ptr());
}

#[test]
fn holds_no_more_than_its_limit() {
    let mut decoder = Decoder::new(10);
    assert_eq!(decoder.push("data: 6789".into()).unwrap(), "");
    assert_eq!(decoder.push("\n\n".into()).unwrap(), "data: 6789\n\n");
    assert_eq!(decoder.push("data: 6789".into()).unwrap(), "");
    let error = decoder.push("0".into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpstreamInvalid);
    let error = Decoder::new(10).push("\n\ndata: 67890".into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpstreamInvalid);
}

#[test]
fn reports_the_positions_of_events() {
    let region = b": c\n\n: d\nevent: e\ndata: 1\ndata: 2\n\n\nid: 3\n\ndata: 4\r\n\r\ndata: 5";
    let ranges: Vec<_> = events(region).map(|event| &region[event.range()]).collect();
    let wanted: [&[u8]; 3] = [
        b"event: e\ndata: 1\ndata: 2\n\n",
        b"data: 4\r\n\r\n",
        b"data: 5",
    ];
    assert_eq!(ranges, wanted);
    assert!(matches!(
        events(b"data: one\n\n").next().unwrap().data(),
        std::borrow::Cow::Borrowed(b"one")
    ));
}

#[test]
fn encodes_what_it_decodes() {
    let event = encode_data("{\"a\":\"模\"}".as_bytes());
    assert_eq!(event, "data: {\"a\":\"模\"}\n\n");
    assert_eq!(parsed(&event), [(None, "{\"a\":\"模\"}".into())]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn every_chunking_gives_the_same_stream(
        pieces in proptest::collection::vec(prop_oneof![
            10 => prop::sample::select(vec!["\n", "\n", "\r", "\r\n", "\n\n"]),
            10 => prop::sample::select(vec![
                ":", " ", "data", "data: ", "data: ", "data:", "event: ", "id: 1", ": keep-alive",
                "你好", "{\"a\":1}", "[DONE]",
            ]),
        ], 0..40),
        bom in any::<bool>(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stream = [if bom { "\u{feff}" } else { "" }, &pieces.concat()].concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        check(&stream, cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]));
        check(&stream, [&stream[..]]);
        for at in 0..=stream.len() {
            check(&stream, [&stream[..at], &stream[at..]]);
        }
    }
}
