use std::time::Duration;

use nexus_lib::observe::{CallSettled, Observer};

/// Logs a line for each request that is over, and one more with the details at `debug`.
///
/// Names, figures and codes: what was asked and answered is not in it, nor a provider's own error message,
/// which may repeat it. The ledger has that message, under the same id.
pub(crate) struct RequestLog;

impl Observer for RequestLog {
    fn call_settled(&self, call: &CallSettled<'_>) {
        let settlement = call.settlement;
        let usage = &settlement.usage;
        tracing::info!(
            request_id = %call.request_id,
            conversation_id = %call.conversation_id,
            provider = &*settlement.provider,
            model = &*call.target.model,
            status = settlement.status,
            state = settlement.state.as_str(),
            error = call.error_code,
            prompt_tokens = usage.prompt_tokens,
            completion_tokens = usage.completion_tokens,
            first_event_ms = call.first_event.map(millis),
            duration_ms = millis(call.duration),
            "request"
        );
        tracing::debug!(
            request_id = %call.request_id,
            operation = %call.operation,
            stream = call.stream,
            kind = &*call.target.provider.kind,
            upstream_model = call.target.model_sent(),
            attempts = settlement.attempts,
            usage_source = ?settlement.usage_source,
            cached_tokens = usage.cached_tokens,
            reasoning_tokens = usage.reasoning_tokens,
            started_at = %call.started_at,
            "request in detail"
        );
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
