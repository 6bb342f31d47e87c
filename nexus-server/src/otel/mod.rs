//! A span for each call, exported by OTLP over HTTP: <https://opentelemetry.io/docs/specs/otlp/>.
//!
//! Nothing is exported unless OTEL_EXPORTER_OTLP_ENDPOINT, or its variant for traces, is set.
//! OpenTelemetry's other variables apply too: OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS,
//! OTEL_TRACES_SAMPLER, … Spans wait in a bounded queue, and are dropped when it is full: no
//! request waits for them.

mod client;
mod span;

use std::env;
use std::time::Duration;

use nexus_lib::call::ClosedCall;
use nexus_lib::observe::Observer;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::failure::Failure;
use client::Client;

/// How long exporting the last spans may take.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];

/// Exports spans. A clone is the same exporter.
#[derive(Clone)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// `None` if no endpoint is set. Must be called on a tokio runtime.
    pub(crate) fn start() -> Result<Option<Self>, Failure> {
        let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
        if !ENDPOINTS.iter().any(is_set) {
            return Ok(None);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new())
            .build()
            .map_err(|cause| Failure::Traces(cause.to_string()))?;
        let mut resource = Resource::builder();
        if !is_set(&"OTEL_SERVICE_NAME") {
            resource = resource.with_service_name("nexusai");
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        tracing::info!("spans are exported");
        Ok(Some(Self {
            tracer: provider.tracer("nexus-server"),
            provider,
        }))
    }

    /// Exports queued spans.
    pub(crate) async fn close(self) {
        // The exporter's own thread does the work; this one waits for it.
        let closing =
            tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FLUSH_TIMEOUT));
        if let Ok(Err(error)) = closing.await {
            tracing::warn!(%error, "the last spans could not be exported");
        }
    }
}

impl Observer for Traces {
    fn call_settled(&self, call: &ClosedCall) {
        span::export(&self.tracer, call);
    }
}
