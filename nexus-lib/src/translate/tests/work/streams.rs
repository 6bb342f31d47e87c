use super::{CLIENTS, PROVIDERS, grows_with_its_text};
use crate::transcript::{Delivered, InChat};
use crate::translate::{ProviderProtocol, Request};
use crate::wire::Operation;

/// What a stream can have many of.
#[derive(Debug, Clone, Copy)]
enum Many {
    Words,
    Calls,
    CallsAtOnce,
}

impl Many {
    /// Beyond the maximum of open blocks: that is bounded, and so is looking one up.
    fn scaled(self, count: usize) -> usize {
        match self {
            Self::Words => count,
            Self::Calls | Self::CallsAtOnce => 3 * count,
        }
    }
}

const ALL: [Many; 3] = [Many::Words, Many::Calls, Many::CallsAtOnce];

#[test]
fn translated_streams_take_work_like_their_length() {
    for provider in PROVIDERS {
        for many in ALL {
            for client in CLIENTS {
                let what = format!("{provider:?} to {client:?}, many {many:?}");
                let text = |count| stream(provider, many, many.scaled(count));
                grows_with_its_text(&what, text, |events| {
                    let mut reader = provider.reader();
                    let mut writer = client.writer(&Request::default());
                    let mut actual = reader.push(events);
                    actual.append(&mut reader.end(&[]));
                    for event in actual {
                        writer.push(event);
                    }
                });
            }
        }
    }
}

#[test]
fn streams_that_pass_are_gathered_with_work_like_their_length() {
    for (provider, operation) in [
        (ProviderProtocol::Chat, Operation::ChatCompletion),
        (ProviderProtocol::Messages, Operation::Message),
        (ProviderProtocol::Responses, Operation::Response),
    ] {
        for many in ALL {
            let what = format!("{provider:?}, many {many:?}");
            let text = |count| stream(provider, many, many.scaled(count));
            grows_with_its_text(&what, text, |events| {
                let mut answer = Delivered::Nothing;
                match InChat::of(operation) {
                    None => answer.push(events),
                    Some(mut in_chat) => answer.push(&in_chat.push(events)),
                }
                answer.messages();
            });
        }
    }
}

fn stream(provider: ProviderProtocol, many: Many, count: usize) -> String {
    let event = |data: String| match provider {
        ProviderProtocol::Ollama => format!("{data}\n"),
        _ => format!("data: {data}\n\n"),
    };
    let each = |one: &dyn Fn(usize) -> String| {
        (0..count)
            .map(|index| event(one(index)))
            .collect::<String>()
    };
    match (provider, many) {
        (ProviderProtocol::Chat, Many::Words) => each(&|index| {
            format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{"content":"{index} "}}}}]}}"#)
        }),
        (ProviderProtocol::Chat, Many::Calls | Many::CallsAtOnce) => {
            let call = |index: usize| {
                format!(
                    r#"{{"id":"c","choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":{index},"id":"call_{index}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}]}}}}]}}"#
                )
            };
            let again = |index: usize| {
                format!(
                    r#"{{"id":"c","choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":{index},"function":{{"arguments":""}}}}]}}}}]}}"#
                )
            };
            each(&call) + &each(&again)
        }
        (ProviderProtocol::Messages, many) => {
            let start = event(r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":1,"output_tokens":1}}}"#.to_owned());
            let begin = |index: usize| match many {
                Many::Words => format!(
                    r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"text","text":""}}}}"#
                ),
                _ => format!(
                    r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"tool_use","id":"call_{index}","name":"f","input":{{}}}}}}"#
                ),
            };
            let delta = |index: usize| match many {
                Many::Words => format!(
                    r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{index}"}}}}"#
                ),
                _ => format!(
                    r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"input_json_delta","partial_json":"{{}}"}}}}"#
                ),
            };
            let end = |index: usize| format!(r#"{{"type":"content_block_stop","index":{index}}}"#);
            start
                + &match many {
                    Many::Words => event(begin(0)) + &each(&delta) + &event(end(0)),
                    Many::CallsAtOnce => each(&begin) + &each(&delta) + &each(&end),
                    Many::Calls => (0..count)
                        .map(|index| {
                            event(begin(index)) + &event(delta(index)) + &event(end(index))
                        })
                        .collect::<String>(),
                }
        }
        (ProviderProtocol::Responses, Many::Words) => {
            let start = event(r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg","role":"assistant","content":[]}}"#.to_owned());
            start
                + &each(&|index| {
                    format!(
                        r#"{{"type":"response.output_text.delta","output_index":0,"item_id":"msg","content_index":0,"delta":"{index}"}}"#
                    )
                })
        }
        (ProviderProtocol::Responses, many) => {
            let begin = |index: usize| {
                format!(
                    r#"{{"type":"response.output_item.added","output_index":{index},"item":{{"type":"function_call","id":"fc_{index}","call_id":"call_{index}","name":"f","arguments":""}}}}"#
                )
            };
            let delta = |index: usize| {
                format!(
                    r#"{{"type":"response.function_call_arguments.delta","output_index":{index},"item_id":"fc_{index}","delta":"{{}}"}}"#
                )
            };
            let end = |index: usize| {
                format!(
                    r#"{{"type":"response.output_item.done","output_index":{index},"item":{{"type":"function_call","id":"fc_{index}","call_id":"call_{index}","name":"f","arguments":"{{}}"}}}}"#
                )
            };
            match many {
                Many::CallsAtOnce => each(&begin) + &each(&delta) + &each(&end),
                _ => (0..count)
                    .map(|index| event(begin(index)) + &event(delta(index)) + &event(end(index)))
                    .collect::<String>(),
            }
        }
        (ProviderProtocol::Gemini, Many::Words) => each(&|index| {
            format!(
                r#"{{"candidates":[{{"index":0,"content":{{"role":"model","parts":[{{"text":"{index}"}}]}}}}]}}"#
            )
        }),
        (ProviderProtocol::Gemini, _) => each(&|_| {
            r#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]}}]}"#.to_owned()
        }),
        (ProviderProtocol::Ollama, Many::Words) => each(&|index| {
            format!(r#"{{"message":{{"role":"assistant","content":"{index}"}},"done":false}}"#)
        }),
        (ProviderProtocol::Ollama, _) => each(&|_| {
            r#"{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":false}"#.to_owned()
        }),
    }
}
