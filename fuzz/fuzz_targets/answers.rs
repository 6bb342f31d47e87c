//! Whole answers and streams of each provider, for each client, and pass-through streams: nothing
//! panics, the result does not depend on how the bytes are split, and the client gets what its
//! protocol's own server could have written.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use nexus_fuzz::{JsonMutator, check, masked};
use nexus_lib::ErrorKind;
use nexus_lib::call::Observed;
use nexus_lib::fuzzing::{Passing, pass, translate};
use nexus_lib::translate::{ClientProtocol, Output, ProviderProtocol, Request};
use serde_json::Value;

const CLIENTS: [ClientProtocol; 3] = [
    ClientProtocol::Chat,
    ClientProtocol::Messages,
    ClientProtocol::Responses,
];

const PROVIDERS: [ProviderProtocol; 5] = [
    ProviderProtocol::Chat,
    ProviderProtocol::Messages,
    ProviderProtocol::Responses,
    ProviderProtocol::Gemini,
    ProviderProtocol::Ollama,
];

const PASSING: [Passing; 5] = [
    Passing::Chat,
    Passing::ChatWithoutUsage,
    Passing::Messages,
    Passing::Responses,
    Passing::Typed,
];

static REQUESTS: LazyLock<[Request; 3]> = LazyLock::new(|| {
    let body = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"input":"hi","max_tokens":9}"#;
    CLIENTS.map(|client| client.read_request(body).expect("it is a request"))
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    JsonMutator::new(seed).mutate(data, size, max_size, 2)
});

fuzz_target!(|input: &[u8]| {
    let [which, piece, input @ ..] = input else {
        return;
    };
    let provider = usize::from(*which / 3) % 5;
    let piece = usize::from(*piece) % 64 + 1;
    match which % 3 {
        0 => whole(PROVIDERS[provider], input),
        1 => stream(PROVIDERS[provider], input, piece),
        _ => passing(PASSING[provider], input, piece),
    }
});

fn whole(provider: ProviderProtocol, body: &[u8]) {
    let _ = provider.read_error(http::StatusCode::BAD_REQUEST, body);
    let answered = match provider.read_reply(body) {
        Ok(answered) => answered,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::UpstreamInvalid, "{error}");
            return;
        }
    };
    for client in CLIENTS {
        let written = client.write_reply(&answered, "m");
        let json: Value = serde_json::from_slice(&written).expect("an answer is JSON");
        let again = ProviderProtocol::from(client).read_reply(&written);
        let again = again.unwrap_or_else(|error| panic!("{client:?}: {error}\n{json}"));
        assert_eq!(
            texts(&again.output),
            texts(&answered.output),
            "{client:?} loses words: {json}"
        );
        assert_eq!(
            calls(&again.output),
            calls(&answered.output),
            "{client:?} loses calls: {json}"
        );
        // A part that exceeds its whole is reduced, by each protocol's own convention.
        let counts = answered.usage.filter(|counts| {
            let usage = counts.usage;
            (
                usage.cached_tokens,
                usage.reasoning_tokens,
                counts.cache_write_tokens,
            ) == (0, 0, 0)
                && usage.prompt_tokens.max(usage.completion_tokens) < 1_000_000_000
        });
        if let (Some(reported), Some(counts)) = (again.usage, counts) {
            let sums =
                |usage: nexus_lib::wire::Usage| (usage.prompt_tokens, usage.completion_tokens);
            assert_eq!(
                sums(reported.usage),
                sums(counts.usage),
                "{client:?}: other figures"
            );
        }
    }
}

fn texts(output: &[Output]) -> String {
    let texts = output.iter().map(|output| match output {
        // Not every protocol has a place for a refusal.
        Output::Text(text) | Output::Refusal(text) => text.as_str(),
        _ => "",
    });
    texts.collect()
}

fn calls(output: &[Output]) -> Vec<String> {
    let calls = output.iter().filter_map(|output| match output {
        Output::ToolCall(call) => Some(call.name.clone()),
        _ => None,
    });
    calls.collect()
}

fn stream(provider: ProviderProtocol, input: &[u8], piece: usize) {
    for (client, request) in CLIENTS.into_iter().zip(&*REQUESTS) {
        let all = translate(client, provider, request, input, usize::MAX);
        let cut = translate(client, provider, request, input, piece);
        let is_over = check(client, &all.bytes);
        check(client, &cut.bytes);
        let seen = &all.observed;
        if all.broken.is_none() {
            assert!(is_over || !seen.terminal, "a whole stream has no end");
            assert_eq!(
                masked(&all.bytes),
                masked(&cut.bytes),
                "{client:?} depends on the pieces"
            );
            assert!(
                cut.broken.is_none(),
                "the end depends on the pieces: {:?}",
                cut.broken
            );
            assert_eq!(seen_in(cut.observed), seen_in(all.observed));
        } else {
            let whole = masked(&cut.bytes);
            assert!(
                whole.starts_with(&masked(&all.bytes)),
                "less comes in pieces"
            );
        }
    }
}

/// Usage of the prompt alone only matters if no other follows.
fn seen_in(mut observed: Observed) -> Observed {
    if observed.usage.is_some() {
        observed.prompt = None;
    }
    observed
}

fn passing(passing: Passing, input: &[u8], piece: usize) {
    // A byte order mark before a region is skipped, wherever the region begins.
    if memchr::memmem::find(input, b"\xEF\xBB\xBF").is_some() {
        return;
    }
    let all = pass(passing, input, usize::MAX);
    let cut = pass(passing, input, piece);
    assert_eq!(
        all.broken.is_some(),
        cut.broken.is_some(),
        "{:?} {:?}",
        all.broken,
        cut.broken
    );
    if all.observed.terminal || cut.observed.terminal {
        // Whether bytes after the end are read depends on when they arrive.
        assert!(all.observed.terminal);
        return;
    }
    assert_eq!(
        seen_in(all.observed),
        seen_in(cut.observed),
        "what is seen depends on the pieces"
    );
    assert_eq!(all.bytes, cut.bytes, "what passes depends on the pieces");
    if all.broken.is_none() && passing != Passing::ChatWithoutUsage {
        assert_eq!(all.bytes, input, "a stream that passes is changed");
    }
}
