use serde::Serialize;

use crate::translate::TokenCounts;
use crate::translate::reading::Object;
use crate::wire::UsageReport;

/// The `usage` object in its JSON form.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Debug, Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    /// OpenRouter's name; OpenAI does not report it.
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_tokens: u64,
}

#[derive(Debug, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<TokenCounts> for Figures {
    fn from(counts: TokenCounts) -> Self {
        let usage = counts.usage;
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cached_tokens,
                cache_write_tokens: counts.cache_write_tokens,
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.reasoning_tokens,
            },
        }
    }
}

/// The usage of an answer or a chunk, if it has one: in `usage`, or where Groq puts it.
pub(super) fn read(object: &Object<'_>) -> Option<TokenCounts> {
    let at_groq = || object.lenient::<Object<'_>>("x_groq")?.raw("usage");
    let json = object.raw("usage").or_else(at_groq)?;
    let report = UsageReport::read(json.get().as_bytes())?;
    let written = || {
        let usage: Object<'_> = serde_json::from_str(json.get()).ok()?;
        let details: Object<'_> = usage.lenient("prompt_tokens_details")?;
        details.lenient("cache_write_tokens")
    };
    Some(TokenCounts {
        usage: report.usage(),
        cache_write_tokens: written().unwrap_or(0),
    })
}
