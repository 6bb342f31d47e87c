use bytes::Bytes;

use super::{CLIENTS, PROVIDERS, grows_with_its_text, list};
use crate::transcript::InChat;
use crate::translate::ProviderProtocol;
use crate::wire::Operation;

/// What an answer can have many of.
#[derive(Debug, Clone, Copy)]
enum Many {
    Members,
    Parts,
    Calls,
    Choices,
}

const ALL: [Many; 4] = [Many::Members, Many::Parts, Many::Calls, Many::Choices];

#[test]
fn translated_answers_take_work_like_their_length() {
    for provider in PROVIDERS {
        for many in ALL {
            for client in CLIENTS {
                let what = format!("{provider:?} to {client:?}, many {many:?}");
                let text = |count| answer(provider, many, count);
                grows_with_its_text(&what, text, |body| {
                    if let Ok(answered) = provider.read_reply(body) {
                        client.write_reply(&answered, "m");
                    }
                });
            }
        }
    }
}

#[test]
fn answers_that_pass_are_read_with_work_like_their_length() {
    for (provider, operation) in [
        (ProviderProtocol::Messages, Operation::Message),
        (ProviderProtocol::Responses, Operation::Response),
    ] {
        for many in ALL {
            let what = format!("{provider:?}, many {many:?}");
            let text = |count| answer(provider, many, count);
            grows_with_its_text(&what, text, |body| {
                InChat::whole(operation, &Bytes::copy_from_slice(body));
            });
        }
    }
}

fn answer(provider: ProviderProtocol, many: Many, count: usize) -> String {
    let unknown = match many {
        Many::Members => format!(
            ",{}",
            list(count, |index| format!(r#""unknown_{index}":1"#))
        ),
        _ => String::new(),
    };
    let text = |name: &str| match many {
        Many::Parts => list(count, |index| {
            format!(r#"{{"type":"{name}","text":"part {index}"}}"#)
        }),
        _ => format!(r#"{{"type":"{name}","text":"hi"}}"#),
    };
    let calls = match many {
        Many::Calls => count,
        _ => 1,
    };
    match provider {
        ProviderProtocol::Chat => {
            let calls = list(calls, |id| {
                format!(
                    r#"{{"id":"call_{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}"#
                )
            });
            let message = format!(
                r#"{{"role":"assistant","content":[{}],"tool_calls":[{calls}]{unknown}}}"#,
                text("text")
            );
            let choices = match many {
                Many::Choices => count,
                _ => 1,
            };
            let choices = list(choices, |index| {
                format!(r#"{{"index":{index},"finish_reason":"tool_calls","message":{message}}}"#)
            });
            format!(r#"{{"id":"c","choices":[{choices}]{unknown}}}"#)
        }
        ProviderProtocol::Messages => {
            let calls = list(calls, |id| {
                format!(r#"{{"type":"tool_use","id":"call_{id}","name":"f","input":{{}}}}"#)
            });
            format!(
                r#"{{"id":"m","type":"message","role":"assistant","content":[{},{calls}],"stop_reason":"tool_use","usage":{{"input_tokens":1,"output_tokens":1}}{unknown}}}"#,
                text("text")
            )
        }
        ProviderProtocol::Responses => {
            let calls = list(calls, |id| {
                format!(
                    r#"{{"type":"function_call","id":"fc_{id}","call_id":"call_{id}","name":"f","arguments":"{{}}"}}"#
                )
            });
            format!(
                r#"{{"id":"r","status":"completed","output":[{{"type":"message","id":"msg","role":"assistant","content":[{}]}},{calls}]{unknown}}}"#,
                text("output_text")
            )
        }
        ProviderProtocol::Gemini => {
            let calls = list(calls, |_| {
                r#"{"functionCall":{"name":"f","args":{}}}"#.to_owned()
            });
            let choices = match many {
                Many::Choices => count,
                _ => 1,
            };
            let parts = text("text");
            let choices = list(choices, |index| {
                format!(
                    r#"{{"index":{index},"finishReason":"STOP","content":{{"role":"model","parts":[{parts},{calls}]}}}}"#
                )
            });
            format!(r#"{{"candidates":[{choices}]{unknown}}}"#)
        }
        ProviderProtocol::Ollama => {
            let calls = list(calls, |_| {
                r#"{"function":{"name":"f","arguments":{}}}"#.to_owned()
            });
            format!(
                r#"{{"message":{{"role":"assistant","content":"hi","tool_calls":[{calls}]}},"done":true,"done_reason":"stop"{unknown}}}"#
            )
        }
    }
}
