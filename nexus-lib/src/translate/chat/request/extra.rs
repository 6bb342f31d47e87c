use crate::error::Result;
use crate::translate::{Json, Losses, Request};

/// Chat's own fields without a place in the neutral form.
const OWN: [&str; 21] = [
    "audio",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "random_seed",
    "safety_identifier",
    "service_tier",
    "store",
    "stream_options",
    "tool_choice",
    "top_logprobs",
    "verbosity",
    "web_search_options",
];

/// Fields that change an answer's meaning and cannot be translated.
const MEANT: [&str; 3] = ["container", "mcp_servers", "inference_geo"];

/// The part of [`Request::extra`] that passes through unchanged.
pub(super) fn look<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<Vec<(&'a str, &'a Json)>> {
    let mut passed = Vec::new();
    for (name, json) in &request.extra {
        match name.as_str() {
            // Anthropic's equivalent of OpenAI's `default`, which `write` sends.
            "service_tier" if json.get() == r#""standard_only""# => {}
            own if OWN.contains(&own) => passed.push((own, json)),
            name if name.ends_with(".citations") => losses.drop_param("citations")?,
            meant if MEANT.contains(&meant) || meant.contains('[') => {
                return Err(Losses::refusal(meant));
            }
            name => losses.drop_param(name)?,
        }
    }
    Ok(passed)
}

/// Whether only the standard tier is requested, in Anthropic's terms.
pub(super) fn is_standard_only(request: &Request) -> bool {
    let mut extra = request.extra.iter();
    extra.any(|(name, json)| name == "service_tier" && json.get() == r#""standard_only""#)
}
