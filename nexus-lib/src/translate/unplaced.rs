//! Fields of a client's protocol that no provider but its own knows.

use super::{Losses, Request};
use crate::error::Result;

/// What changes an answer's meaning, and cannot be told.
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

/// What is seen to elsewhere.
const SEEN_TO: [&str; 2] = ["stream_options", "include"];

/// Looks at what has no place in the neutral form, but for `own`, which the provider is told.
///
/// | of the request | here |
/// |---|---|
/// | null, false, empty; `n` of 1; `modalities` of text alone | nothing is lost |
/// | `n`, `logprobs`, `logit_bias`, `audio`, `functions`, …; tools that are no functions | refused |
/// | that a document is to be cited; whatever else | a hint |
pub(super) fn look(request: &Request, own: &[&str], losses: &mut Losses) -> Result<()> {
    for (name, json) in &request.extra {
        match (name.as_str(), json.get()) {
            (_, "null" | "false" | "{}" | "[]" | "\"\"") => {}
            ("n", "1") | ("modalities", r#"["text"]"#) => {}
            (name, _) if own.contains(&name) || SEEN_TO.contains(&name) => {}
            (name, _) if name.ends_with(".citations") => losses.drop_hint("citations")?,
            ("n" | "modalities", _) => return Err(Losses::refusal(name)),
            (name, _) if MEANT.contains(&name) || name.contains('[') => {
                return Err(Losses::refusal(name));
            }
            (name, _) => losses.drop_hint(name)?,
        }
    }
    Ok(())
}
