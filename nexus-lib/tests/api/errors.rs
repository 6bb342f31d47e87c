//! Errors as clients see them.

use nexus_lib::testing::{Answer, FakeUpstream, RawClient, RawRequest, openai, refused_addr};
use serde_json::json;

use crate::support::{CHAT, KEY, PLAIN, Rig, STREAM, assert_error, chat};

#[tokio::test]
async fn a_model_that_the_key_may_not_call_is_404() {
    let (rig, upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let hidden = json!({
        "name": "Other", "server_url": upstream.url(), "server_key": "", "personalized_key": "other-key",
    });
    let hidden = rig.create("/providers", hidden).await;
    rig.create(
        "/provider_models",
        json!({"provider_id": hidden, "model_name": "hidden"}),
    )
    .await;
    for model in ["nowhere", "hidden", "M", "m ", ""] {
        let response = rig
            .chat(json!({"model": model, "messages": []}).to_string())
            .await;
        assert_eq!(
            response.status,
            if model.is_empty() { 400 } else { 404 },
            "{model:?}"
        );
        if !model.is_empty() {
            assert_error(
                &response.body.json(),
                "invalid_request_error",
                "model_not_found",
            );
            assert_eq!(response.body.json()["error"]["param"], "model");
        }
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_chat_is_400() {
    let (rig, upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let deep = format!(
        r#"{{"model":"m","messages":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let unclosed = format!(r#"{{"model":"m","x":{}"#, r#"{"a":"#.repeat(50_000));
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "\"m\"",
        "{}",
        r#"{"messages":[]}"#,
        r#"{"model":"m"}"#,
        r#"{"model":"m","messages":"hi"}"#,
        r#"{"model":null,"messages":[]}"#,
        r#"{"model":1,"messages":[]}"#,
        r#"{"model":"m","messages":[]"#,
        r#"{"model":"m","messages":[]} x"#,
        r#"{"model":"m","messages":[],}"#,
        r#"{"model":"m","n":01}"#,
        r#"{"model":"m","n":nul}"#,
        r#"{'model':'m'}"#,
        r#"{"model":"m","x":"\ud800"}"#,
        "{\"model\":\"m\",\"x\":\"\n\"}",
        r#"{"model":"m","stream":"yes","messages":[]}"#,
        &deep,
        &unclosed,
    ];
    for body in bodies {
        let response = rig.chat(body.to_owned()).await;
        let shown = &body[..body.len().min(60)];
        assert_eq!(response.status, 400, "{shown}: {}", response.body.text());
        assert_error(
            &response.body.json(),
            "invalid_request_error",
            "invalid_request",
        );
    }
    let response = rig.chat(&b"{\"model\":\"m\",\"x\":\"\xff\"}"[..]).await;
    assert_eq!(response.status, 400);
    assert!(upstream.requests().is_empty());
    assert!(
        rig.rows().await.is_empty(),
        "what was never sent needs no row"
    );
}

#[tokio::test]
async fn a_missing_model_is_named() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let response = rig.chat(r#"{"messages":[]}"#).await;
    assert_eq!(response.body.json()["error"]["param"], "model");
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let rig = Rig::with(|builder| builder.max_body_bytes(1000)).await;
    let upstream = rig
        .add_upstream("Fake", 0, openai::server(&["x"], 1, 1))
        .await;
    let body = |length: usize| {
        let text = "x".repeat(length - PLAIN.len());
        PLAIN.replacen("hi", &format!("hi{text}"), 1)
    };
    assert_eq!(rig.chat(body(1000)).await.status, 200);

    let response = rig.chat(body(1001)).await;
    assert_eq!(response.status, 413);
    assert_error(
        &response.body.json(),
        "invalid_request_error",
        "request_too_large",
    );

    // Without a declared length, the limit is only noticed while reading.
    let mut client = RawClient::connect(rig.api).await;
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    client
        .send(format!("{head}3e9\r\n{}\r\n0\r\n\r\n", body(1001)).as_bytes())
        .await;
    assert_eq!(client.head().await.status, 413);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_body_in_chunks_is_as_good_as_another() {
    let (rig, upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let mut client = RawClient::connect(rig.api).await;
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let (a, b) = PLAIN.split_at(20);
    let framed = format!("{head}14\r\n{a}\r\n{:x}\r\n{b}\r\n0\r\n\r\n", b.len());
    client.send(framed.as_bytes()).await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(upstream.request(0).await.body, PLAIN);
}

#[tokio::test]
async fn a_wrong_method_is_405_with_allow() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    for (method, path, allowed) in [
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/chat/completions", "POST"),
        ("POST", "/v1/models", "GET"),
        ("PUT", "/models", "GET"),
    ] {
        let response = rig.ask(&RawRequest::new(method, path).bearer(KEY)).await;
        assert_eq!(response.status, 405, "{method} {path}");
        assert_error(
            &response.body.json(),
            "invalid_request_error",
            "method_not_allowed",
        );
        let allow = response.header("allow").expect("an Allow header");
        assert!(allow.split(", ").any(|method| method == allowed), "{allow}");
    }
}

#[tokio::test]
async fn an_unknown_route_is_404() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    for path in [
        "/",
        "/v1",
        "/v2/models",
        "/providers",
        "/stats/total",
        "/v1/../providers",
    ] {
        let response = rig.ask(&RawRequest::get(path).bearer(KEY)).await;
        assert_eq!(response.status, 404, "{path}");
        assert_error(&response.body.json(), "invalid_request_error", "not_found");
    }
}

#[tokio::test]
async fn refused_credentials_are_the_gateways_fault() {
    for (body, status) in [(PLAIN, 401), (PLAIN, 403), (STREAM, 401)] {
        let refusal = openai::error(
            "Incorrect API key provided: sk-server",
            "x",
            "invalid_api_key",
        );
        let (rig, _upstream) = Rig::over(Answer::json(status, refusal.to_string())).await;
        let response = rig.chat(body).await;
        assert_eq!(response.status, 502);
        assert_error(
            &response.body.json(),
            "upstream_error",
            "upstream_auth_failed",
        );
        assert!(!response.body.text().contains("sk-server"));
        let row = rig.row(&response).await;
        assert_eq!(
            (&row["state"], &row["status"]),
            (&json!("failed"), &json!(502))
        );
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_502_and_its_address_stays_here() {
    let rig = Rig::start().await;
    let addr = refused_addr().await;
    rig.add_provider("Gone", &format!("http://{addr}/v1"), 0)
        .await;
    for body in [PLAIN, STREAM] {
        let response = rig.chat(body).await;
        assert_eq!(response.status, 502);
        assert_error(
            &response.body.json(),
            "upstream_error",
            "upstream_unreachable",
        );
        let text = response.body.text();
        assert!(
            !text.contains("127.0.0.1") && !text.contains(&addr.port().to_string()),
            "{text}"
        );
        let row = rig.row(&response).await;
        assert_eq!(
            (&row["state"], &row["attempts"]),
            (&json!("failed"), &json!(3))
        );
        let error = row["error"].as_str().unwrap();
        assert!(
            error.contains("upstream_unreachable") && !error.contains("127.0.0.1"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_upstream_that_hangs_up_before_it_answers_is_502() {
    for answer in [
        Answer::new().cut(),
        Answer::new().reset(),
        Answer::new().bytes("HTTP/1.1 2").cut(),
    ] {
        let (rig, _upstream) = Rig::over(answer).await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, 502);
        assert_error(
            &response.body.json(),
            "upstream_error",
            "upstream_unreachable",
        );
    }
}

#[tokio::test]
async fn an_upstream_that_speaks_no_http_is_502() {
    let (rig, _upstream) = Rig::over(Answer::new().bytes("SSH-2.0-OpenSSH\r\n\r\n").cut()).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 502);
    assert_eq!(response.body.json()["error"]["type"], "upstream_error");
}

#[tokio::test]
async fn an_upstreams_refusal_passes_as_it_is() {
    let body = " {\"error\" : {\"message\":\"slow \\u0064own\",\"code\":1e0}}\n";
    for status in [400, 404, 409, 422, 429, 500, 503, 529] {
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("retry-after", "17"),
            ("retry-after-ms", "16500"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-should-retry", "false"),
        ];
        let rig = Rig::start().await;
        let upstream = FakeUpstream::start(Answer::fixed(status, &headers, body)).await;
        rig.add_provider("Fake", &upstream.url(), 0).await;
        for request in [PLAIN, STREAM] {
            let response = rig.chat(request).await;
            assert_eq!(response.status, status);
            assert_eq!(response.body.content, body);
            for (name, value) in headers {
                assert_eq!(response.header(name), Some(value), "{status} {name}");
            }
            let row = rig.row(&response).await;
            assert_eq!(
                (&row["state"], &row["status"]),
                (&json!("failed"), &json!(status))
            );
        }
    }
}

#[tokio::test]
async fn one_connection_serves_errors_and_answers_alike() {
    let (rig, _upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let mut client = RawClient::connect(rig.api).await;
    for (body, status) in [
        ("{", 400),
        (PLAIN, 200),
        (r#"{"model":"x","messages":[]}"#, 404),
        (STREAM, 200),
    ] {
        client.send(&chat(body).to_bytes()).await;
        assert_eq!(client.response().await.status, status);
    }
}
