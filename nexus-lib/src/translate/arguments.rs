//! The arguments of a call: the JSON text of an object. Some providers send none as `""` or `null`.

use std::collections::HashMap;

use super::{BlockKind, Delta, Event};

/// The arguments of a call without any.
const NONE: &str = "{}";

/// Whether `arguments` are empty.
pub(crate) fn are_none(arguments: &str) -> bool {
    matches!(arguments.trim(), "" | "null")
}

/// Replaces missing arguments by an empty object.
pub(crate) fn tidy(arguments: &mut String) {
    if are_none(arguments) {
        NONE.clone_into(arguments);
    }
}

/// Replaces missing arguments by an empty object in a stream, where they may arrive in fragments.
#[derive(Debug, Default)]
pub(crate) struct Streamed {
    /// By block: arguments that may still turn out to be missing.
    held: HashMap<usize, String>,
}

impl Streamed {
    /// Converts `events`.
    pub(crate) fn push(&mut self, events: Vec<Event>) -> Vec<Event> {
        let is_plain = self.held.is_empty() && !events.iter().any(begins_call);
        if is_plain {
            return events;
        }
        let mut out = Vec::with_capacity(events.len() + 1);
        for event in events {
            match event {
                Event::Begin { block, .. } if begins_call(&event) => {
                    self.held.insert(block, String::new());
                    out.push(event);
                }
                Event::Delta {
                    block,
                    delta: Delta::Arguments(more),
                } => {
                    let delta = self.more(block, more);
                    out.extend(delta.map(|delta| Event::Delta { block, delta }));
                }
                Event::End { block } => {
                    if let Some(mut held) = self.held.remove(&block) {
                        tidy(&mut held);
                        let delta = Delta::Arguments(held);
                        out.push(Event::Delta { block, delta });
                    }
                    out.push(event);
                }
                event => out.push(event),
            }
        }
        out
    }

    /// The part of a block's arguments that can be sent once `more` has arrived.
    fn more(&mut self, block: usize, more: String) -> Option<Delta> {
        let Some(held) = self.held.get_mut(&block) else {
            return Some(Delta::Arguments(more));
        };
        held.push_str(&more);
        if "null".starts_with(held.trim()) {
            return None;
        }
        self.held.remove(&block).map(Delta::Arguments)
    }
}

fn begins_call(event: &Event) -> bool {
    let Event::Begin { kind, .. } = event else {
        return false;
    };
    matches!(kind, BlockKind::ToolCall { .. })
}
