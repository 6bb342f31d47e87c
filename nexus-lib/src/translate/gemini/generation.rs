use serde::Serialize;

use crate::error::Result;
use crate::translate::effort::effort;
use crate::translate::{Losses, Reasoning};

/// How the amount of reasoning is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinks {
    Not,
    ByBudget,
    ByLevel,
}

/// The capabilities of a model, judged by its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Generation {
    /// `(2, 5)` for Gemini 2.5, the largest for names that always mean the newest; `None` for
    /// models that are not Gemini.
    version: Option<(u32, u32)>,
    is_pro: bool,
    is_lite: bool,
    /// Generates images or audio: does not reason, or as much as the model decides.
    is_of_media: bool,
}

/// The amount of reasoning.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThinkingConfig {
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

impl Generation {
    /// Parses names such as `gemini-2.5-pro`, `models/gemini-3-flash-preview` and
    /// `gemini-flash-latest`.
    pub(super) fn of(model: &str) -> Self {
        let model = model.rsplit('/').next().unwrap_or(model);
        let name = model.strip_prefix("gemini-");
        let version = name.and_then(|name| {
            if name.ends_with("-latest") && !name.starts_with(|first: char| first.is_ascii_digit())
            {
                return Some((u32::MAX, 0));
            }
            let number = name.split('-').next()?;
            let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
        let named = |word| model.split('-').any(|part| part == word);
        Self {
            version,
            is_pro: named("pro"),
            is_lite: named("lite"),
            is_of_media: named("image") || named("tts"),
        }
    }

    fn is_from(self, major: u32, minor: u32) -> bool {
        self.version >= Some((major, minor))
    }

    fn thinks(self) -> Thinks {
        match self {
            _ if self.is_of_media => Thinks::Not,
            _ if self.is_from(3, 0) => Thinks::ByLevel,
            _ if self.is_from(2, 5) => Thinks::ByBudget,
            _ => Thinks::Not,
        }
    }

    /// Whether the first of several calls must be sent back with a signature.
    pub(super) fn wants_signatures(self) -> bool {
        self.is_from(3, 0)
    }

    /// Whether it accepts sampling parameters: from Gemini 3.5 they are an error, or have no
    /// effect.
    pub(super) fn takes_sampling(self) -> bool {
        !self.is_from(3, 5)
    }

    /// The setting for `reasoning`, if any.
    pub(super) fn thinking(
        self,
        reasoning: Option<&Reasoning>,
        losses: &mut Losses,
    ) -> Result<Option<ThinkingConfig>> {
        let Some(reasoning) = reasoning else {
            return Ok(None);
        };
        let effort = effort(reasoning)?;
        let is_none = effort == Some("none");
        let thinks = self.thinks();
        let (is_translatable, can_stop) = match thinks {
            Thinks::Not => (false, true),
            Thinks::ByBudget => (true, !self.is_pro),
            Thinks::ByLevel => (true, false),
        };
        if is_none && !can_stop || effort.is_some() && !is_none && !is_translatable {
            losses.drop_param("reasoning_effort")?;
        }
        let mut config = ThinkingConfig {
            include_thoughts: reasoning.is_shown.unwrap_or(!is_none),
            thinking_budget: None,
            thinking_level: None,
        };
        match thinks {
            Thinks::Not => return Ok(None),
            Thinks::ByLevel => config.thinking_level = effort.map(|effort| self.level(effort)),
            Thinks::ByBudget => {
                let budget = reasoning.budget_tokens.or(effort.map(budget));
                config.thinking_budget = budget.map(|budget| self.allowed(budget));
            }
        }
        Ok(Some(config))
    }

    /// The nearest of the levels that the model knows.
    fn level(self, effort: &str) -> &'static str {
        // From Gemini 3.7 only the lite models know it.
        let knows_minimal = !self.is_pro
            && self.version < Some((u32::MAX, 0))
            && (self.is_lite || !self.is_from(3, 7));
        let knows_medium = !self.is_pro || self.is_from(3, 1);
        match effort {
            "none" | "minimal" if knows_minimal => "minimal",
            "none" | "minimal" | "low" => "low",
            "medium" if knows_medium => "medium",
            _ => "high",
        }
    }

    /// The nearest of the budgets that the model accepts, in tokens.
    fn allowed(self, budget: u64) -> u64 {
        match (self.is_pro, self.is_lite) {
            (true, _) => budget.clamp(128, 32_768),
            (false, true) if budget > 0 => budget.clamp(512, MAX_BUDGET),
            (false, _) => budget.min(MAX_BUDGET),
        }
    }
}

/// The largest budget that all such models accept, in tokens.
const MAX_BUDGET: u64 = 24_576;

/// Google's own mapping in its compatible endpoint, in tokens.
fn budget(effort: &str) -> u64 {
    match effort {
        "none" => 0,
        "minimal" | "low" => 1024,
        "medium" => 8192,
        _ => MAX_BUDGET,
    }
}

/// Whether a model does not accept a schema together with tools. Unknown models are assumed not to.
pub(crate) fn is_before_3(model: &str) -> bool {
    !Generation::of(model).is_from(3, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The level or the budget for an effort, and whether the effort was dropped.
    fn setting(model: &str, effort: &str) -> (String, bool) {
        let mut losses = Losses::new(false);
        let reasoning = Reasoning {
            effort: Some(effort.to_owned()),
            ..Reasoning::default()
        };
        let config = Generation::of(model).thinking(Some(&reasoning), &mut losses);
        let setting = match config.unwrap() {
            None => "nothing".to_owned(),
            Some(config) => match (config.thinking_level, config.thinking_budget) {
                (Some(level), None) => level.to_owned(),
                (None, Some(budget)) => budget.to_string(),
                both => panic!("{both:?}"),
            },
        };
        (setting, !losses.dropped().is_empty())
    }

    #[test]
    fn names_determine_the_thinking_settings() {
        let table = [
            ("gemini-1.5-pro", "high", "nothing", true),
            ("gemini-2.0-flash", "none", "nothing", false),
            ("gemini-2.5-flash-image", "low", "nothing", true),
            ("gemma-3-27b-it", "low", "nothing", true),
            ("gemini-2.5-flash", "none", "0", false),
            ("gemini-2.5-flash", "minimal", "1024", false),
            ("models/gemini-2.5-flash-lite", "medium", "8192", false),
            ("gemini-2.5-pro", "none", "128", true),
            ("gemini-2.5-pro", "xhigh", "24576", false),
            ("gemini-3-pro-preview", "medium", "high", false),
            ("gemini-3-pro-preview", "minimal", "low", false),
            ("gemini-3.1-pro-preview", "medium", "medium", false),
            ("gemini-3-flash-preview", "none", "minimal", true),
            ("gemini-3.1-flash-lite", "minimal", "minimal", false),
            ("gemini-3.8-flash", "minimal", "low", false),
            ("gemini-3.8-flash", "max", "high", false),
            ("gemini-flash-latest", "minimal", "low", false),
        ];
        for (model, effort, expected, is_dropped) in table {
            let expected = (expected.to_owned(), is_dropped);
            assert_eq!(setting(model, effort), expected, "{model} {effort}");
        }
    }

    #[test]
    fn a_budget_is_kept_where_the_model_takes_one() {
        let budget = |model: &str, budget_tokens| {
            let reasoning = Reasoning {
                budget_tokens: Some(budget_tokens),
                ..Reasoning::default()
            };
            let mut losses = Losses::new(true);
            let config = Generation::of(model).thinking(Some(&reasoning), &mut losses);
            config.unwrap().unwrap()
        };
        let table = [
            ("gemini-2.5-flash", 5000, 5000),
            ("gemini-2.5-flash", 100_000, 24_576),
            ("gemini-2.5-pro", 1, 128),
            ("gemini-2.5-pro", 100_000, 32_768),
            ("gemini-2.5-flash-lite", 1, 512),
            ("gemini-2.5-flash-lite", 0, 0),
        ];
        for (model, asked, expected) in table {
            let config = budget(model, asked);
            assert_eq!(config.thinking_budget, Some(expected), "{model} {asked}");
        }
        assert_eq!(
            budget("gemini-3.8-flash", 8192).thinking_level,
            Some("medium")
        );
    }
}
