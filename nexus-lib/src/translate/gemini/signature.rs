const MARK: &str = "gemini:";

/// Google's documented placeholder for calls that its models did not make.
pub(super) const FOREIGN: &str = "skip_thought_signature_validator";

/// A separate signature, marked as Gemini's.
pub(super) fn mark(signature: &str) -> String {
    [MARK, signature].concat()
}

/// The signature as Gemini wrote it; `None` if it is another provider's.
pub(super) fn unmark(signature: &str) -> Option<&str> {
    signature.strip_prefix(MARK)
}

/// Whether the signature of reasoning is Gemini's.
pub(crate) fn is_marked(signature: &str) -> bool {
    unmark(signature).is_some()
}
