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

/// What an answer took, by one convention: a prompt's tokens with those that were cached, an answer's
/// with those that were thought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// All sums; what is in [`Usage`] goes to the ledger.
    pub usage: Usage,
    /// Of the prompt's tokens, those that were written to the provider's cache.
    pub cache_write_tokens: u64,
}
