use crate::translate::TokenCounts;
use crate::translate::reading::Object;
use crate::wire::Usage;

/// The usage of an answer, or of its latest chunk.
///
/// Gemini counts reasoning separately from the answer, and the output of its own tools separately
/// from the prompt.
pub(super) fn read(answer: &Object<'_>) -> Option<TokenCounts> {
    let usage = answer.lenient::<Object<'_>>("usageMetadata")?;
    let figure = |name| usage.lenient::<u64>(name);
    // Zeros are left out, but a prompt always has tokens.
    let prompt = figure("promptTokenCount")?;
    let thoughts = figure("thoughtsTokenCount").unwrap_or(0);
    let total = figure("totalTokenCount");
    let beside = figure("toolUsePromptTokenCount").unwrap_or(0);
    let prompt_tokens = prompt.saturating_add(beside);
    let output = figure("candidatesTokenCount").unwrap_or(0);
    let completion_tokens = output.saturating_add(thoughts);
    Some(TokenCounts {
        usage: Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: total.unwrap_or_else(|| prompt_tokens.saturating_add(completion_tokens)),
            cached_tokens: figure("cachedContentTokenCount").unwrap_or(0),
            reasoning_tokens: thoughts,
        },
        cache_write_tokens: 0,
    })
}
