use std::time::Duration;

use nexus_lib::call::ClosedCall;
use nexus_lib::observe::Observer;

use crate::logs::{RequestLines, Value};

/// Logs one line for each settled request, and another one with details at `debug`.
///
/// The lines have names, figures and codes, but no text of a request, an answer or a provider's
/// error, which may quote one. The ledger has the error under the same id.
pub(crate) struct RequestLog(RequestLines);

impl RequestLog {
    pub(crate) fn new(lines: RequestLines) -> Self {
        Self(lines)
    }
}

impl Observer for RequestLog {
    fn call_settled(&self, call: &ClosedCall) {
        let usage = &call.usage;
        self.0.write(|fields| {
            let status = call.status.map(|status| u64::from(status.as_u16()));
            let first_event = call.first_event().map(millis);
            fields
                .add("request_id", Value::Id(&call.request_id))
                .add("conversation_id", Value::Id(&call.conversation_id))
                .add_some("key", call.principal.name().map(Value::Text))
                .add("provider", Value::Text(&call.target.provider.name))
                .add("model", Value::Text(&call.target.model))
                .add_some("status", status.map(Value::Number))
                .add("state", Value::Text(call.state.as_str()))
                .add_some("error", call.error_code.map(Value::Text))
                .add("prompt_tokens", Value::Number(usage.prompt_tokens))
                .add("completion_tokens", Value::Number(usage.completion_tokens))
                .add_some("first_event_ms", first_event.map(Value::Number))
                .add("duration_ms", Value::Number(millis(call.duration)));
        });
        tracing::debug!(
            request_id = %call.request_id,
            operation = %call.operation,
            stream = call.stream,
            kind = &*call.target.provider.kind,
            upstream_model = call.target.model_sent(),
            attempts = call.attempts,
            usage_source = ?call.usage_source,
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
