use super::reading::Path;
use super::{Reasoning, messages};
use crate::error::Result;

/// What OpenAI and Anthropic call efforts, from the least.
const KNOWN: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// How much is to be thought, in one of those words: the effort, or what a budget comes to. `None` where
/// that is left to the model.
///
/// # Errors
/// `InvalidRequest` for another word.
pub(super) fn effort(reasoning: &Reasoning) -> Result<Option<&str>> {
    let of_budget = reasoning.budget_tokens.map(|budget| match budget {
        0 => "none",
        budget => messages::effort_of(budget),
    });
    let effort = reasoning.effort.as_deref().or(of_budget);
    if effort.is_some_and(|effort| !KNOWN.contains(&effort)) {
        let at = Path::Request.key("reasoning_effort");
        return Err(at.invalid("must be `none`, `minimal`, `low`, `medium`, `high` or `xhigh`"));
    }
    Ok(effort)
}
