//! The JSON cursor and the scan of a request: they accept what `serde_json` accepts, read the same
//! values, and a splice changes only the intended bytes.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use nexus_fuzz::{JsonMutator, Members, is_json, nesting};
use nexus_lib::wire::json::{MAX_DEPTH, elements, members};
use nexus_lib::wire::{Operation, RequestScan, UsageReport};
use serde_json::Value;
use serde_json::value::RawValue;

const FIELDS: [&str; 4] = ["model", "messages", "stream", "stream_options"];

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    JsonMutator::new(seed).mutate(data, size, max_size, 0)
});

fuzz_target!(|input: &[u8]| {
    let _ = UsageReport::read(input);
    let nesting = nesting(input);
    let is_json = is_json(input) && nesting <= MAX_DEPTH as usize;
    let first = input.iter().find(|byte| !b" \t\r\n".contains(byte));

    let mut found = Vec::new();
    let is_read = members(input, |key, at| found.push((key.into_owned(), &input[at]))).is_ok();
    assert_eq!(is_read, is_json && first == Some(&b'{'), "objects");
    let plain: Option<Members<'_>> = serde_json::from_slice(input).ok();
    if let (true, Some(plain)) = (is_read, &plain) {
        let plain = plain
            .0
            .iter()
            .map(|(key, value)| (key.clone(), value.get().as_bytes()));
        assert!(found.iter().cloned().eq(plain), "the members are others");
    }

    let mut found = Vec::new();
    let is_read = elements(input, |at| found.push(&input[at])).is_ok();
    assert_eq!(is_read, is_json && first == Some(&b'['), "arrays");
    if is_read && let Ok(plain) = serde_json::from_slice::<Vec<&RawValue>>(input) {
        assert!(
            found
                .into_iter()
                .eq(plain.iter().map(|value| value.get().as_bytes()))
        );
    }

    scan(input, plain.as_ref().filter(|_| is_json));
    for operation in [
        Operation::Completion,
        Operation::Embedding,
        Operation::Response,
    ] {
        let _ = RequestScan::for_operation(operation, input, None);
    }
});

fn scan(input: &[u8], plain: Option<&Members<'_>>) {
    let scanned = RequestScan::of(input);
    let Some(plain) = plain else {
        // A name that is not valid Unicode is none of the searched ones.
        assert!(scanned.is_err() || is_json(input));
        return;
    };
    let wanted = request(plain);
    assert_eq!(scanned.is_ok(), wanted.is_some(), "{:?}", scanned.err());
    let (Ok(scan), Some(wanted)) = (scanned, wanted) else {
        return;
    };
    assert_eq!(
        (&*scan.model, scan.stream, scan.include_usage),
        (&*wanted.model, wanted.stream, wanted.asks)
    );

    let body = Bytes::copy_from_slice(input);
    assert_eq!(scan.splice(&body, None, false), body);
    assert_eq!(scan.splice(&body, Some(&wanted.model), false), body);
    for ask in [false, true] {
        let spliced = scan.splice(&body, Some("other \"name\" \u{1F600}"), ask);
        let after: Members<'_> = serde_json::from_slice(&spliced).expect("a splice keeps it JSON");
        let rescan = RequestScan::of(&spliced).expect("a splice keeps it a request");
        assert_eq!(&*rescan.model, "other \"name\" \u{1F600}");
        assert_eq!(rescan.stream, scan.stream);
        assert_eq!(
            rescan.include_usage,
            scan.include_usage || (ask && scan.stream)
        );
        assert_eq!(rescan.prefixes, scan.prefixes);
        let is_other =
            |member: &&(String, &RawValue)| !["model", "stream_options"].contains(&&*member.0);
        let others = |members: &Members<'_>| {
            let others = members.0.iter().filter(is_other);
            others
                .map(|(key, value)| (key.clone(), value.get().to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            others(plain),
            others(&after),
            "a splice changes other members"
        );
        // What is replaced is known, so that a byte more or less would be noticed.
        let old = plain
            .0
            .iter()
            .find(|(key, _)| key == "model")
            .map_or(0, |(_, value)| value.get().len());
        let new = serde_json::to_string(&*rescan.model)
            .unwrap_or_default()
            .len();
        if !(ask && scan.stream && !scan.include_usage) {
            assert_eq!(spliced.len() + old, input.len() + new);
        }
    }
}

struct Wanted {
    model: String,
    stream: bool,
    asks: bool,
}

/// The expected result of the scan; `None` if it should reject.
fn request(members: &Members<'_>) -> Option<Wanted> {
    let fold = |key: &str| -> String {
        let fold = |character: char| match character {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        };
        key.chars().map(fold).collect()
    };
    let alike = |name: &str| {
        let alike = members.0.iter().filter(|(key, _)| fold(key) == *name);
        alike.collect::<Vec<_>>()
    };
    let mut fields = [None; 4];
    for (name, slot) in FIELDS.iter().zip(&mut fields) {
        match &*alike(name) {
            [] => {}
            [(key, value)] if key == name => *slot = Some(*value),
            _ => return None,
        }
    }
    let [model, messages, stream, options] = fields;
    let model: String = serde_json::from_str(model?.get()).ok()?;
    let is_named = !model.is_empty();
    let is_list = messages?.get().starts_with('[');
    let stream = flag(stream)?;
    let asks = match options.map(RawValue::get) {
        None | Some("null") => false,
        Some(options) => {
            let options: Members<'_> = serde_json::from_str(options).ok()?;
            let named = options
                .0
                .iter()
                .filter(|(key, _)| fold(key) == "include_usage");
            match &*named.collect::<Vec<_>>() {
                [] => false,
                [(key, value)] if key == "include_usage" => flag(Some(value))?,
                _ => return None,
            }
        }
    };
    (is_named && is_list).then_some(Wanted {
        model,
        stream,
        asks,
    })
}

fn flag(value: Option<&RawValue>) -> Option<bool> {
    match serde_json::from_str(value.map_or("null", RawValue::get)).ok()? {
        Value::Null => Some(false),
        Value::Bool(flag) => Some(flag),
        _ => None,
    }
}
