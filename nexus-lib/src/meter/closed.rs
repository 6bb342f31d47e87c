use std::time::Duration;

use crate::call::{ClosedCall, Routed, Try};
use crate::conversation;
use crate::meter::figures;
use crate::meter::seen::Seen;
use crate::meter::verdict::{Ending, Verdict};
use crate::transcript::Delivered;

/// Makes the one value of a call that has ended now: with the figures that the upstream reported.
pub(super) fn closed(routed: &Routed, seen: &Seen, ending: Ending<'_>) -> ClosedCall {
    let call = routed.call();
    let duration = call.started.elapsed();
    let Verdict { state, error, code } = Verdict::of(ending, seen, routed);
    let (usage, usage_source) = figures::reported(&seen.observed);
    ClosedCall {
        principal: call.principal.clone(),
        trace: call.headers.get("traceparent").cloned(),
        request_id: call.id,
        conversation_id: call.conversation.clone(),
        operation: call.operation,
        stream: call.body.is_stream(),
        is_streaming: seen.is_streaming,
        target: routed.current().clone(),
        answered_by: seen.answered_by.clone(),
        attempts: routed.attempts(),
        tries: tries(routed, seen, ending, error.as_deref(), duration),
        usage,
        usage_source,
        started_at: call.started_at,
        duration,
        first_byte: match (&seen.answer, seen.first_event) {
            // It goes out when this is written.
            (Delivered::Whole(_), _) => Some(duration),
            (_, at) => at.map(|at| at.saturating_duration_since(call.started)),
        },
        state,
        status: seen.status,
        upstream_status: seen.provider_status(),
        error,
        error_code: code,
        // Those of half a reply, too: people stop a model, and go on with what they have.
        marks: conversation::marks(call, &seen.answer),
    }
}

/// The outcome of each request to a provider. `None` where there was one, and the other fields say
/// it all: the row of a plain call has nothing more to write.
fn tries(
    routed: &Routed,
    seen: &Seen,
    ending: Ending<'_>,
    error: Option<&str>,
    duration: Duration,
) -> Option<Vec<Try>> {
    let upstream_status = seen.provider_status();
    let mut tries = routed.take_tries();
    let is_plain = tries.count == 0 && seen.status == upstream_status;
    if is_plain && !matches!(ending, Ending::Failed(_)) {
        return None;
    }
    if tries.count < routed.attempts() {
        let error = error.map(str::to_owned);
        tries.push(routed.last_try(upstream_status, error, duration));
    }
    Some(tries.kept)
}
