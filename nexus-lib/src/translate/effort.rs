use super::reading::Path;
use super::{Reasoning, messages};
use crate::error::Result;

/// The effort levels of OpenAI and Anthropic, lowest first.
const KNOWN: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The reasoning effort as one of these levels, given directly or derived from a budget. `None`
/// leaves it to the model.
///
/// # Errors
/// `InvalidRequest` for an unknown level.
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
