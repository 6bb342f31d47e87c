use super::{CLIENTS, PROVIDERS, grows_with_its_text, list};
use crate::call::RequestBody;
use crate::translate::{ClientProtocol, Losses};
use crate::wire::Operation;

/// What a request can have many of.
#[derive(Debug, Clone, Copy)]
enum Many {
    Members,
    SameMember,
    MembersOf(&'static str),
    Tools,
    OddTools,
    Messages,
    Calls,
    CallsInOneMessage,
    CallsWithOddIds,
    Parts,
    ToolParts,
    Stops,
    Deep,
}

const ALL: [Many; 17] = [
    Many::Members,
    Many::SameMember,
    Many::MembersOf("metadata"),
    Many::MembersOf("output_config"),
    Many::MembersOf("image_config"),
    Many::MembersOf("text"),
    Many::MembersOf("thinking"),
    Many::Tools,
    Many::OddTools,
    Many::Messages,
    Many::Calls,
    Many::CallsInOneMessage,
    Many::CallsWithOddIds,
    Many::Parts,
    Many::ToolParts,
    Many::Stops,
    Many::Deep,
];

#[test]
fn translated_requests_take_work_like_their_length() {
    for client in CLIENTS {
        for many in ALL {
            for provider in PROVIDERS {
                let what = format!("{client:?} to {provider:?}, many {many:?}");
                let text = |count| request(client, many, count);
                grows_with_its_text(&what, text, |body| {
                    let Ok(request) = client.read_request(body) else {
                        return;
                    };
                    let mut losses = Losses::new(false);
                    let _ = provider.write_request(&request, "claude-sonnet-4-5", &mut losses);
                    assert!(losses.header().is_none_or(|names| names.len() <= 2048));
                });
            }
        }
    }
}

#[test]
fn reading_requests_takes_work_like_their_length() {
    for client in CLIENTS {
        for many in ALL {
            let what = format!("{client:?}, many {many:?}");
            let text = |count| request(client, many, count);
            let operation = match client {
                ClientProtocol::Chat => Operation::ChatCompletion,
                ClientProtocol::Messages => Operation::Message,
                ClientProtocol::Responses => Operation::Response,
            };
            grows_with_its_text(&what, text, |body| {
                let _ = RequestBody::scan_for(operation, body.to_vec().into(), None);
            });
        }
    }
}

#[test]
fn requests_as_they_are_built_here_are_read() {
    for client in CLIENTS {
        for many in ALL {
            // Endlessly nested content is rejected; `text` and `thinking` are required names.
            let text = request(client, many, 3);
            let read = client.read_request(text.as_bytes());
            assert!(read.is_ok(), "{client:?} {many:?}: {read:?} {text}");
        }
    }
}

#[test]
fn contents_within_contents_end_somewhere() {
    let deep = request(ClientProtocol::Messages, Many::Deep, 100_000);
    let refused = ClientProtocol::Messages.read_request(deep.as_bytes());
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .ends_with("is nested too deeply")
    );
}

fn request(client: ClientProtocol, many: Many, count: usize) -> String {
    let unknown = |index| format!(r#""unknown_{index}":1"#);
    let mut members = String::new();
    let mut messages = message(client, "user", r#""hi""#);
    match many {
        Many::Members => members = list(count, unknown),
        Many::SameMember => members = list(count, |index| format!(r#""unknown":{index}"#)),
        Many::MembersOf(name) => {
            let needed = match name {
                "thinking" => r#""type":"adaptive","#,
                _ => "",
            };
            members = format!(r#""{name}":{{{needed}{}}}"#, list(count, unknown));
        }
        Many::Tools => {
            members = format!(r#""tools":[{}]"#, list(count, |index| tool(client, index)))
        }
        Many::OddTools if client == ClientProtocol::Responses => {}
        Many::OddTools => {
            let odd = list(count, |index| {
                format!(r#"{{"type":"odd_{index}","name":"n"}}"#)
            });
            members = format!(r#""tools":[{odd}]"#);
        }
        Many::Messages => {
            messages = list(count, |index| {
                message(client, ["user", "assistant"][index % 2], r#""hi""#)
            });
        }
        Many::Calls => {
            messages = list(count, |index| {
                format!("{},{}", calls(client, index, 1), results(client, index, 1))
            });
        }
        Many::CallsInOneMessage => {
            messages = format!("{},{}", calls(client, 0, count), results(client, 0, count));
        }
        // Each with another character that ids may not contain elsewhere.
        Many::CallsWithOddIds => {
            messages = list(count, |index| {
                let odd = char::from_u32(0x4e00 + u32::try_from(index).unwrap()).unwrap();
                let id = format!("call_{index}\"");
                let both = format!("{},{}", calls(client, index, 1), results(client, index, 1));
                both.replace(&id, &format!("call_{odd}\""))
            });
        }
        Many::Parts => {
            let parts = list(count, |index| part(client, index));
            messages = message(client, "user", &format!("[{parts}]"));
        }
        Many::ToolParts => {
            let parts = list(count, |index| part(client, index));
            messages = format!(
                "{},{}",
                calls(client, 0, 1),
                result(client, 0, &format!("[{parts}]"))
            );
        }
        Many::Stops => {
            let stops = list(count, |index| format!(r#""stop {index}""#));
            let name = match client {
                ClientProtocol::Messages => "stop_sequences",
                _ => "stop",
            };
            members = format!(r#""{name}":[{stops}]"#);
        }
        Many::Deep if client == ClientProtocol::Messages => {
            let open = r#"[{"type":"search_result","title":"t","content":"#.repeat(count);
            let deep = format!(r#"{open}"x"{}"#, "}]".repeat(count));
            messages = message(client, "user", &deep);
        }
        Many::Deep => members = format!(r#""deep":{}{}"#, "[".repeat(count), "]".repeat(count)),
    }
    let list = match client {
        ClientProtocol::Responses => "input",
        _ => "messages",
    };
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"model":"m","max_tokens":9,"{list}":[{messages}]{comma}{members}}}"#)
}

fn message(client: ClientProtocol, role: &str, content: &str) -> String {
    let kind = match client {
        ClientProtocol::Responses => r#""type":"message","#,
        _ => "",
    };
    format!(r#"{{{kind}"role":"{role}","content":{content}}}"#)
}

fn tool(client: ClientProtocol, index: usize) -> String {
    let schema = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
    match client {
        ClientProtocol::Chat => format!(
            r#"{{"type":"function","function":{{"name":"f{index}","parameters":{schema}}}}}"#
        ),
        ClientProtocol::Messages => format!(r#"{{"name":"f{index}","input_schema":{schema}}}"#),
        ClientProtocol::Responses => {
            format!(r#"{{"type":"function","name":"f{index}","parameters":{schema}}}"#)
        }
    }
}

fn part(client: ClientProtocol, index: usize) -> String {
    let kind = match client {
        ClientProtocol::Responses => "input_text",
        _ => "text",
    };
    format!(r#"{{"type":"{kind}","text":"part {index}"}}"#)
}

/// A message with this many tool calls, numbered from `first`.
fn calls(client: ClientProtocol, first: usize, count: usize) -> String {
    let calls = list(count, |index| {
        let id = first + index;
        match client {
            ClientProtocol::Chat => format!(
                r#"{{"id":"call_{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}"#
            ),
            ClientProtocol::Messages => {
                format!(r#"{{"type":"tool_use","id":"call_{id}","name":"f","input":{{}}}}"#)
            }
            ClientProtocol::Responses => format!(
                r#"{{"type":"function_call","call_id":"call_{id}","name":"f","arguments":"{{}}"}}"#
            ),
        }
    });
    match client {
        ClientProtocol::Chat => format!(r#"{{"role":"assistant","tool_calls":[{calls}]}}"#),
        ClientProtocol::Messages => message(client, "assistant", &format!("[{calls}]")),
        ClientProtocol::Responses => calls,
    }
}

fn results(client: ClientProtocol, first: usize, count: usize) -> String {
    let one = |index| match client {
        ClientProtocol::Messages => {
            let id = first + index;
            format!(r#"{{"type":"tool_result","tool_use_id":"call_{id}","content":"ok"}}"#)
        }
        _ => result(client, first + index, r#""ok""#),
    };
    match client {
        ClientProtocol::Messages => message(client, "user", &format!("[{}]", list(count, one))),
        _ => list(count, one),
    }
}

fn result(client: ClientProtocol, id: usize, content: &str) -> String {
    match client {
        ClientProtocol::Chat => {
            format!(r#"{{"role":"tool","tool_call_id":"call_{id}","content":{content}}}"#)
        }
        ClientProtocol::Messages => {
            let result = format!(
                r#"[{{"type":"tool_result","tool_use_id":"call_{id}","content":{content}}}]"#
            );
            message(client, "user", &result)
        }
        ClientProtocol::Responses => {
            format!(r#"{{"type":"function_call_output","call_id":"call_{id}","output":{content}}}"#)
        }
    }
}
