use serde_json::{Value, json};

use crate::translate::TokenCounts;
use crate::translate::reading::Object;
use crate::wire::UsageReport;

/// Reads an answer's `usage`.
pub(super) fn read(response: &Object<'_>) -> Option<TokenCounts> {
    let json = response.raw("usage")?;
    let report = UsageReport::read(json.get().as_bytes())?;
    Some(TokenCounts {
        usage: report.usage(),
        cache_write_tokens: 0,
    })
}

/// Writes an answer's `usage`.
pub(super) fn write(counts: TokenCounts) -> Value {
    let usage = counts.usage;
    json!({
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    })
}
