use crate::error::Result;
use crate::translate::{Json, Losses, Request};

/// What changes an answer's meaning, and cannot be told.
const MEANT: [&str; 9] = [
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "audio",
    "functions",
    "function_call",
    "tool_choice",
    "web_search_options",
    "best_of",
];

/// What a translator sees to by itself.
const SEEN_TO: [&str; 2] = ["stream_options", "include"];

/// What of [`Request::extra`] can be told.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) service_tier: Option<&'static str>,
    pub(super) safety_identifier: Option<String>,
}

/// Looks at what has no place in the neutral form.
pub(super) fn look(request: &Request, losses: &mut Losses) -> Result<Extra> {
    let mut extra = Extra::default();
    for (name, json) in &request.extra {
        match (name.as_str(), json.get()) {
            _ if says_nothing(json) => {}
            ("n", "1") | ("modalities", r#"["text"]"#) | ("store", "false") => {}
            ("n" | "modalities", _) => return Err(Losses::refusal(name)),
            ("service_tier", r#""auto""#) => extra.service_tier = Some("auto"),
            ("service_tier", r#""default""# | r#""standard_only""#) => {
                extra.service_tier = Some("standard_only");
            }
            ("safety_identifier", json) => {
                extra.safety_identifier = serde_json::from_str(json).ok()
            }
            // A place in a tool or a message, where the client's protocol says what ours cannot.
            (place, _) if place.contains('[') => return Err(Losses::refusal(place)),
            (name, _) if SEEN_TO.contains(&name) => {}
            (name, _) if MEANT.contains(&name) => return Err(Losses::refusal(name)),
            (name, _) => losses.drop_hint(name)?,
        }
    }
    Ok(extra)
}

fn says_nothing(json: &Json) -> bool {
    matches!(json.get(), "null" | "false" | "{}" | "[]" | "\"\"")
}
