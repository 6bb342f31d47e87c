use crate::translate::Output;
use crate::wire::Usage;

/// A whole answer in neutral form.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Answered {
    /// The provider's id of the answer.
    pub id: String,
    /// The model that answered, by the provider's name.
    pub model: String,
    /// Its content, in order.
    pub output: Vec<Output>,
    /// Why it ended.
    pub finish: Finish,
    /// Its usage.
    pub usage: Option<TokenCounts>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finish {
    /// It was complete.
    #[default]
    Stop,
    /// It reached a stop sequence; its text, if the provider reports it.
    StopSequence(Option<String>),
    /// It reached its maximum length.
    Length,
    /// Tools have to be called.
    ToolCalls,
    /// The provider's filter stopped it, or the model refused.
    ContentFilter,
    /// Any other reason, as the provider reported it.
    Other(String),
}

impl Finish {
    /// The reason for `word`, from any provider. `None` if it is empty.
    pub fn of_word(word: &str) -> Option<Self> {
        let word = word.trim();
        Some(match word.to_ascii_lowercase().as_str() {
            "" | "null" | "none" | "finish_reason_unspecified" => return None,
            "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" | "complete"
            | "completed" | "done" => Self::Stop,
            "length"
            | "max_tokens"
            | "max_output_tokens"
            | "model_length"
            | "model_context_window_exceeded"
            | "context_length" => Self::Length,
            "tool_calls" | "tool_call" | "tool_use" | "function_call" => Self::ToolCalls,
            "content_filter"
            | "content_filtered"
            | "refusal"
            | "safety"
            | "recitation"
            | "language"
            | "blocklist"
            | "prohibited_content"
            | "spii"
            | "model_armor"
            | "image_safety"
            | "image_prohibited_content"
            | "image_recitation"
            | "sensitive" => Self::ContentFilter,
            _ => Self::Other(word.to_owned()),
        })
    }

    /// The reason of an answer with tool calls, if there were any: some providers then report
    /// `stop` or a value of their own.
    #[must_use]
    pub fn with_calls(self, has_called: bool) -> Self {
        match self {
            Self::Stop | Self::Other(_) if has_called => Self::ToolCalls,
            finish => finish,
        }
    }
}

/// An answer's usage in one convention: prompt tokens include cached ones, completion tokens
/// include reasoning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenCounts {
    /// All sums; [`Usage`] goes to the ledger.
    pub usage: Usage,
    /// The prompt tokens that were written to the provider's cache.
    pub cache_write_tokens: u64,
}
