//! Repairs calls and results in the history. Every provider requires each call's result directly
//! after it, and no others; clients are interrupted in between, drop old messages, and reuse ids.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem;

use serde_json::value::RawValue;

use super::{Destination, ids};
use crate::translate::{
    Output, Part, ProviderProtocol, Text, ToolCall, ToolResult, Turn, arguments,
};

/// Replaces the result of a call that was interrupted.
const INTERRUPTED: &str = "The call was interrupted; there is no result.";

/// Precedes a result whose call is gone.
const ORPHAN: &str = "Result of an earlier tool call:";

/// Repairs `turns`: in place if only ids and arguments change.
pub(super) fn mend(turns: &mut Vec<Turn>, to: Destination<'_>) {
    let wants_objects = matches!(
        to.protocol,
        ProviderProtocol::Messages | ProviderProtocol::Gemini | ProviderProtocol::Ollama
    );
    for call in turns.iter_mut().flat_map(calls_mut) {
        arguments::tidy(&mut call.arguments);
        if wants_objects {
            make_object(&mut call.arguments);
        }
    }
    if !is_paired(turns) {
        *turns = paired(mem::take(turns));
    }
    let rule = ids::Rule::of(to);
    if rule == ids::Rule::Any {
        return;
    }
    let fit = |id: &mut String| {
        if let std::borrow::Cow::Owned(fitted) = rule.fit(id) {
            *id = fitted;
        }
    };
    for turn in turns {
        match turn {
            Turn::Tool(result) => fit(&mut result.call_id),
            turn => calls_mut(turn).for_each(|call| fit(&mut call.id)),
        }
    }
}

fn calls_mut(turn: &mut Turn) -> impl Iterator<Item = &mut ToolCall> {
    let output = match turn {
        Turn::Assistant(output) => output.as_mut_slice(),
        _ => &mut [],
    };
    output.iter_mut().filter_map(|output| match output {
        Output::ToolCall(call) => Some(call),
        _ => None,
    })
}

fn calls(output: &[Output]) -> impl Iterator<Item = &ToolCall> {
    output.iter().filter_map(|output| match output {
        Output::ToolCall(call) => Some(call),
        _ => None,
    })
}

/// Wraps arguments that are not an object in one, as Anthropic recommends for malformed ones.
fn make_object(arguments: &mut String) {
    let json: Option<&RawValue> = serde_json::from_str(arguments).ok();
    if json.is_some_and(|json| json.get().starts_with('{')) {
        return;
    }
    // Some models write the object into a string.
    let inner: Option<String> = serde_json::from_str(arguments).ok();
    let is_object = |text: &String| {
        let json: Option<&RawValue> = serde_json::from_str(text).ok();
        json.is_some_and(|json| json.get().starts_with('{'))
    };
    *arguments = match inner.filter(is_object) {
        Some(object) => object,
        None => serde_json::json!({ "INVALID_JSON": *arguments }).to_string(),
    };
}

/// Whether nothing has to change, as in most histories.
fn is_paired(turns: &[Turn]) -> bool {
    let mut seen = HashSet::new();
    let mut open: HashSet<&str> = HashSet::new();
    let mut has_called = false;
    for turn in turns {
        match turn {
            Turn::Tool(result) => {
                if !open.remove(result.call_id.as_str()) {
                    return false;
                }
            }
            Turn::Assistant(output) => {
                if !open.is_empty() || has_called {
                    return false;
                }
                for call in calls(output) {
                    if call.id.is_empty() || !seen.insert(call.id.as_str()) {
                        return false;
                    }
                    open.insert(&call.id);
                }
            }
            Turn::System(_) | Turn::User(_) if !open.is_empty() => return false,
            Turn::System(_) | Turn::User(_) => {}
        }
        has_called = matches!(turn, Turn::Assistant(output) if calls(output).next().is_some());
    }
    open.is_empty()
}

/// A turn of the new history.
enum Item {
    Turn(Turn),
    /// The model's output, and the number of its first call.
    Output(Vec<Output>, usize),
}

fn paired(turns: Vec<Turn>) -> Vec<Turn> {
    let mut items: Vec<Item> = Vec::with_capacity(turns.len());
    // By call, in order.
    let mut results: Vec<Option<ToolResult>> = Vec::new();
    // The open calls, by id, of the given turn.
    let mut open: HashMap<String, (usize, VecDeque<usize>)> = HashMap::new();
    for turn in turns {
        match turn {
            Turn::Assistant(output) => {
                let goes_on = matches!(items.last(), Some(Item::Output(before, _))
                    if calls(before).next().is_some());
                if !goes_on {
                    items.push(Item::Output(Vec::new(), results.len()));
                }
                let at = items.len();
                for call in calls(&output) {
                    let waiting = open.entry(call.id.clone()).or_default();
                    if waiting.0 != at {
                        *waiting = (at, VecDeque::new());
                    }
                    waiting.1.push_back(results.len());
                    results.push(None);
                }
                if let Some(Item::Output(before, _)) = items.last_mut() {
                    before.extend(output);
                }
            }
            Turn::Tool(result) => {
                let waiting = open.get_mut(&result.call_id);
                let number = waiting.and_then(|(_, waiting)| waiting.pop_front());
                match number.and_then(|number| results.get_mut(number)) {
                    Some(place) => *place = Some(result),
                    None => items.extend(orphan(result).map(Item::Turn)),
                }
            }
            turn => items.push(Item::Turn(turn)),
        }
    }
    together(items, results)
}

/// The items in order, each turn with calls followed by their results, and every call with a unique
/// id.
fn together(items: Vec<Item>, mut results: Vec<Option<ToolResult>>) -> Vec<Turn> {
    let mut turns = Vec::with_capacity(items.len() + results.len());
    let mut seen: HashSet<String> = HashSet::new();
    for item in items {
        let (mut output, first) = match item {
            Item::Turn(turn) => {
                turns.push(turn);
                continue;
            }
            Item::Output(output, first) => (output, first),
        };
        let mut returned = Vec::new();
        let called = output.iter_mut().filter_map(|output| match output {
            Output::ToolCall(call) => Some(call),
            _ => None,
        });
        for (number, call) in (first..).zip(called) {
            if call.id.is_empty() || seen.contains(&call.id) {
                // Derived only from its position, so that the next request uses the same id.
                call.id = match call.id.as_str() {
                    "" => format!("call_{number}"),
                    id => format!("{id}_{number}"),
                };
                while seen.contains(&call.id) {
                    call.id.push('_');
                }
            }
            seen.insert(call.id.clone());
            let result = results.get_mut(number).and_then(Option::take);
            returned.push(Turn::Tool(ToolResult {
                call_id: call.id.clone(),
                ..result.unwrap_or_else(interrupted)
            }));
        }
        turns.push(Turn::Assistant(output));
        turns.append(&mut returned);
    }
    turns
}

fn text(text: &str) -> Part {
    Part::Text(Text {
        text: text.to_owned(),
        cache: None,
    })
}

fn interrupted() -> ToolResult {
    ToolResult {
        parts: vec![text(INTERRUPTED)],
        ..ToolResult::default()
    }
}

/// Converts a result whose call is gone to text. `None` if it has none.
fn orphan(result: ToolResult) -> Option<Turn> {
    let mut parts = result.parts;
    if parts.is_empty() {
        return None;
    }
    parts.insert(0, text(ORPHAN));
    Some(Turn::User(parts))
}
