use std::collections::HashMap;

use http::StatusCode;
use serde::de::IgnoredAny;

use super::look::look;
use super::{refusal, tail};
use crate::call::Observed;
use crate::translate::{ProviderProtocol, messages, without_mark};
use crate::wire::Operation;

/// The kind of a whole body with a success status.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    /// An answer.
    Answer(Observed),
    /// An error, and its status.
    Refused(Option<StatusCode>, Observed),
    /// Neither.
    Nothing,
}

/// Classifies a body that answers `operation`. Operations other than chats have formats of their
/// own: only errors are recognised, and bodies that are not JSON although JSON was requested.
pub(crate) fn judge(operation: Operation, body: &[u8]) -> Whole {
    let body = without_mark(body);
    let protocol = match operation {
        Operation::ChatCompletion => ProviderProtocol::Chat,
        Operation::Message => ProviderProtocol::Messages,
        Operation::Response => ProviderProtocol::Responses,
        _ => return judge_other(operation, body),
    };
    let (has_answer, observed) = match protocol {
        ProviderProtocol::Messages => messages_answer(body),
        _ => completion(body),
    };
    if has_answer && observed.error.is_none() {
        return Whole::Answer(observed);
    }
    let (message, ..) = match protocol.read_fault(body) {
        Some(fault) => fault,
        None if observed.error.is_some() => Default::default(),
        None => return Whole::Nothing,
    };
    let error = observed
        .error
        .or_else(|| Some(message.chars().take(500).collect()));
    Whole::Refused(refusal::status_in(body), Observed { error, ..observed })
}

fn judge_other(operation: Operation, body: &[u8]) -> Whole {
    let observed = read_completion(body);
    let may_be_text = matches!(operation, Operation::Transcription | Operation::Speech);
    match (body.trim_ascii_start().first(), &observed.error) {
        (Some(b'{'), Some(_)) if lacks_results(body) => {
            Whole::Refused(refusal::status_in(body), observed)
        }
        (Some(b'{' | b'['), _) => Whole::Answer(observed),
        _ if may_be_text => Whole::Answer(observed),
        _ => Whole::Nothing,
    }
}

/// Whether an answer with an error contains nothing else.
fn lacks_results(body: &[u8]) -> bool {
    let members: serde_json::Result<HashMap<String, IgnoredAny>> = serde_json::from_slice(body);
    let results = [
        "data",
        "results",
        "choices",
        "text",
        "input_tokens",
        "embeddings",
    ];
    members.is_ok_and(|members| !results.iter().any(|name| members.contains_key(*name)))
}

/// What the whole answer `body` contains.
pub(crate) fn read_completion(body: &[u8]) -> Observed {
    completion(body).1
}

/// Whether `body` has a choice or an output, and what it contains.
fn completion(body: &[u8]) -> (bool, Observed) {
    if let Some(usage) = tail::usage(body) {
        let observed = Observed {
            usage: Some(usage),
            finished: true,
            ..Observed::default()
        };
        if tail::has_choice(body) {
            return (true, observed);
        }
    }
    let seen = look(body);
    let observed = Observed {
        usage: seen.usage.or(seen.groq_usage),
        finished: seen.finished || seen.has_answer,
        error: seen.error,
        ..Observed::default()
    };
    (seen.has_answer && seen.is_whole, observed)
}

fn messages_answer(body: &[u8]) -> (bool, Observed) {
    let (usage, is_message) = messages::reply::look(body);
    let observed = Observed {
        usage: usage.map(|counts| counts.usage),
        finished: true,
        ..Observed::default()
    };
    (is_message, observed)
}
