//! The operator's requests to providers through the admin port: tests, lists of models, and the
//! playground.

use nexus_lib::testing::{
    Answer, FakeProxy, RawClient, RawRequest, RawResponse, Script, openai, refused_addr,
};
use serde_json::{Value, json};

use crate::support::{KEY, MODEL, Rig, SERVER_KEY, assert_error, provider};

async fn test(rig: &Rig, id: i64, body: Value) -> Value {
    let route = format!("/providers/{id}/test");
    let response = rig.admin("POST", &route, Some(body)).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    response.body.json()
}

async fn playground(rig: &Rig, body: &Value) -> RawResponse {
    rig.admin("POST", "/playground/chat", Some(body.clone()))
        .await
}

fn hello(provider: Option<i64>) -> Value {
    json!({
        "provider_id": provider, "model": MODEL, "temperature": 0.50,
        "messages": [{"role": "user", "content": "hello"}],
    })
}

#[tokio::test]
async fn a_test_asks_this_provider_and_no_other() {
    let (rig, first) = Rig::over(openai::server(&["first"], 3, 1)).await;
    let second = rig.add_upstream("Second", 5, openai::server(&["sec", "ond"], 4, 2));
    let second = second.await;
    let outcome = test(&rig, 2, json!({})).await;
    assert_eq!(outcome["ok"], true, "{outcome}");
    assert_eq!(outcome["model"], MODEL);
    assert_eq!(outcome["text"], "second");
    assert_eq!(outcome["usage"]["total_tokens"], 6);
    assert!(outcome["latency_ms"].is_u64());
    assert_eq!((first.requests().len(), second.requests().len()), (0, 1));
    let sent = second.requests()[0].json();
    assert_eq!(sent["max_tokens"], 32);
    assert_eq!(sent["messages"].as_array().unwrap().len(), 1);

    let rows = rig.rows().await;
    assert_eq!(rows.len(), 1, "on the ledger like any other");
    assert_eq!(rows[0]["request_id"], outcome["request_id"]);
    assert_eq!(
        (&rows[0]["provider"], &rows[0]["total_tokens"]),
        (&json!("Second"), &json!(6))
    );
}

#[tokio::test]
async fn a_failed_test_reports_the_exact_error() {
    let refusal = openai::error("no such deployment", "invalid_request_error", "nope");
    let said = refusal["error"].clone();
    let (rig, _upstream) = Rig::over(Answer::json(404, refusal.to_string())).await;
    let outcome = test(&rig, 1, json!({"model": MODEL})).await;
    assert_eq!(
        (&outcome["ok"], &outcome["status"]),
        (&json!(false), &json!(404))
    );
    assert_eq!(outcome["error"], said, "as it came");

    let html = rig
        .add_upstream("Html", 0, Answer::json(500, "<h1>broken</h1>"))
        .await;
    let outcome = test(&rig, 2, json!({})).await;
    assert_eq!(outcome["error"], json!({"message": "<h1>broken</h1>"}));
    drop(html);

    let url = format!("http://{}", refused_addr().await);
    let dead = rig.add_provider("Dead", &url, 0).await;
    let outcome = test(&rig, dead, json!({})).await;
    assert_eq!(outcome["error"]["code"], "upstream_unreachable");
    let causes = outcome["error"]["causes"].to_string();
    assert!(
        causes.contains("refused"),
        "the operator must know why: {outcome}"
    );

    let none = rig.create("/providers", provider("None", &url)).await;
    let outcome = test(&rig, none, json!({})).await;
    let message = outcome["error"]["message"].as_str().unwrap();
    assert!(message.contains("no model"), "{message}");
    let other = test(&rig, 1, json!({"model": "other"})).await;
    assert_eq!(other["error"]["code"], "model_not_found");

    let update = json!({"name": "Fake", "server_url": url, "enabled": false});
    rig.admin("PUT", "/providers/1", Some(update)).await;
    let outcome = test(&rig, 1, json!({})).await;
    let message = outcome["error"]["message"].as_str().unwrap();
    assert!(message.contains("disabled"), "{message}");

    let missing = rig.admin("POST", "/providers/99/test", None).await;
    assert_eq!(missing.status, 404);
    assert_error(&missing.body.json(), "invalid_request_error", "not_found");
    for text in [outcome.to_string(), missing.body.text().to_owned()] {
        assert!(!text.contains(KEY) && !text.contains(SERVER_KEY));
    }
}

#[tokio::test]
async fn the_upstreams_list_is_names_alone() {
    let list = json!({"object": "list", "data": [{"id": "b", "x": 1}, {"id": "a"}, {"id": "b"}]});
    let text = list.to_string();
    let script = Script::by(move |_| Answer::json(200, text.clone()));
    let (rig, upstream) = Rig::over(script).await;
    let names = rig.read("/providers/1/upstream_models").await;
    assert_eq!(names, json!({"models": ["a", "b"]}));
    let asked = &upstream.requests()[0];
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("GET", "/v1/models")
    );
    let bearer = format!("Bearer {SERVER_KEY}");
    assert_eq!(asked.header("authorization"), Some(bearer.as_str()));
    assert_eq!(rig.rows().await, Vec::<Value>::new(), "it is no call");
}

#[tokio::test]
async fn an_upstream_without_a_list_is_reported_as_such() {
    let answers = [
        (Answer::json(401, "{}"), 502, "upstream_auth_failed"),
        (Answer::json(404, "{}"), 502, "upstream_invalid_response"),
        (Answer::json(200, "[]"), 502, "upstream_invalid_response"),
        (
            Answer::json(200, "<html>"),
            502,
            "upstream_invalid_response",
        ),
    ];
    for (answer, status, code) in answers {
        let (rig, _upstream) = Rig::over(answer).await;
        let response = rig.admin("GET", "/providers/1/upstream_models", None).await;
        let error = response.body.json();
        assert_eq!(response.status, status, "{error}");
        assert_eq!(error["error"]["code"], code);
        assert!(!error.to_string().contains(SERVER_KEY));
    }
    let rig = Rig::start().await;
    let body = json!({"name": "d", "kind": "demo", "server_url": "http://d.invalid", "server_key": "", "personalized_key": "k"});
    rig.create("/providers", body).await;
    let response = rig.admin("GET", "/providers/1/upstream_models", None).await;
    assert_eq!(response.status, 404, "{}", response.body.text());
}

#[tokio::test]
async fn the_playground_streams_as_the_llm_port_does() {
    let (rig, upstream) = Rig::over(openai::server(&["he", "llo"], 3, 2)).await;
    let mut body = hello(Some(1));
    body["stream"] = true.into();
    body["stream_options"] = json!({"include_usage": true});
    let request = RawRequest::post("/playground/chat")
        .header("x-conversation-id", "desk-1")
        .body(body.to_string());
    let response = RawClient::exchange(rig.admin, &request).await;
    assert_eq!(response.status, 200);
    let kind = response.header("content-type").unwrap();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    assert_eq!(response.header("x-nexus-provider"), Some("Fake"));
    assert_eq!(response.header("x-conversation-id"), Some("desk-1"));
    assert!(response.body.text().ends_with(openai::DONE));

    let sent = upstream.requests()[0].json();
    assert_eq!(
        sent["provider_id"],
        Value::Null,
        "not the upstream's business"
    );
    assert_eq!(sent["temperature"], 0.5);
    let row = &rig.rows().await[0];
    assert_eq!(row["request_id"], response.header("x-request-id").unwrap());
    assert_eq!(
        (&row["conversation_id"], &row["total_tokens"]),
        (&json!("desk-1"), &json!(5))
    );
}

#[tokio::test]
async fn the_playground_asks_the_chosen_provider() {
    let (rig, first) = Rig::over(openai::server(&["first"], 1, 1)).await;
    let second = rig.add_upstream("Second", 5, Answer::json(500, "{}")).await;
    let response = playground(&rig, &hello(Some(2))).await;
    assert_eq!(response.status, 500, "nobody stands in");
    assert_eq!(response.header("x-nexus-provider"), Some("Second"));
    assert_eq!(first.requests().len(), 0);
    assert!(!second.requests().is_empty());

    let response = playground(&rig, &hello(None)).await;
    assert_eq!(response.header("x-nexus-provider"), Some("Fake"));

    let mut unknown = hello(None);
    unknown["model"] = "other".into();
    for (body, status, code, param) in [
        (unknown, 404, "model_not_found", json!("model")),
        (hello(Some(99)), 404, "not_found", json!("provider_id")),
        (
            json!({"messages": []}),
            422,
            "invalid_value",
            json!("model"),
        ),
    ] {
        let response = playground(&rig, &body).await;
        let error = response.body.json();
        assert_eq!(response.status, status, "{error}");
        assert_eq!(error["error"]["param"], param, "{error}");
        if status == 404 {
            assert_eq!(error["error"]["code"], code, "{error}");
        }
    }
}

#[tokio::test]
async fn settings_are_shown_and_secrets_are_not() {
    let rig = Rig::with(|builder| {
        let table = json!({"drain_timeout_seconds": 30});
        builder.max_body_bytes(1 << 20).settings(table)
    });
    let settings = rig.await.read("/settings").await;
    assert_eq!(settings["max_body_bytes"], 1 << 20);
    assert_eq!(settings["admin_token"], false);
    let kinds = [
        "anthropic",
        "azure",
        "demo",
        "gemini",
        "ollama",
        "openai",
        "xai",
    ];
    assert_eq!(settings["kinds"], json!(kinds));
    assert_eq!(
        settings["application"],
        json!({"drain_timeout_seconds": 30})
    );
}

#[tokio::test]
async fn the_upstreams_list_comes_through_the_providers_proxy_or_not_at_all() {
    let list = Answer::json(200, json!({"data": [{"id": "a"}]}).to_string());
    let proxy = FakeProxy::start().await;
    let rig = Rig::start().await;
    let fields = json!({"proxy_url": proxy.url("socks5")});
    let upstream = rig.add_upstream_with("Behind", fields, list).await;
    let names = rig.read("/providers/1/upstream_models").await;
    assert_eq!(names, json!({"models": ["a"]}));
    assert_eq!((proxy.connections(), upstream.connections()), (1, 1));

    let dead = format!("http://user:canary-password@{}", refused_addr().await);
    let url = upstream.url();
    let update = json!({"name": "Behind", "server_url": url, "proxy_url": dead});
    rig.admin("PUT", "/providers/1", Some(update)).await;
    let response = rig.admin("GET", "/providers/1/upstream_models", None).await;
    assert_eq!(response.status, 502, "{}", response.body.text());
    let outcome = test(&rig, 1, json!({})).await;
    assert_eq!(outcome["ok"], false);
    assert_eq!(upstream.connections(), 1, "never around it");
    for told in [response.body.text().to_owned(), outcome.to_string()] {
        assert!(!told.contains("canary"), "{told}");
    }
}
