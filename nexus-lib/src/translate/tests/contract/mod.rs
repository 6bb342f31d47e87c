//! The contract of every reader with every client: one list of odd answers, in each provider
//! protocol, for each client protocol, streamed and whole.
//!
//! A new protocol is a line in each `match` of [`render`] (or [`heard`], for a client's), and all
//! of this is tested.

mod heard;
mod render;

use heard::Heard;
use render::{ANSWERERS, Step, stream, whole};

use super::clients::{CLIENTS, events, streamed_to};
use crate::translate::{ClientProtocol, ProviderProtocol};
use Step::{Call, End, Fail, Finish, Junk, Usage, Words};

/// An odd answer, and what a client receives.
struct Case {
    name: &'static str,
    steps: &'static [Step],
    words: &'static str,
    /// The names and the arguments of the calls.
    calls: &'static [(&'static str, &'static str)],
    reason: &'static str,
}

const F: Step = Call {
    id: "",
    name: "f",
    arguments: "{\\\"n\\\":1}",
};
const G: Step = Call {
    id: "",
    name: "g",
    arguments: "{\\\"n\\\":2}",
};

const CASES: [Case; 17] = [
    Case {
        name: "words and a reason",
        steps: &[Words(b"Hello"), Finish("stop"), Usage(3, 2), End],
        words: "Hello",
        calls: &[],
        reason: "stop",
    },
    Case {
        name: "words behind a reason",
        steps: &[Words(b"He"), Finish("stop"), Words(b"llo"), End],
        words: "Hello",
        calls: &[],
        reason: "stop",
    },
    Case {
        name: "a call behind a reason",
        steps: &[Words(b"He"), Finish("stop"), F, End],
        words: "He",
        calls: &[("f", r#"{"n":1}"#)],
        reason: "calls",
    },
    Case {
        name: "an empty reason with each piece",
        steps: &[
            Finish(""),
            Words(b"He"),
            Finish(""),
            Words(b"llo"),
            Finish("length"),
            End,
        ],
        words: "Hello",
        calls: &[],
        reason: "length",
    },
    Case {
        name: "two calls without ids",
        steps: &[F, G, Finish("calls"), End],
        words: "",
        calls: &[("f", r#"{"n":1}"#), ("g", r#"{"n":2}"#)],
        reason: "calls",
    },
    Case {
        name: "two calls of one tool without ids",
        steps: &[F, F, Finish("calls"), End],
        words: "",
        calls: &[("f", r#"{"n":1}"#), ("f", r#"{"n":1}"#)],
        reason: "calls",
    },
    Case {
        name: "two calls with one id",
        steps: &[
            Call {
                id: "a",
                name: "f",
                arguments: "{}",
            },
            Call {
                id: "a",
                name: "g",
                arguments: "{}",
            },
            Finish("stop"),
            End,
        ],
        words: "",
        calls: &[("f", "{}"), ("g", "{}")],
        reason: "calls",
    },
    Case {
        name: "calls whose arguments are nothing, or null",
        steps: &[
            Call {
                id: "a",
                name: "f",
                arguments: "",
            },
            Call {
                id: "b",
                name: "g",
                arguments: "null",
            },
            Finish("calls"),
            End,
        ],
        words: "",
        calls: &[("f", "{}"), ("g", "{}")],
        reason: "calls",
    },
    Case {
        name: "a reason that no client knows",
        steps: &[Words(b"Hello"), Finish("odd"), End],
        words: "Hello",
        calls: &[],
        reason: "stop",
    },
    Case {
        name: "a reason that no client knows, and calls",
        steps: &[F, Finish("odd"), End],
        words: "",
        calls: &[("f", r#"{"n":1}"#)],
        reason: "calls",
    },
    Case {
        name: "a reason that was cut off",
        steps: &[Words(b"Hello"), Finish("length")],
        words: "Hello",
        calls: &[],
        reason: "length",
    },
    Case {
        name: "half a character",
        steps: &[Words(b"a\\ud83d"), Words(b" \\uDE00b"), Finish("stop"), End],
        words: "a\u{fffd} \u{fffd}b",
        calls: &[],
        reason: "stop",
    },
    Case {
        name: "a byte that is none of a character",
        steps: &[Words(b"a\xffb"), Finish("stop"), End],
        words: "a\u{fffd}b",
        calls: &[],
        reason: "stop",
    },
    Case {
        name: "half a character in arguments",
        steps: &[
            Call {
                id: "a",
                name: "f",
                arguments: r#"{\"t\":\"\ud83d\"}"#,
            },
            Finish("calls"),
            End,
        ],
        words: "",
        calls: &[("f", "{\"t\":\"\u{fffd}\"}")],
        reason: "calls",
    },
    Case {
        name: "words between pieces",
        steps: &[
            Junk(b"ping"),
            Words(b"He"),
            Junk(b"null"),
            Words(b"llo"),
            Finish("stop"),
            End,
        ],
        words: "Hello",
        calls: &[],
        reason: "stop",
    },
    Case {
        name: "a last event in a text, numbers and lists",
        steps: &[
            Words(b"He"),
            Junk(br#""[DONE]""#),
            Junk(b"7"),
            Words(b"llo"),
            Finish("stop"),
            End,
        ],
        words: "Hello",
        calls: &[],
        reason: "stop",
    },
    Case {
        name: "nothing but a reason",
        steps: &[Finish("length"), Usage(3, 0), End],
        words: "",
        calls: &[],
        reason: "length",
    },
];

/// Answers that fail, and what their clients receive before that.
const FAILURES: [(&str, &[Step], &str); 6] = [
    (
        "an error and nothing else",
        &[Fail("quota used up")],
        "quota used up",
    ),
    (
        "an error behind words",
        &[Words(b"He"), Fail("quota used up")],
        "quota used up",
    ),
    (
        "an error behind a reason",
        &[Words(b"He"), Finish("stop"), Fail("quota used up")],
        "quota used up",
    ),
    ("an end and nothing else", &[End], "empty"),
    ("an end behind figures", &[Usage(3, 2), End], "empty"),
    (
        "a piece that cannot be read",
        &[
            Words(b"He"),
            Junk(br#"{"choices":[{"del"#),
            Words(b"llo"),
            Finish("stop"),
            End,
        ],
        "could not be read",
    ),
];

fn streams(steps: &[Step], check: impl Fn(ProviderProtocol, ClientProtocol, Heard)) {
    for provider in ANSWERERS {
        let actual = events(provider, &stream(provider, steps));
        for client in CLIENTS {
            check(
                provider,
                client,
                Heard::of_stream(client, &streamed_to(client, actual.clone())),
            );
        }
    }
}

#[test]
fn every_odd_stream_is_heard_whole() {
    for case in &CASES {
        streams(case.steps, |provider, client, heard| {
            heard.check(case, &format!("{}: {provider:?} to {client:?}", case.name));
        });
    }
}

#[test]
fn every_odd_answer_is_heard_whole() {
    for case in &CASES {
        for provider in ANSWERERS {
            let answered = provider.read_reply(&whole(provider, case.steps));
            let at = format!("{}: {provider:?}", case.name);
            let answered = answered.unwrap_or_else(|error| panic!("{at}: {error}"));
            for client in CLIENTS {
                let reply = client.write_reply(&answered, "m");
                Heard::of_whole(client, &reply).check(case, &format!("{at} to {client:?}"));
            }
        }
    }
}

#[test]
fn every_failure_is_reported_in_the_clients_words() {
    for (name, steps, message) in FAILURES {
        streams(steps, |provider, client, heard| {
            let at = format!("{name}: {provider:?} to {client:?}");
            let has_last = matches!(
                provider,
                ProviderProtocol::Chat | ProviderProtocol::Messages
            );
            if message == "empty" && !has_last {
                // There is nothing to read, which is detected before anything is written.
                return;
            }
            let error = heard.error.unwrap_or_else(|| panic!("{at}: no error"));
            assert!(error.contains(message), "{at}: {error}");
            assert!(!heard.is_over, "{at}: no good end behind a failure");
        });
    }
}

#[test]
fn a_stream_that_is_cut_before_its_reason_comes_to_no_end() {
    streams(&[Words(b"He"), F], |provider, client, heard| {
        assert!(
            !heard.is_over && heard.error.is_none(),
            "{provider:?} to {client:?}"
        );
    });
}

#[test]
fn an_error_in_a_good_answer_is_one_in_every_protocol() {
    for provider in ANSWERERS {
        for body in [
            r#"{"error":{"message":"quota used up"}}"#,
            r#"{"error":"quota used up"}"#,
            r#"{"type":"error","error":{"type":"x","message":"quota used up"}}"#,
            r#"{"code":1113,"message":"quota used up"}"#,
            r#"{"detail":"quota used up"}"#,
        ] {
            // What Ollama calls a message is its answer.
            if provider == ProviderProtocol::Ollama && !body.contains("error") {
                continue;
            }
            let (message, ..) = provider.read_fault(body.as_bytes()).unwrap();
            assert_eq!(message, "quota used up", "{provider:?} {body}");
        }
        for steps in [&CASES[0].steps, &CASES[4].steps] {
            assert_eq!(provider.read_fault(&whole(provider, steps)), None);
        }
        for body in [
            "{}",
            "[]",
            "null",
            "\"x\"",
            r#"{"choices":[],"candidates":[]}"#,
            "<html>",
        ] {
            assert!(
                provider.read_reply(body.as_bytes()).is_err(),
                "{provider:?} {body}"
            );
        }
    }
}
