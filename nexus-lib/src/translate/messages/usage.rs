use serde::Serialize;

use crate::translate::TokenCounts;
use crate::translate::reading::Object;
use crate::wire::Usage;

/// Anthropic's usage, in which `input_tokens` excludes cached tokens. In a stream each figure may
/// be repeated, and the last one counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Figures {
    /// Whether input and output tokens were reported: missing does not mean zero.
    #[serde(skip)]
    has_input: bool,
    #[serde(skip)]
    has_output: bool,
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Details::is_empty")]
    output_tokens_details: Details,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Details {
    thinking_tokens: u64,
}

impl Details {
    fn is_empty(&self) -> bool {
        self.thinking_tokens == 0
    }
}

impl Figures {
    /// Takes over the figures in `usage`. Unreadable ones are ignored: an answer must not fail
    /// because its usage is odd.
    pub(super) fn update(&mut self, usage: &Object<'_>) {
        let take = |slot: &mut u64, name| {
            if let Some(figure) = usage.lenient(name) {
                *slot = figure;
            }
        };
        self.has_input |= usage.lenient::<u64>("input_tokens").is_some();
        self.has_output |= usage.lenient::<u64>("output_tokens").is_some();
        take(&mut self.input_tokens, "input_tokens");
        take(&mut self.output_tokens, "output_tokens");
        take(&mut self.cache_read_input_tokens, "cache_read_input_tokens");
        let name = "cache_creation_input_tokens";
        take(&mut self.cache_creation_input_tokens, name);
        let details = usage.lenient::<Object<'_>>("output_tokens_details");
        let thinking = details.and_then(|details| details.lenient("thinking_tokens"));
        self.output_tokens_details.thinking_tokens =
            thinking.unwrap_or(self.output_tokens_details.thinking_tokens);
    }

    /// The usage; `None` while one of the two is missing.
    pub(super) fn counts(&self) -> Option<TokenCounts> {
        (self.has_input && self.has_output).then(|| self.sums())
    }

    fn sums(&self) -> TokenCounts {
        let prompt_tokens = self
            .input_tokens
            .saturating_add(self.cache_read_input_tokens)
            .saturating_add(self.cache_creation_input_tokens);
        TokenCounts {
            usage: Usage {
                prompt_tokens,
                completion_tokens: self.output_tokens,
                total_tokens: prompt_tokens.saturating_add(self.output_tokens),
                cached_tokens: self.cache_read_input_tokens,
                reasoning_tokens: self.output_tokens_details.thinking_tokens,
            },
            cache_write_tokens: self.cache_creation_input_tokens,
        }
    }
}

impl From<TokenCounts> for Figures {
    fn from(counts: TokenCounts) -> Self {
        let usage = counts.usage;
        let cached = usage
            .cached_tokens
            .saturating_add(counts.cache_write_tokens);
        Self {
            has_input: true,
            has_output: true,
            input_tokens: usage.prompt_tokens.saturating_sub(cached),
            cache_creation_input_tokens: counts.cache_write_tokens,
            cache_read_input_tokens: usage.cached_tokens,
            output_tokens: usage.completion_tokens,
            output_tokens_details: Details {
                thinking_tokens: usage.reasoning_tokens,
            },
        }
    }
}
