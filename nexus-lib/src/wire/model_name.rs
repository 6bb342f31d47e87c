/// Prefixes of names of reasoning models.
const THINKERS: [&str; 9] = [
    "grok",
    "o1",
    "o3",
    "o4",
    "gpt-5",
    "deepseek-r",
    "qwq",
    "magistral",
    "kimi-k2",
];

/// Parts of such names.
const THINKING: [&str; 3] = ["reason", "think", "-r1"];

/// Whether a model of this name may take minutes to start, judged by the family in its name. A
/// vendor may precede it, as in `deepseek/deepseek-r1`.
pub(crate) fn may_think(model: &str) -> bool {
    let name = model.to_ascii_lowercase();
    let last = name.rsplit('/').next().unwrap_or(&name);
    THINKERS.iter().any(|family| begins_with(last, family))
        || THINKING.iter().any(|part| last.contains(part))
}

/// Whether a model of this name is one of xAI's: `grok` at the start, or after a `/`.
pub(crate) fn is_grok(model: &str) -> bool {
    model.split('/').any(|part| {
        let start = part.as_bytes().first_chunk::<4>();
        start.is_some_and(|start| start.eq_ignore_ascii_case(b"grok"))
    })
}

/// Matches `o1` and `o1-mini`, but not `o12`.
fn begins_with(name: &str, family: &str) -> bool {
    let Some(rest) = name.strip_prefix(family) else {
        return false;
    };
    let ends_in_digit = family.ends_with(|last: char| last.is_ascii_digit());
    !(ends_in_digit && rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_think_are_known_by_their_names() {
        for name in [
            "grok-4",
            "x-ai/grok-3-mini",
            "o1",
            "o3-pro",
            "openai/o4-mini",
            "gpt-5",
            "gpt-5.1-codex",
            "deepseek-reasoner",
            "deepseek/DeepSeek-R1",
            "QwQ-32B",
            "kimi-k2-thinking",
            "magistral-medium",
        ] {
            assert!(may_think(name), "{name}");
        }
        for name in [
            "gpt-4o",
            "o12-fast",
            "claude-sonnet-4",
            "deepseek-chat",
            "llama-3",
            "ogrok",
            "gpt-50",
        ] {
            assert!(!may_think(name), "{name}");
        }
    }
}
