use std::collections::HashSet;

use crate::translate::reading::Object;
use crate::translate::responses::{call, item};
use crate::translate::{BlockKind, Output};

/// What was sent in fragments, so that it is not repeated when its item arrives whole.
///
/// Positions do not help: some servers leave them out.
#[derive(Debug, Default)]
pub(super) struct Already {
    words: bool,
    thoughts: bool,
    /// By id and name: some servers give all calls the same id.
    calls: HashSet<(String, String)>,
    /// By id.
    pictures: HashSet<String>,
}

impl Already {
    /// Whether nothing of `item` was sent before; `is_again` if all items are repeated.
    pub(super) fn is_new(&self, item: &Object<'_>, is_again: bool) -> bool {
        match item.lenient::<String>("type").as_deref() {
            Some("message") => !self.words,
            Some("reasoning") => !self.thoughts,
            Some("image_generation_call") => match id(item) {
                // It may be another one, unless all are repeated.
                id if id.is_empty() => !is_again || self.pictures.is_empty(),
                id => !self.pictures.contains(&id),
            },
            Some(kind) if call::kind_of(kind).is_some() => !self.calls.contains(&call_key(item)),
            _ => false,
        }
    }

    /// Notes that a block begins.
    pub(super) fn note_begun(&mut self, kind: &BlockKind) {
        match kind {
            BlockKind::Text | BlockKind::Refusal => self.words = true,
            BlockKind::Reasoning { .. } => self.thoughts = true,
            BlockKind::ToolCall { .. } => {}
        }
    }

    /// Notes the call in `item`.
    pub(super) fn note_call(&mut self, item: &Object<'_>) {
        self.calls.insert(call_key(item));
    }

    /// Notes the content of `item`.
    pub(super) fn note(&mut self, output: &Output, item: &Object<'_>) {
        match output {
            Output::Text(_) | Output::Refusal(_) => self.words = true,
            Output::Reasoning(_) => self.thoughts = true,
            Output::ToolCall(_) => self.note_call(item),
            Output::Picture(_) => drop(self.pictures.insert(id(item))),
        }
    }
}

fn id(item: &Object<'_>) -> String {
    item.lenient("id").unwrap_or_default()
}

/// The key of a call.
fn call_key(item: &Object<'_>) -> (String, String) {
    (
        item::call_id(item),
        item.lenient("name").unwrap_or_default(),
    )
}
