//! Tool names in the characters and the length that a provider accepts, and back in its answers.

use std::collections::HashMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::translate::{
    Answered, BlockKind, Event, Output, ProviderProtocol, Request, ToolChoice, Turn,
};

/// The maximum length of a name that all providers accept, in bytes.
const MAX_BYTES: usize = 64;

/// The clients' tool names, by the names that the provider was sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Option<Arc<HashMap<String, String>>>);

/// Renames the tools of `request` that its provider would reject.
pub(super) fn fit(request: &mut Request, protocol: ProviderProtocol) -> Names {
    let mut renamed = HashMap::new();
    let mut fit = |name: &mut String| {
        if !is_taken(name, protocol) {
            let fitted = fitted(name, protocol);
            let original = std::mem::replace(name, fitted.clone());
            renamed.insert(fitted, original);
        }
    };
    for tool in &mut request.tools {
        fit(&mut tool.name);
    }
    if let Some(ToolChoice::Named(name)) = &mut request.tool_choice {
        fit(name);
    }
    for turn in &mut request.turns {
        let Turn::Assistant(output) = turn else {
            continue;
        };
        for output in output {
            if let Output::ToolCall(call) = output {
                fit(&mut call.name);
            }
        }
    }
    Names((!renamed.is_empty()).then(|| Arc::new(renamed)))
}

/// | protocol | allowed names |
/// |---|---|
/// | chat, Responses, Messages | letters, digits, `_`, `-` |
/// | Gemini | these, `.` and `:`; starts with a letter or `_` |
/// | Ollama | any |
fn is_taken(name: &str, protocol: ProviderProtocol) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let bytes = || name.bytes();
    match protocol {
        ProviderProtocol::Ollama => true,
        // Nothing can be derived from an empty name; the provider will reject it.
        _ if name.is_empty() => true,
        _ if name.len() > MAX_BYTES => false,
        ProviderProtocol::Gemini => {
            bytes().all(|byte| is_plain(byte) || byte == b'.' || byte == b':')
                && !name.starts_with(|first: char| first.is_ascii_digit() || ".:-".contains(first))
        }
        ProviderProtocol::Chat | ProviderProtocol::Responses | ProviderProtocol::Messages => {
            bytes().all(is_plain)
        }
    }
}

/// A unique name for `name`: what is left of it, and a hash of the whole.
fn fitted(name: &str, protocol: ProviderProtocol) -> String {
    let mut fitted = String::with_capacity(MAX_BYTES);
    if protocol == ProviderProtocol::Gemini && !name.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        fitted.push('_');
    }
    let letters = name.chars().map(|letter| match letter {
        letter if letter.is_ascii_alphanumeric() || letter == '_' || letter == '-' => letter,
        _ => '_',
    });
    fitted.extend(letters.take(MAX_BYTES - 18));
    fitted + &format!("_{:016x}", xxh3_64(name.as_bytes()))
}

impl Names {
    fn restore(&self, name: &mut String) {
        if let Some(original) = self.0.as_ref().and_then(|names| names.get(name)) {
            name.clone_from(original);
        }
    }

    pub(super) fn answered(&self, answered: &mut Answered) {
        if self.0.is_none() {
            return;
        }
        for output in &mut answered.output {
            if let Output::ToolCall(call) = output {
                self.restore(&mut call.name);
            }
        }
    }

    pub(super) fn events(&self, events: &mut [Event]) {
        if self.0.is_none() {
            return;
        }
        for event in events {
            if let Event::Begin {
                kind: BlockKind::ToolCall { name, .. },
                ..
            } = event
            {
                self.restore(name);
            }
        }
    }
}
