//! The hand-written HTTP/1.1: answers of upstreams, and the reading of the heads of clients'
//! requests.
//!
//! The result does not depend on how the bytes are split. The body of an answer equals that of a
//! simple decoder over `httparse`. A request whose end two readers could see in different places is
//! detected.
#![no_main]

#[allow(dead_code, reason = "the server uses all of it")]
#[path = "../../nexus-server/src/edge/heads.rs"]
mod heads;

use std::sync::LazyLock;

use heads::{Finding, Heads};
use http::StatusCode;
use libfuzzer_sys::fuzz_target;
use nexus_lib::fuzzing;
use nexus_lib::wire::Endpoint;

static ENDPOINT: LazyLock<Endpoint> = LazyLock::new(|| {
    Endpoint::new("http://a.example/v1/x".parse().expect("it is a URL")).expect("it is complete")
});

fuzz_target!(|input: &[u8]| {
    let [which, piece, input @ ..] = input else {
        return;
    };
    let piece = usize::from(*piece) % 64 + 1;
    match which % 2 {
        0 => answer(input, piece),
        _ => requests(input, piece),
    }
});

fn answer(input: &[u8], piece: usize) {
    let whole = fuzzing::http1(input, usize::MAX, &ENDPOINT);
    let cut = fuzzing::http1(input, piece, &ENDPOINT);
    assert_eq!(whole.head, cut.head, "the head depends on the pieces");
    assert_eq!(
        whole.is_whole, cut.is_whole,
        "the end depends on the pieces"
    );
    if whole.is_whole {
        assert_eq!(whole.body, cut.body, "the body depends on the pieces");
        let expected = plain_body(input).expect("the plain decoder takes what was taken");
        assert_eq!(whole.body, expected, "the body is another one");
    }
}

/// The body of the answer `input`, decoded without state.
fn plain_body(input: &[u8]) -> Option<Vec<u8>> {
    let mut rest = input;
    let (status, version, headers) = loop {
        let mut fields = [httparse::EMPTY_HEADER; 256];
        let mut answer = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(length) = answer.parse(rest).ok()? else {
            return None;
        };
        rest = &rest[length..];
        let status = StatusCode::from_u16(answer.code?).ok()?;
        if status.is_informational() {
            continue;
        }
        let headers: Vec<(String, Vec<u8>)> = (answer.headers.iter())
            .map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()))
            .collect();
        break (status, answer.version?, headers);
    };
    if matches!(status.as_u16(), 204 | 304) {
        return Some(Vec::new());
    }
    let all = |name: &str| {
        let named = headers.iter().filter(|(known, _)| known == name);
        let values: Vec<Vec<u8>> = named.map(|(_, value)| value.clone()).collect();
        let values = values.join(&b","[..]);
        let values = String::from_utf8_lossy(&values).to_ascii_lowercase();
        let values = values.split(',').map(|value| value.trim().to_owned());
        values.collect::<Vec<String>>()
    };
    let codings = all("transfer-encoding");
    if headers.iter().any(|(name, _)| name == "transfer-encoding") {
        assert_eq!(version, 1, "HTTP/1.0 has no codings");
        if codings.last().map(String::as_str) != Some("chunked") {
            return Some(rest.to_vec());
        }
        return chunks(rest);
    }
    let mut lengths = all("content-length");
    lengths.retain(|length| !length.is_empty());
    match &*lengths {
        [] => Some(rest.to_vec()),
        [first, others @ ..] => {
            assert!(
                others
                    .iter()
                    .all(|other| other.parse::<u64>() == first.parse())
            );
            let length: usize = first.parse().ok()?;
            rest.get(..length).map(<[u8]>::to_vec)
        }
    }
}

fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) else {
            return None;
        };
        rest = &rest[start..];
        if size == 0 {
            return Some(body);
        }
        let size = usize::try_from(size).ok()?;
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

fn requests(input: &[u8], piece: usize) {
    let found = |piece: usize| {
        let finding = Finding::default();
        let mut heads = Heads::new(finding.clone());
        for bytes in input.chunks(piece) {
            heads.look(bytes);
        }
        (finding.is_plain(), finding.is_ambiguous())
    };
    let whole = found(usize::MAX);
    assert_eq!(whole, found(piece), "what is found depends on the pieces");
    let (is_plain, is_ambiguous) = whole;

    // What hyper would accept, request by request.
    let mut rest = input;
    loop {
        let mut fields = [httparse::EMPTY_HEADER; 100];
        let mut request = httparse::Request::new(&mut fields);
        let Ok(httparse::Status::Complete(length)) = request.parse(rest) else {
            return;
        };
        let head = &rest[..length];
        rest = &rest[length..];
        let named = |name: &str| {
            let fields = request.headers.iter();
            let named = fields.filter(|field| field.name.eq_ignore_ascii_case(name));
            named.map(|field| field.value).collect::<Vec<&[u8]>>()
        };
        let lengths = named("content-length");
        let codings = named("transfer-encoding");
        let has_bare_line_feed =
            memchr::memchr_iter(b'\n', head).any(|at| at == 0 || head[at - 1] != b'\r');
        if has_bare_line_feed || (!lengths.is_empty() && !codings.is_empty()) {
            // Hyper rejects an invalid length.
            let is_number = |length: &&[u8]| {
                !length.is_empty() && length.iter().all(u8::is_ascii_digit) && length.len() < 20
            };
            assert!(
                is_ambiguous || !lengths.iter().all(is_number),
                "an uncertain end is not found"
            );
            return;
        }
        match (&*lengths, &*codings) {
            ([], []) => {}
            (_, [_, ..]) => {
                assert!(!is_plain, "another request may follow a coding");
                return;
            }
            ([length], []) => {
                let length = std::str::from_utf8(length).ok();
                let length =
                    length.filter(|length| length.bytes().all(|byte| byte.is_ascii_digit()));
                let Some(length) = length.and_then(|length| length.parse().ok()) else {
                    return;
                };
                let Some(behind) = rest.get(length..) else {
                    return;
                };
                rest = behind;
            }
            ([first, ..], []) => {
                if first.iter().all(u8::is_ascii_digit) && first.len() < 20 && !first.is_empty() {
                    assert!(
                        is_ambiguous
                            || lengths.iter().any(|length| {
                                length.is_empty()
                                    || !length.iter().all(u8::is_ascii_digit)
                                    || length.len() > 19
                            }),
                        "two lengths are not found"
                    );
                }
                return;
            }
        }
    }
}
