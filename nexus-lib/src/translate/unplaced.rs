//! Fields of a client's protocol that exist in no other protocol.

use super::{Losses, Request};
use crate::error::Result;

/// Fields that change an answer's meaning and cannot be translated.
const MEANT: [&str; 12] = [
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "audio",
    "functions",
    "function_call",
    "tool_choice",
    "web_search_options",
    "best_of",
    "container",
    "mcp_servers",
    "inference_geo",
];

/// Fields that are handled elsewhere.
const SEEN_TO: [&str; 2] = ["stream_options", "include"];

/// Checks the fields without a place in the neutral form, except for `own`, which are sent to the
/// provider.
///
/// | request | result |
/// |---|---|
/// | null, false, empty; `n` of 1; `modalities` of text only | nothing is lost |
/// | `n`, `logprobs`, `logit_bias`, `audio`, …; tools that are not functions | rejected |
/// | citations of a document; anything else | dropped |
pub(super) fn look(request: &Request, own: &[&str], losses: &mut Losses) -> Result<()> {
    for (name, json) in &request.extra {
        match (name.as_str(), json.get()) {
            (_, "null" | "false" | "{}" | "[]" | "\"\"") => {}
            ("n", "1") | ("modalities", r#"["text"]"#) => {}
            (name, _) if own.contains(&name) || SEEN_TO.contains(&name) => {}
            (name, _) if name.ends_with(".citations") => losses.drop_param("citations")?,
            ("n" | "modalities", _) => return Err(Losses::refusal(name)),
            (name, _) if MEANT.contains(&name) || name.contains('[') => {
                return Err(Losses::refusal(name));
            }
            (name, _) => losses.drop_param(name)?,
        }
    }
    Ok(())
}
