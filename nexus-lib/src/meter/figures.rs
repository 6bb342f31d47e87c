use crate::call::{Observed, Routed};
use crate::meter::seen::Seen;
use crate::transcript::Delivered;
use crate::wire::{Usage, UsageSource};

/// The tokens that the upstream reported, and the source of the figures.
pub(super) fn reported(observed: &Observed) -> (Usage, UsageSource) {
    let source = match observed.usage {
        Some(_) if observed.is_estimated => UsageSource::Estimated,
        Some(_) => UsageSource::Reported,
        None => UsageSource::None,
    };
    (observed.usage.unwrap_or_default(), source)
}

/// Whether tokens were spent, and the upstream reported no figures.
pub(super) fn are_missing(routed: &Routed, seen: &Seen) -> bool {
    let is_error = seen.observed.error.is_some() && matches!(seen.answer, Delivered::Whole(_));
    let is_spent = match seen.status {
        // A layer that answers without a provider spends nothing.
        Some(status) => status.is_success() && !is_error && routed.attempts() > 0,
        // The client left before there was an answer: the prompt was sent all the same.
        None => routed.attempts() > 0,
    };
    is_spent && seen.observed.usage.is_none() && routed.call().operation.is_chat()
}

/// An estimate, with the figures of the prompt where the provider has reported these.
pub(super) fn with_prompt(estimated: Usage, reported: Option<Usage>) -> Usage {
    match reported {
        None => estimated,
        Some(reported) => Usage {
            total_tokens: reported
                .prompt_tokens
                .saturating_add(estimated.completion_tokens),
            completion_tokens: estimated.completion_tokens,
            ..reported
        },
    }
}
