/// The capabilities of a model, judged by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    /// `(4, 5)` for Claude 4.5; `None` for models that are not Claude, or have no number.
    version: Option<(u32, u32)>,
    is_claude: bool,
    is_opus: bool,
    /// Fable and Mythos, and Opus from 5.5, always reason.
    pub(super) always_thinks: bool,
}

/// How the amount of reasoning is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinks {
    /// It cannot reason.
    Not,
    /// By a token budget.
    ByBudget,
    /// By budget or effort.
    ByEither,
    /// Adaptively, by an effort.
    ByEffort,
}

impl Generation {
    /// Parses names such as `claude-3-5-sonnet-20241022`, `claude-opus-4-20250514`,
    /// `anthropic.claude-sonnet-4-5-20250929-v1:0` and `claude-opus-4.6`.
    pub(super) fn of(model: &str) -> Self {
        let name = model.to_ascii_lowercase();
        let Some((_, rest)) = name.split_once("claude") else {
            return Self {
                version: None,
                is_claude: false,
                is_opus: false,
                always_thinks: false,
            };
        };
        // A date is not a version.
        let number = |token: &&str| -> Option<u32> {
            (token.len() <= 2).then(|| token.parse().ok()).flatten()
        };
        let tokens: Vec<&str> = rest.split(['-', '.', '@', ':', '/']).collect();
        let at = tokens.iter().position(|token| number(token).is_some());
        let version = at.and_then(|at| {
            let major = tokens.get(at).and_then(number)?;
            Some((major, tokens.get(at + 1).and_then(number).unwrap_or(0)))
        });
        let named = |family| tokens.contains(&family);
        let is_late_opus = named("opus") && version.is_some_and(|version| version >= (5, 5));
        Self {
            version,
            is_claude: true,
            is_opus: named("opus"),
            always_thinks: named("fable") || named("mythos") || is_late_opus,
        }
    }

    fn is_from(self, major: u32, minor: u32) -> bool {
        self.always_thinks
            || self
                .version
                .is_some_and(|version| version >= (major, minor))
    }

    fn is_before(self, major: u32, minor: u32) -> bool {
        self.version.is_some() && !self.is_from(major, minor)
    }

    pub(super) fn thinks(self) -> Thinks {
        match self {
            _ if self.is_before(3, 7) => Thinks::Not,
            _ if self.is_from(4, 7) => Thinks::ByEffort,
            _ if self.is_from(4, 6) => Thinks::ByEither,
            _ => Thinks::ByBudget,
        }
    }

    /// Whether `xhigh` is one of its efforts.
    pub(super) fn knows_xhigh(self) -> bool {
        self.is_from(4, 7)
    }

    pub(super) fn takes_sampling(self) -> bool {
        !self.is_from(4, 7)
    }

    /// Whether it accepts `temperature` and `top_p` together.
    pub(super) fn takes_two_samplings(self) -> bool {
        !self.is_from(4, 1)
    }

    /// Whether answers and arguments can be constrained by a schema.
    pub(super) fn follows_schemas(self) -> bool {
        !self.is_before(4, 1)
    }

    /// Whether the model can continue an assistant message at the end of the request.
    pub(super) fn takes_prefill(self) -> bool {
        !self.is_from(4, 6)
    }

    /// The maximum `max_tokens` that the model accepts; `None` if unknown.
    pub(super) fn most_tokens(self) -> Option<u64> {
        match self {
            _ if self.is_before(3, 5) => Some(4096),
            _ if self.is_before(3, 7) => Some(8192),
            _ if self.is_before(4, 0) => Some(128_000),
            _ if self.is_opus && self.is_before(4, 5) => Some(32_000),
            _ if self.is_before(4, 6) => Some(64_000),
            _ => None,
        }
    }

    /// The default `max_tokens` if the client sends none: what the smallest model of its kind
    /// accepts.
    pub(super) fn max_tokens(self) -> u64 {
        match self {
            _ if self.is_before(3, 5) => 4096,
            _ if self.is_before(3, 7) || !self.is_claude => 8192,
            _ => 32_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_determine_what_a_model_accepts() {
        let table = [
            ("claude-3-haiku-20240307", Thinks::Not, 4096),
            ("claude-3-5-sonnet-20241022", Thinks::Not, 8192),
            ("anthropic/claude-3.7-sonnet", Thinks::ByBudget, 32_000),
            ("claude-opus-4-20250514", Thinks::ByBudget, 32_000),
            (
                "anthropic.claude-sonnet-4-5-20250929-v1:0",
                Thinks::ByBudget,
                32_000,
            ),
            ("claude-sonnet-4-6", Thinks::ByEither, 32_000),
            ("claude-opus-4-7", Thinks::ByEffort, 32_000),
            ("claude-sonnet-5", Thinks::ByEffort, 32_000),
            ("claude-mythos-preview", Thinks::ByEffort, 32_000),
            ("qwen3", Thinks::ByBudget, 8192),
        ];
        for (model, thinks, max_tokens) in table {
            let generation = Generation::of(model);
            assert_eq!(generation.thinks(), thinks, "{model}");
            assert_eq!(generation.max_tokens(), max_tokens, "{model}");
        }
        let always = |model| Generation::of(model).always_thinks;
        assert!(always("claude-fable-5-1") && always("claude-opus-5-5"));
        assert!(!always("claude-opus-4-8") && !always("claude-sonnet-5-5"));
    }
}
