use crate::error::Result;
use crate::translate::{Json, Losses, Request};

/// Fields that change an answer's meaning and cannot be translated.
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

/// Fields that are handled elsewhere.
const SEEN_TO: [&str; 2] = ["stream_options", "include"];

/// The part of [`Request::extra`] that can be translated.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) service_tier: Option<&'static str>,
    pub(super) safety_identifier: Option<String>,
}

/// Checks the fields without a place in the neutral form.
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
            // A path in a tool or a message whose meaning only the client's protocol has.
            (place, _) if place.contains('[') => return Err(Losses::refusal(place)),
            (name, _) if SEEN_TO.contains(&name) => {}
            (name, _) if MEANT.contains(&name) => return Err(Losses::refusal(name)),
            (name, _) => losses.drop_param(name)?,
        }
    }
    Ok(extra)
}

fn says_nothing(json: &Json) -> bool {
    matches!(json.get(), "null" | "false" | "{}" | "[]" | "\"\"")
}
