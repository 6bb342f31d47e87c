//! Optional parameters that a provider or a model is known to reject. Each caused a 400 for
//! somebody; none is essential to the request. Dropped ones are reported.

use sha2::{Digest, Sha256};

use super::{Destination, Vendor};
use crate::error::Result;
use crate::translate::chat::is_openais;
use crate::translate::reading::{Object, Path};
use crate::translate::{Json, Losses, Output, ProviderProtocol, Request, ToolChoice, Turn};
use crate::wire::{is_grok, may_think};

/// The minimum `max_output_tokens` of Responses.
const LEAST_OUTPUT: u64 = 16;

/// Drops from `request` what `to` rejects.
pub(super) fn leave_out(
    request: &mut Request,
    to: Destination<'_>,
    losses: &mut Losses,
) -> Result<()> {
    hosted_tools(request, losses)?;
    without_tools(request, losses)?;
    stops(request, to, losses)?;
    user(request, to);
    match to.protocol {
        ProviderProtocol::Chat => {
            if !to.vendor.takes_thoughts() {
                forget_thoughts(request);
            }
            members(request, to, losses)?;
            sampling(request, to.model, losses)?;
            effort(request, to.model, losses)?;
            parallel(request, to.model, losses)?;
        }
        ProviderProtocol::Responses => {
            sampling(request, to.model, losses)?;
            if request.max_tokens.is_some_and(|most| most < LEAST_OUTPUT) {
                losses.drop_param("max_tokens")?;
                request.max_tokens = Some(LEAST_OUTPUT);
            }
        }
        ProviderProtocol::Messages | ProviderProtocol::Gemini | ProviderProtocol::Ollama => {}
    }
    Ok(())
}

/// A tool that only the client's own provider runs is optional, unless it must be called. Readers
/// keep it as `tools[2]`.
fn hosted_tools(request: &mut Request, losses: &mut Losses) -> Result<()> {
    let may_be_left_out = match &request.tool_choice {
        Some(ToolChoice::Named(name)) => request.tools.iter().any(|tool| tool.name == *name),
        Some(ToolChoice::Required) => !request.tools.is_empty(),
        Some(ToolChoice::Auto | ToolChoice::None) | None => true,
    };
    if !may_be_left_out {
        return Ok(());
    }
    let mut left_out = Vec::new();
    request.extra.retain(|(name, json)| {
        let is_hosted = is_whole_tool(name) && !is_custom(json);
        if is_hosted {
            left_out.push(name.clone());
        }
        !is_hosted
    });
    left_out.iter().try_for_each(|name| losses.drop_param(name))
}

/// `tools[2]`, but not a field of one.
fn is_whole_tool(name: &str) -> bool {
    let index = name.strip_prefix("tools[");
    index.is_some_and(|index| index.ends_with(']'))
}

/// One of the client's own tools: without it the request would mean something else.
fn is_custom(tool: &Json) -> bool {
    let tool = Object::parse(tool.get().as_bytes(), &Path::Request);
    let kind: Option<String> = tool.ok().and_then(|tool| tool.lenient("type"));
    kind.as_deref() == Some("custom")
}

/// Without tools there is nothing to choose. OpenAI and others reject a `tool_choice` then.
fn without_tools(request: &mut Request, losses: &mut Losses) -> Result<()> {
    if !request.tools.is_empty() {
        return Ok(());
    }
    request.parallel_tool_calls = None;
    match request.tool_choice.take() {
        Some(ToolChoice::Required | ToolChoice::Named(_)) => losses.drop_param("tool_choice"),
        Some(ToolChoice::Auto | ToolChoice::None) | None => Ok(()),
    }
}

/// The maximum number of stop sequences.
fn most_stops(to: Destination<'_>) -> Option<usize> {
    match (to.protocol, to.vendor) {
        (ProviderProtocol::Chat, Vendor::Groq | Vendor::Cerebras) => Some(4),
        (ProviderProtocol::Chat, _) if is_openais(to.model) => Some(4),
        (ProviderProtocol::Gemini, _) => Some(5),
        _ => None,
    }
}

/// Empty ones are rejected by all, blank ones by Anthropic, and too many of them as well.
fn stops(request: &mut Request, to: Destination<'_>, losses: &mut Losses) -> Result<()> {
    let before = request.stop.len();
    let takes_blanks = to.protocol != ProviderProtocol::Messages;
    let is_error_value = |text: &String| match takes_blanks {
        true => !text.is_empty(),
        false => !text.trim().is_empty(),
    };
    request.stop.retain(is_error_value);
    if let Some(most) = most_stops(to) {
        request.stop.truncate(most);
    }
    match request.stop.len() < before {
        true => losses.drop_param("stop"),
        false => Ok(()),
    }
}

/// A user id that is too long is replaced by its hash, which still identifies one user.
fn user(request: &mut Request, to: Destination<'_>) {
    let longest = match to.protocol {
        ProviderProtocol::Messages => 256,
        ProviderProtocol::Responses => 64,
        ProviderProtocol::Chat if is_openais(to.model) => 64,
        _ => return,
    };
    if let Some(user) = &mut request.user
        && user.chars().count() > longest
    {
        let hash = Sha256::digest(user.as_bytes());
        *user = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    }
}

fn forget_thoughts(request: &mut Request) {
    for turn in &mut request.turns {
        if let Turn::Assistant(output) = turn {
            output.retain(|output| !matches!(output, Output::Reasoning(_)));
        }
    }
}

/// OpenAI's fields that do not affect the answer.
const OPENAIS: [&str; 7] = [
    "moderation",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "verbosity",
];

/// Those, and others that these vendors reject.
fn is_refused(vendor: Vendor, name: &str) -> bool {
    match vendor {
        Vendor::Groq => OPENAIS.contains(&name) && name != "store",
        Vendor::Cerebras => OPENAIS.contains(&name) && name != "prediction" || name == "metadata",
        Vendor::Mistral => OPENAIS.contains(&name) || name == "service_tier",
        Vendor::Other => false,
    }
}

fn members(request: &mut Request, to: Destination<'_>, losses: &mut Losses) -> Result<()> {
    let mut left_out = Vec::new();
    let is_stored = |(name, json): &(String, Json)| name == "store" && json.get() == "true";
    let takes_metadata = !is_openais(to.model) || request.extra.iter().any(is_stored);
    request.extra.retain(|(name, _)| {
        let is_refused = is_refused(to.vendor, name) || name == "metadata" && !takes_metadata;
        if is_refused {
            left_out.push(name.clone());
        }
        !is_refused
    });
    if to.vendor == Vendor::Mistral {
        // Mistral calls it `random_seed`, and does not know `user`.
        let seed = request.sampling.seed.take();
        let seed = seed.and_then(|seed| Json::parse(seed.to_string()));
        let seed = seed.map(|seed| ("random_seed".to_owned(), seed));
        request.extra.extend(seed);
        if request.user.take().is_some() {
            left_out.push("user".to_owned());
        }
    }
    left_out.iter().try_for_each(|name| losses.drop_param(name))
}

/// OpenAI's reasoning models do not accept sampling parameters.
fn sampling(request: &mut Request, model: &str, losses: &mut Losses) -> Result<()> {
    if !is_openais(model) || !thinks(model, request) {
        return Ok(());
    }
    let drawn = &mut request.sampling;
    for (name, value, default) in [
        ("temperature", &mut drawn.temperature, 1.0),
        ("top_p", &mut drawn.top_p, 1.0),
        ("frequency_penalty", &mut drawn.frequency_penalty, 0.0),
        ("presence_penalty", &mut drawn.presence_penalty, 0.0),
    ] {
        if value
            .take()
            .is_some_and(|value| (value - default).abs() > f64::EPSILON)
        {
            losses.drop_param(name)?;
        }
    }
    if !std::mem::take(&mut request.stop).is_empty() {
        losses.drop_param("stop")?;
    }
    Ok(())
}

/// Whether one of OpenAI's models reasons for this request. From 5.1 to 5.4 `gpt-5` only does so on
/// request.
fn thinks(model: &str, request: &Request) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    if name.contains("chat") {
        return false;
    }
    let reasoning = request.reasoning.as_ref();
    let effort = reasoning.and_then(|reasoning| reasoning.effort.as_deref());
    let is_asked = reasoning.is_some() && effort != Some("none");
    match gpt_version(name) {
        Some((5, 0)) => true,
        Some((5, 1..=4)) => is_asked,
        Some((5.., _)) => effort != Some("none"),
        Some(_) => false,
        None => may_think(name),
    }
}

/// `(5, 1)` for `gpt-5.1-codex`.
fn gpt_version(name: &str) -> Option<(u32, u32)> {
    let number = name.strip_prefix("gpt-")?.split('-').next()?;
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The reasoning effort: some Grok models reject it, and so do OpenAI's from 5.4 together with
/// tools in chat.
fn effort(request: &mut Request, model: &str, losses: &mut Losses) -> Result<()> {
    let asked = request.reasoning.as_ref();
    let is_asked = asked.is_some_and(|asked| {
        asked.budget_tokens.is_some()
            || asked
                .effort
                .as_deref()
                .is_some_and(|effort| effort != "none")
    });
    let name = model.rsplit('/').next().unwrap_or(model);
    let is_beside_tools =
        !request.tools.is_empty() && gpt_version(name).is_some_and(|version| version >= (5, 4));
    if is_asked && (is_beside_tools || is_grok(name) && has_fixed_effort(name)) {
        losses.drop_param("reasoning_effort")?;
        request.reasoning = None;
    }
    Ok(())
}

/// OpenAI's first reasoning models call one tool at a time, and reject this parameter.
fn parallel(request: &mut Request, model: &str, losses: &mut Losses) -> Result<()> {
    let name = model.rsplit('/').next().unwrap_or(model);
    let is_first = ["o1", "o3-mini"]
        .iter()
        .any(|first| name.starts_with(first));
    if is_first && request.parallel_tool_calls.take() == Some(false) {
        losses.drop_param("parallel_tool_calls")?;
    }
    Ok(())
}

/// Grok models that decide the effort themselves. Source:
/// <https://docs.x.ai/docs/guides/reasoning>.
fn has_fixed_effort(model: &str) -> bool {
    let name = model.to_ascii_lowercase();
    let is_one = |family: &str| {
        let rest = name.strip_prefix(family);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    !name.contains("mini")
        && !name.contains("multi-agent")
        && [
            "grok-2",
            "grok-3",
            "grok-4",
            "grok-4.1",
            "grok-4.20",
            "grok-code-fast",
        ]
        .into_iter()
        .any(is_one)
}
