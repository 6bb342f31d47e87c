//! The `usage` object, as OpenAI's API and compatible servers write it.
//!
//! Read leniently, written in OpenAI's own shape. An unreadable figure is ignored, never an error:
//! an answer must not fail because its usage is odd.

mod read;
#[cfg(feature = "gateway")]
mod schema;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::wire::Usage;
use crate::wire::json::Cursor;

/// The `usage` object of an answer.
///
/// ```
/// use nexus_lib::wire::UsageReport;
///
/// let report: UsageReport = serde_json::from_str(
///     r#"{"prompt_tokens": 9, "completion_tokens": 3.0, "prompt_cache_hit_tokens": 4}"#,
/// )?;
/// assert_eq!(report.total_tokens, 12);
/// assert_eq!(report.usage().cached_tokens, 4);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UsageReport {
    /// Tokens of the request.
    pub prompt_tokens: u64,
    /// Tokens of the answer, as the upstream counts them: a few leave reasoning out.
    pub completion_tokens: u64,
    /// The sum of both, if the upstream did not report a total.
    pub total_tokens: u64,
    /// The part of the prompt that came from a cache: `prompt_tokens_details.cached_tokens`.
    pub cached_tokens: u64,
    /// Those spent on reasoning: `completion_tokens_details.reasoning_tokens`.
    pub reasoning_tokens: u64,
}

impl UsageReport {
    /// Reads a `usage` object. `None` if it has no token count; an explicit zero is one.
    pub fn read(json: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(json);
        let report = Self::read_at(json, &mut cursor).ok()?;
        cursor.end().ok()?;
        report
    }

    /// The figures, normalised for the ledger: reasoning is part of the completion.
    pub fn usage(&self) -> Usage {
        let sum = self.prompt_tokens.saturating_add(self.completion_tokens);
        // xAI counts reasoning separately from the completion; only the total reveals it.
        let is_apart = self.reasoning_tokens > 0
            && sum.saturating_add(self.reasoning_tokens) == self.total_tokens;
        let beside = if is_apart { self.reasoning_tokens } else { 0 };
        Usage {
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens.saturating_add(beside),
            total_tokens: self.total_tokens,
            cached_tokens: self.cached_tokens,
            reasoning_tokens: self.reasoning_tokens,
        }
    }
}

impl From<Usage> for UsageReport {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            cached_tokens: usage.cached_tokens,
            reasoning_tokens: usage.reasoning_tokens,
        }
    }
}

impl Serialize for UsageReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct PromptDetails {
            cached_tokens: u64,
        }
        #[derive(Serialize)]
        struct CompletionDetails {
            reasoning_tokens: u64,
        }
        let prompt = PromptDetails {
            cached_tokens: self.cached_tokens,
        };
        let completion = CompletionDetails {
            reasoning_tokens: self.reasoning_tokens,
        };
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("prompt_tokens", &self.prompt_tokens)?;
        map.serialize_entry("completion_tokens", &self.completion_tokens)?;
        map.serialize_entry("total_tokens", &self.total_tokens)?;
        map.serialize_entry("prompt_tokens_details", &prompt)?;
        map.serialize_entry("completion_tokens_details", &completion)?;
        map.end()
    }
}

#[cfg(test)]
mod tests;
