use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use nexus_lib::call::ClosedCall;
use nexus_lib::store::RequestState;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanKind, Status, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracer;

/// Exports the span of an ended call, in the trace that its client named.
///
/// Names follow OpenTelemetry's conventions for generative AI
/// (<https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/>); others begin with
/// `nexus.`. Spans contain no messages.
pub(super) fn export(tracer: &SdkTracer, call: &ClosedCall) {
    let operation = operation(call.operation.as_str());
    let usage = &call.usage;
    let mut attributes = vec![
        KeyValue::new("gen_ai.operation.name", operation),
        KeyValue::new("gen_ai.provider.name", provider(&call.target.provider.kind)),
        KeyValue::new("gen_ai.request.model", call.target.model_sent().to_owned()),
        KeyValue::new("gen_ai.conversation.id", call.conversation_id.to_string()),
        KeyValue::new("gen_ai.usage.input_tokens", count(usage.prompt_tokens)),
        KeyValue::new("gen_ai.usage.output_tokens", count(usage.completion_tokens)),
        KeyValue::new(
            "gen_ai.usage.cache_read.input_tokens",
            count(usage.cached_tokens),
        ),
        KeyValue::new(
            "gen_ai.usage.reasoning.output_tokens",
            count(usage.reasoning_tokens),
        ),
        KeyValue::new("nexus.request_id", call.request_id.to_string()),
        KeyValue::new("nexus.provider", call.target.provider.name.to_string()),
        KeyValue::new("nexus.model", call.target.model.to_string()),
        KeyValue::new("nexus.state", call.state.as_str()),
        KeyValue::new("nexus.attempts", i64::from(call.attempts)),
        KeyValue::new("nexus.stream", call.stream),
    ];
    if let Some(status) = call.status {
        let status = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
        attributes.push(status);
    }
    if let Some(code) = call.error_code {
        attributes.push(KeyValue::new("error.type", code));
    }
    if let Some(first_event) = call.first_event() {
        let seconds = KeyValue::new("nexus.time_to_first_event", first_event.as_secs_f64());
        attributes.push(seconds);
    }

    let micros = u64::try_from(call.started_at.as_micros()).unwrap_or(0);
    let began = UNIX_EPOCH + Duration::from_micros(micros);
    let builder = tracer
        .span_builder(format!("{operation} {}", call.target.model_sent()))
        .with_kind(SpanKind::Client)
        .with_start_time(began)
        .with_attributes(attributes);
    let mut span = tracer.build_with_context(builder, &parent(call.traceparent()));
    if call.state == RequestState::Failed {
        span.set_status(Status::error(call.error_code.unwrap_or_default()));
    }
    span.end_with_timestamp(began + call.duration);
}

/// The client's span.
fn parent(traceparent: Option<&str>) -> Context {
    let carried = traceparent.map(|value| ("traceparent".to_owned(), value.to_owned()));
    let carrier: HashMap<String, String> = carried.into_iter().collect();
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier)
}

fn operation(name: &'static str) -> &'static str {
    match name {
        "chat.completion" => "chat",
        name => name,
    }
}

fn provider(kind: &str) -> String {
    let name = match kind {
        "azure" => "azure.ai.openai",
        "gemini" => "gcp.gemini",
        "xai" => "x_ai",
        kind => kind,
    };
    name.to_owned()
}

fn count(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
