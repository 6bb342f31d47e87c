use serde::Serialize;

use crate::error::Result;
use crate::translate::messages::generation::{Generation, Thinks};
use crate::translate::reading::Path;
use crate::translate::{Losses, Output, Reasoning, Request, ToolChoice, Turn};

/// Anthropic's minimum budget, and the minimum left to the answer.
const MIN_BUDGET: u64 = 1024;

/// The budget of each effort in tokens, lowest first.
const BUDGETS: [(&str, u64); 6] = [
    ("minimal", 1024),
    ("low", 2048),
    ("medium", 8192),
    ("high", 16_384),
    ("xhigh", 24_576),
    ("max", 30_720),
];

/// The effort with the smallest budget of at least `budget_tokens`.
pub(crate) fn effort_of(budget_tokens: u64) -> &'static str {
    let holds = BUDGETS.iter().find(|(_, budget)| *budget >= budget_tokens);
    holds.map_or("max", |(effort, _)| effort)
}

/// How reasoning is requested.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Enabled {
        budget_tokens: u64,
    },
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Disabled,
}

/// The reasoning settings of a request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) thinking: Option<Thinking>,
    pub(super) effort: Option<&'static str>,
}

impl Plan {
    pub(super) fn of(
        request: &Request,
        generation: Generation,
        max_tokens: u64,
        losses: &mut Losses,
    ) -> Result<Self> {
        let Some(reasoning) = &request.reasoning else {
            return Ok(Self::default());
        };
        let effort = reasoning.effort.as_deref();
        if effort.is_some_and(|effort| effort != "none" && budget(effort).is_none()) {
            let at = Path::Request.key("reasoning_effort");
            return Err(at.invalid("must be `none`, `minimal`, `low`, `medium`, `high` or `xhigh`"));
        }
        let thinks = generation.thinks();
        if effort == Some("none") {
            return match thinks {
                Thinks::Not => Ok(Self::default()),
                _ if generation.always_thinks => {
                    losses.drop_param("reasoning_effort")?;
                    Ok(Self {
                        thinking: None,
                        effort: Some("low"),
                    })
                }
                _ => Ok(Self {
                    thinking: Some(Thinking::Disabled),
                    effort: None,
                }),
            };
        }
        let is_forced = matches!(
            request.tool_choice,
            Some(ToolChoice::Required | ToolChoice::Named(_))
        ) && !request.tools.is_empty();
        let by_effort = match (thinks, reasoning.budget_tokens) {
            (Thinks::ByEffort, _) | (Thinks::ByEither, None) => true,
            (Thinks::Not | Thinks::ByBudget, _) | (Thinks::ByEither, Some(_)) => false,
        };
        let has_room = by_effort || max_tokens >= 2 * MIN_BUDGET;
        if thinks == Thinks::Not
            || is_forced
            || !has_room
            || !by_effort && lacks_thought(&request.turns)
        {
            losses.drop_param("reasoning_effort")?;
            return Ok(Self::default());
        }
        if by_effort {
            return Ok(Self::by_effort(reasoning, generation));
        }
        let budget_tokens = reasoning.budget_tokens;
        let budget_tokens = budget_tokens.or(budget(effort.unwrap_or("medium")));
        let most = max_tokens.saturating_sub(MIN_BUDGET);
        Ok(Self {
            thinking: Some(Thinking::Enabled {
                budget_tokens: budget_tokens
                    .unwrap_or(MIN_BUDGET)
                    .clamp(MIN_BUDGET, most.max(MIN_BUDGET)),
            }),
            effort: effort
                .filter(|_| thinks == Thinks::ByEither)
                .and_then(|effort| effort_name(effort, generation)),
        })
    }

    fn by_effort(reasoning: &Reasoning, generation: Generation) -> Self {
        let of_budget = reasoning.budget_tokens.map(effort_of);
        let effort = reasoning.effort.as_deref().or(of_budget);
        Self {
            thinking: Some(Thinking::Adaptive {
                display: reasoning.is_shown.map(|is_shown| match is_shown {
                    true => "summarized",
                    false => "omitted",
                }),
            }),
            effort: effort.and_then(|effort| effort_name(effort, generation)),
        }
    }

    /// Whether there is a budget, which excludes most other settings.
    pub(super) fn has_budget(&self) -> bool {
        matches!(self.thinking, Some(Thinking::Enabled { .. }))
    }
}

fn budget(effort: &str) -> Option<u64> {
    let known = BUDGETS.iter().find(|(name, _)| *name == effort);
    known.map(|(_, budget)| *budget)
}

/// Anthropic's name of an effort.
fn effort_name(effort: &str, generation: Generation) -> Option<&'static str> {
    match effort {
        "minimal" | "low" => Some("low"),
        "medium" => Some("medium"),
        "xhigh" if generation.knows_xhigh() => Some("xhigh"),
        "high" | "xhigh" => Some("high"),
        "max" => Some("max"),
        _ => None,
    }
}

/// Whether tools were called without signed reasoning since the last user message. With a budget,
/// Anthropic rejects reasoning then; most chat clients do not send it back.
fn lacks_thought(turns: &[Turn]) -> bool {
    // A final assistant message must begin with the reasoning too.
    if let Some(Turn::Assistant(output)) = turns.last()
        && !output.iter().any(is_signed)
    {
        return true;
    }
    let since = turns.iter().rev();
    let since = since.take_while(|turn| !matches!(turn, Turn::User(_)));
    let calls = since.filter_map(|turn| match turn {
        Turn::Assistant(output) => Some(output),
        _ => None,
    });
    let mut calls = calls.filter(|output| {
        output
            .iter()
            .any(|output| matches!(output, Output::ToolCall(_)))
    });
    calls.any(|output| !output.iter().any(is_signed))
}

fn is_signed(output: &Output) -> bool {
    matches!(output, Output::Reasoning(thought) if super::turns::is_own(thought))
}
