use serde::Serialize;

use crate::error::Result;
use crate::translate::{Losses, Reasoning, messages};

/// How a model is told how much to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinks {
    Not,
    ByBudget,
    ByLevel,
}

/// What a model's name tells about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Generation {
    thinks: Thinks,
    /// Cannot be told not to think.
    is_pro: bool,
}

/// How much is thought.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThinkingConfig {
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

/// The least budget of a model that always thinks.
const LEAST_OF_PRO: u64 = 128;
/// The largest budget that all models with one take.
const MOST: u64 = 24_576;

impl Generation {
    pub(super) fn of(model: &str) -> Self {
        let model = model.rsplit('/').next().unwrap_or(model);
        let version = model.strip_prefix("gemini-").unwrap_or_default();
        let number = version.split('-').next().unwrap_or_default();
        let major: u32 = (number.split('.').next())
            .and_then(|major| major.parse().ok())
            .unwrap_or(0);
        let thinks = match major {
            // Aliases such as `gemini-flash-latest` stand for the newest.
            0 if version.ends_with("-latest") => Thinks::ByLevel,
            3.. => Thinks::ByLevel,
            2 if number == "2.5" => Thinks::ByBudget,
            _ => Thinks::Not,
        };
        Self {
            thinks,
            is_pro: version.contains("pro"),
        }
    }

    /// Whether each call must come back with a signature.
    pub(super) fn wants_signatures(self) -> bool {
        self.thinks == Thinks::ByLevel
    }

    pub(super) fn thinking(
        self,
        reasoning: Option<&Reasoning>,
        losses: &mut Losses,
    ) -> Result<Option<ThinkingConfig>> {
        let Some(reasoning) = reasoning else {
            return Ok(None);
        };
        let of_budget = reasoning.budget_tokens.map(|budget| match budget {
            0 => "none",
            budget => messages::effort_of(budget),
        });
        let effort = reasoning.effort.as_deref().or(of_budget);
        let is_none = effort == Some("none");
        if self.thinks == Thinks::Not {
            if effort.is_some() && !is_none {
                losses.drop_hint("reasoning_effort")?;
            }
            return Ok(None);
        }
        if is_none && (self.is_pro || self.thinks == Thinks::ByLevel) {
            losses.drop_hint("reasoning_effort")?;
        }
        let mut config = ThinkingConfig {
            include_thoughts: reasoning.is_shown.unwrap_or(!is_none),
            thinking_budget: None,
            thinking_level: None,
        };
        if self.thinks == Thinks::ByLevel {
            config.thinking_level = effort.map(|effort| self.level(effort));
        } else {
            let budget = reasoning.budget_tokens.or(effort.map(budget));
            let least = if self.is_pro { LEAST_OF_PRO } else { 0 };
            config.thinking_budget = budget.map(|budget| budget.clamp(least, MOST));
        }
        Ok(Some(config))
    }

    fn level(self, effort: &str) -> &'static str {
        match effort {
            "none" | "minimal" if !self.is_pro => "minimal",
            "none" | "minimal" | "low" => "low",
            "medium" => "medium",
            _ => "high",
        }
    }
}

/// As Google's own compatible endpoint maps them.
fn budget(effort: &str) -> u64 {
    match effort {
        "none" => 0,
        "minimal" | "low" => 1024,
        "medium" => 8192,
        _ => MOST,
    }
}
