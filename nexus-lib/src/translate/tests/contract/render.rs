use crate::translate::ProviderProtocol::{self, Chat, Gemini, Messages, Ollama, Responses};

/// The provider protocols.
pub(super) const ANSWERERS: [ProviderProtocol; 5] = [Chat, Messages, Responses, Gemini, Ollama];

/// A piece of an answer in neutral form. Texts are in JSON unescaped.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Words(&'static [u8]),
    Call {
        id: &'static str,
        name: &'static str,
        /// Escaped, as in a string.
        arguments: &'static str,
    },
    /// `stop`, `length`, `calls`, nothing, or `odd`.
    Finish(&'static str),
    Usage(u64, u64),
    Fail(&'static str),
    /// An event, or a line, with these bytes.
    Junk(&'static [u8]),
    /// The protocol's final event, if it has one.
    End,
}

use Step::{Call, End, Fail, Finish, Junk, Usage, Words};

/// A protocol's value for a reason.
fn word(protocol: ProviderProtocol, reason: &str) -> &str {
    match (protocol, reason) {
        (Chat, "calls") => "tool_calls",
        (Messages, "stop") => "end_turn",
        (Messages, "length") => "max_tokens",
        (Messages, "calls") => "tool_use",
        (Gemini, "stop" | "calls") => "STOP",
        (Gemini, "length") => "MAX_TOKENS",
        (Gemini, "odd") => "MALFORMED_FUNCTION_CALL",
        (Ollama, "calls") => "stop",
        (Chat | Messages | Responses | Gemini | Ollama, word) => word,
    }
}

/// Arguments as an object, which some protocols require; without a string's escapes.
fn object(arguments: &str) -> String {
    match arguments {
        "" => "{}".to_owned(),
        text => text.replace("\\\"", "\""),
    }
}

fn join(pieces: &[&[u8]]) -> Vec<u8> {
    pieces.concat()
}

/// The final reason; protocols that have it in their final event only send it there.
fn last_reason(steps: &[Step]) -> Option<&'static str> {
    let mut reasons = steps.iter().filter_map(|step| match step {
        Finish(reason) if !reason.is_empty() => Some(*reason),
        _ => None,
    });
    reasons.next_back()
}

fn has_last(steps: &[Step]) -> bool {
    let fails = steps.iter().any(|step| matches!(step, Fail(_)));
    !fails && (last_reason(steps).is_some() || matches!(steps.last(), Some(End)))
}

fn figures(steps: &[Step]) -> Option<(u64, u64)> {
    steps.iter().find_map(|step| match step {
        Usage(prompt, completion) => Some((*prompt, *completion)),
        _ => None,
    })
}

/// `steps` as a stream.
pub(super) fn stream(protocol: ProviderProtocol, steps: &[Step]) -> Vec<u8> {
    let mut out = Vec::new();
    let is_answer = !matches!(steps.first(), Some(Fail(_) | End | Usage(..)));
    let data = |json: &[u8]| [b"data: ", json, b"\n\n"].concat();
    match protocol {
        Messages if is_answer => out.extend(data(
            br#"{"type":"message_start","message":{"id":"i","model":"m","usage":{"input_tokens":3,"output_tokens":1}}}"#,
        )),
        Responses if is_answer => out.extend(data(
            br#"{"type":"response.created","response":{"id":"resp_1","model":"m"}}"#,
        )),
        Chat | Messages | Responses | Gemini | Ollama => {}
    }
    for (at, step) in steps.iter().enumerate() {
        let json = piece(protocol, at, step);
        for json in json {
            match protocol {
                Ollama => out.extend([&json[..], b"\n"].concat()),
                Chat | Messages | Responses | Gemini => out.extend(data(&json)),
            }
        }
    }
    match (protocol, has_last(steps)) {
        (Responses, true) => out.extend(data(&last_response(steps))),
        (Ollama, true) if last_reason(steps).is_some() => {
            let reason = word(Ollama, last_reason(steps).unwrap());
            let figures = figures(steps).map_or(String::new(), |(prompt, completion)| {
                format!(r#","prompt_eval_count":{prompt},"eval_count":{completion}"#)
            });
            let last = format!(r#"{{"done":true,"done_reason":"{reason}"{figures}}}"#);
            out.extend(last.into_bytes());
        }
        _ => {}
    }
    out
}

/// The final event of a response: its only reason.
fn last_response(steps: &[Step]) -> Vec<u8> {
    let status = match last_reason(steps) {
        Some("length") => "incomplete",
        _ => "completed",
    };
    let usage = figures(steps).map_or("null".to_owned(), |(prompt, completion)| {
        format!(r#"{{"input_tokens":{prompt},"output_tokens":{completion}}}"#)
    });
    let kind = format!("response.{status}");
    format!(r#"{{"type":"{kind}","response":{{"object":"response","status":"{status}","usage":{usage}}}}}"#)
        .into_bytes()
}

/// The events, or lines, of one step.
fn piece(protocol: ProviderProtocol, at: usize, step: &Step) -> Vec<Vec<u8>> {
    let one = |pieces: &[&[u8]]| vec![join(pieces)];
    let text = |text: String| vec![text.into_bytes()];
    match (protocol, *step) {
        (_, Junk(bytes)) => vec![bytes.to_vec()],
        (Chat, Words(words)) => one(&[
            br#"{"id":"c","choices":[{"index":0,"delta":{"content":""#, words, br#""}}]}"#,
        ]),
        (Chat, Call { id, name, arguments }) => text(format!(
            r#"{{"choices":[{{"delta":{{"tool_calls":[{{"id":"{id}","function":{{"name":"{name}","arguments":"{arguments}"}}}}]}}}}]}}"#
        )),
        (Chat, Finish(reason)) => text(format!(
            r#"{{"choices":[{{"delta":{{}},"finish_reason":"{}"}}]}}"#,
            word(Chat, reason)
        )),
        (Chat, Usage(prompt, completion)) => text(format!(
            r#"{{"choices":[],"usage":{{"prompt_tokens":{prompt},"completion_tokens":{completion}}}}}"#
        )),
        (Chat, End) => one(&[b"[DONE]"]),
        (Messages, Words(words)) => vec![
            format!(r#"{{"type":"content_block_start","index":{at},"content_block":{{"type":"text","text":""}}}}"#).into_bytes(),
            join(&[
                format!(r#"{{"type":"content_block_delta","index":{at},"delta":{{"type":"text_delta","text":""#).as_bytes(),
                words,
                br#""}}"#,
            ]),
            format!(r#"{{"type":"content_block_stop","index":{at}}}"#).into_bytes(),
        ],
        (Messages, Call { id, name, arguments }) => vec![
            format!(r#"{{"type":"content_block_start","index":{at},"content_block":{{"type":"tool_use","id":"{id}","name":"{name}","input":{{}}}}}}"#).into_bytes(),
            format!(r#"{{"type":"content_block_delta","index":{at},"delta":{{"type":"input_json_delta","partial_json":"{arguments}"}}}}"#).into_bytes(),
        ],
        (Messages, Finish(reason)) => text(format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":"{}"}},"usage":{{"output_tokens":2}}}}"#,
            word(Messages, reason)
        )),
        (Messages | Gemini | Ollama, Usage(..)) if protocol != Gemini => Vec::new(),
        (Messages, End) => one(&[br#"{"type":"message_stop"}"#]),
        (Responses, Words(words)) => one(&[
            format!(r#"{{"type":"response.output_text.delta","output_index":{at},"content_index":0,"delta":""#).as_bytes(),
            words,
            br#""}"#,
        ]),
        (Responses, Call { id, name, arguments }) => text(format!(
            r#"{{"type":"response.output_item.done","output_index":{at},"item":{{"type":"function_call","id":"fc_{at}","call_id":"{id}","name":"{name}","arguments":"{arguments}"}}}}"#
        )),
        (Responses, Finish(_) | Usage(..) | End) | (Gemini | Ollama, End) | (Ollama, Finish(_)) => {
            Vec::new()
        }
        (Gemini, Words(words)) => one(&[
            br#"{"candidates":[{"content":{"parts":[{"text":""#, words, br#""}]}}]}"#,
        ]),
        (Gemini, Call { id, name, arguments }) => text(format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"id":"{id}","name":"{name}","args":{}}}}}]}}}}]}}"#,
            object(arguments)
        )),
        (Gemini, Finish(reason)) => text(format!(
            r#"{{"candidates":[{{"finishReason":"{}"}}]}}"#,
            word(Gemini, reason)
        )),
        (Gemini, Usage(prompt, completion)) => text(format!(
            r#"{{"usageMetadata":{{"promptTokenCount":{prompt},"candidatesTokenCount":{completion}}}}}"#
        )),
        (Ollama, Words(words)) => one(&[br#"{"message":{"content":""#, words, br#""}}"#]),
        (Ollama, Call { id, name, arguments }) => text(format!(
            r#"{{"message":{{"tool_calls":[{{"id":"{id}","function":{{"name":"{name}","arguments":{}}}}}]}}}}"#,
            object(arguments)
        )),
        (Messages, Fail(message)) => text(format!(
            r#"{{"type":"error","error":{{"type":"api_error","message":"{message}"}}}}"#
        )),
        (Responses, Fail(message)) => text(format!(
            r#"{{"type":"response.failed","response":{{"status":"failed","error":{{"code":"x","message":"{message}"}}}}}}"#
        )),
        (Chat | Gemini, Fail(message)) => text(format!(r#"{{"error":{{"message":"{message}"}}}}"#)),
        (Ollama, Fail(message)) => text(format!(r#"{{"error":"{message}"}}"#)),
        (Messages | Ollama, Usage(..)) => Vec::new(),
    }
}

/// `steps` as a whole answer.
pub(super) fn whole(protocol: ProviderProtocol, steps: &[Step]) -> Vec<u8> {
    let words: Vec<u8> = steps
        .iter()
        .flat_map(|step| match step {
            Words(words) => words.to_vec(),
            _ => Vec::new(),
        })
        .collect();
    let calls: Vec<String> = steps
        .iter()
        .filter_map(|step| match *step {
            Call {
                id,
                name,
                arguments,
            } => Some(call(protocol, id, name, arguments)),
            _ => None,
        })
        .collect();
    let calls = calls.join(",");
    let comma = if calls.is_empty() { "" } else { "," };
    let reason = word(protocol, last_reason(steps).unwrap_or_default());
    match protocol {
        Chat => join(&[
            br#"{"id":"c","choices":[{"index":0,"message":{"content":""#,
            &words,
            format!(r#"","tool_calls":[{calls}]}},"finish_reason":"{reason}"}}]}}"#).as_bytes(),
        ]),
        Messages => join(&[
            br#"{"id":"i","type":"message","content":[{"type":"text","text":""#,
            &words,
            format!(r#""}}{comma}{calls}],"stop_reason":"{reason}"}}"#).as_bytes(),
        ]),
        Responses => {
            let status = if reason == "length" {
                "incomplete"
            } else {
                "completed"
            };
            join(&[
                br#"{"object":"response","output":[{"type":"message","content":[{"type":"output_text","text":""#,
                &words,
                format!(r#""}}]}}{comma}{calls}],"status":"{status}"}}"#).as_bytes(),
            ])
        }
        Gemini => join(&[
            br#"{"candidates":[{"content":{"parts":[{"text":""#,
            &words,
            format!(r#""}}{comma}{calls}]}},"finishReason":"{reason}"}}]}}"#).as_bytes(),
        ]),
        Ollama => join(&[
            br#"{"message":{"content":""#,
            &words,
            format!(r#"","tool_calls":[{calls}]}},"done":true,"done_reason":"{reason}"}}"#)
                .as_bytes(),
        ]),
    }
}

fn call(protocol: ProviderProtocol, id: &str, name: &str, arguments: &str) -> String {
    let object = object(arguments);
    match protocol {
        Chat => {
            format!(r#"{{"id":"{id}","function":{{"name":"{name}","arguments":"{arguments}"}}}}"#)
        }
        Messages => {
            format!(r#"{{"type":"tool_use","id":"{id}","name":"{name}","input":{object}}}"#)
        }
        Responses => format!(
            r#"{{"type":"function_call","call_id":"{id}","name":"{name}","arguments":"{arguments}"}}"#
        ),
        Gemini => format!(r#"{{"functionCall":{{"id":"{id}","name":"{name}","args":{object}}}}}"#),
        Ollama => format!(r#"{{"id":"{id}","function":{{"name":"{name}","arguments":{object}}}}}"#),
    }
}
