use crate::translate::Said;
use crate::wire::Usage;

/// A whole answer, in no protocol's words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answered {
    /// The provider's id for it.
    pub id: String,
    /// The model that answered, as the provider calls it.
    pub model: String,
    /// What it said, in order.
    pub said: Vec<Said>,
    /// Why it ended.
    pub finish: Finish,
    /// What it took.
    pub usage: Option<TokenCounts>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Finish {
    /// It was over.
    #[default]
    Stop,
    /// One of the texts came at which it was to end; that text, where the provider tells it.
    StopSequence(Option<String>),
    /// It was as long as it may be.
    Length,
    /// Tools are to be called.
    ToolCalls,
    /// The provider's filter stopped it, or the model refused.
    ContentFilter,
    /// Any other reason, in the provider's words.
    Other(String),
}

impl Finish {
    /// The reason that providers mean by `word`, whichever of them says it. `None` where it is empty.
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

    /// The reason of an answer in which tools were called, if any were: some providers say `stop` then, or a
    /// word of their own.
    #[must_use]
    pub fn with_calls(self, has_called: bool) -> Self {
        match self {
            Self::Stop | Self::Other(_) if has_called => Self::ToolCalls,
            finish => finish,
        }
    }
}

/// What an answer took, by one convention: a prompt's tokens with those that were cached, an answer's
/// with those that were thought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// All sums; what is in [`Usage`] goes to the ledger.
    pub usage: Usage,
    /// Of the prompt's tokens, those that were written to the provider's cache.
    pub cache_write_tokens: u64,
}
