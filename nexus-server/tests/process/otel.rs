//! Spans as a collector receives them.

use nexus_lib::testing::{Answer, FakeUpstream, Script, openai};
use serde_json::{Value, json};

use crate::server::{Home, chat};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// The value of a span's attribute of any type; 64-bit numbers are strings in OTLP's JSON.
fn attribute(span: &Value, key: &str) -> Value {
    let attributes = span["attributes"].as_array().unwrap();
    let mut named = attributes
        .iter()
        .filter(|attribute| attribute["key"] == key);
    let Some(attribute) = named.next() else {
        return Value::Null;
    };
    let value = attribute["value"].as_object().unwrap();
    value.values().next().unwrap().clone()
}

async fn collector() -> FakeUpstream {
    FakeUpstream::start(Answer::json(200, "{}")).await
}

async fn upstream() -> FakeUpstream {
    FakeUpstream::start(Script::by(|request| match request.index {
        0 => openai::stream(request, &["canary ", "answer"], 40, 6),
        _ => Answer::json(
            400,
            openai::error("canary answer", "invalid", "bad").to_string(),
        ),
    }))
    .await
}

/// Runs one successful and one failed chat, and returns what the collector received.
async fn exported(protocol: &str) -> Vec<Vec<u8>> {
    let (collector, upstream) = (collector().await, upstream().await);
    let home = Home::new();
    let endpoint = format!("http://{}", collector.addr());
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
    ];
    let server = home.start(&[], &env);
    server
        .register(&upstream.url(), "sk-canary-server", "canary-client", "m")
        .await;
    for (stream, status) in [(true, 200), (false, 400)] {
        let request = chat("canary-client", "m", "canary prompt", stream)
            .header("x-conversation-id", "talk")
            .header("traceparent", &format!("00-{TRACE}-{SPAN}-01"));
        let answer = server.api(&request).await;
        assert_eq!(answer.head.status, status, "{}", answer.body.text());
    }
    server.stop().await;
    let requests = collector.requests();
    assert!(!requests.is_empty(), "{}", home.stderr());
    for request in &requests {
        assert_eq!(request.target, "/v1/traces");
    }
    requests
        .iter()
        .map(|request| request.body.to_vec())
        .collect()
}

#[tokio::test]
async fn each_call_is_a_span_with_the_names_of_the_conventions() {
    let bodies = exported("http/json").await;
    let mut spans = Vec::new();
    for body in &bodies {
        let text = std::str::from_utf8(body).unwrap();
        assert!(!text.contains("canary"), "{text}");
        let sent: Value = serde_json::from_str(text).unwrap();
        for resource in sent["resourceSpans"].as_array().unwrap() {
            assert_eq!(attribute(&resource["resource"], "service.name"), "nexusai");
            for scope in resource["scopeSpans"].as_array().unwrap() {
                spans.extend(scope["spans"].as_array().unwrap().clone());
            }
        }
    }
    let [good, bad] = &*spans else {
        panic!("{spans:#?}");
    };
    for span in &spans {
        assert_eq!(
            (&span["traceId"], &span["parentSpanId"]),
            (&json!(TRACE), &json!(SPAN))
        );
        assert_eq!(
            (&span["name"], &span["kind"]),
            (&json!("chat m"), &json!(3))
        );
        for (key, value) in [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "m"),
            ("gen_ai.conversation.id", "talk"),
            ("nexus.provider", "upstream"),
        ] {
            assert_eq!(attribute(span, key), value, "{key} of {span:#}");
        }
        let time = |field: &str| span[field].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
    }
    for (key, value) in [
        ("gen_ai.usage.input_tokens", json!("40")),
        ("gen_ai.usage.output_tokens", json!("6")),
        ("http.response.status_code", json!("200")),
        ("nexus.state", json!("completed")),
        ("error.type", Value::Null),
    ] {
        assert_eq!(attribute(good, key), value, "{key} of {good:#}");
    }
    assert!(attribute(good, "nexus.time_to_first_event").is_number());
    assert_eq!(attribute(bad, "error.type"), "upstream_error");
    // 2 is an error: opentelemetry/proto/trace/v1/trace.proto.
    assert_eq!(bad["status"]["code"], 2, "{bad:#}");
}

#[tokio::test]
async fn spans_go_out_as_protobuf_too() {
    let body = exported("http/protobuf").await.concat();
    let holds = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("gen_ai.request.model") && holds("nexusai") && !holds("canary"));
}

#[tokio::test]
async fn a_collector_that_is_not_there_holds_nothing_up() {
    let home = Home::new();
    let gone = nexus_lib::testing::refused_addr().await;
    let endpoint = format!("http://{gone}");
    let server = home.start(&["--demo"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    let answer = server
        .api(&chat("demo-key", "nexus-echo", "hi", true))
        .await;
    assert_eq!(answer.head.status, 200);
    server.stop().await;
    let said = home.stderr();
    assert!(
        said.contains("BatchSpanProcessor.ExportError") && !said.contains("panicked"),
        "{said}"
    );
}
