//! Bytes pass through unchanged; headers pass by list.

use nexus_lib::testing::{Answer, FakeUpstream, RawRequest, openai};
use serde_json::json;

use crate::support::{CHAT, KEY, PLAIN, Rig, SERVER_KEY, chat};

/// Valid JSON that no serializer would write.
const ODD: &str = "\n {\"stream\" : false,\n\t\"temperature\":1.00, \"n\" :1e0,\r\n\
    \"seed\":12345678901234567890123, \"messages\":[ {\"role\":\"user\",\
    \"content\":\"\\u4f60\\/\u{e9}\\ud83d\\ude00 \\\"model\\\":\\\"x\\\"\"}],\
    \"model\" : \"m\" , \"metadata\":{\"model\":\"decoy\"},\"unknown\":[ ] }\t\n";

#[tokio::test]
async fn a_request_goes_upstream_byte_for_byte() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    assert_eq!(rig.chat(ODD).await.status, 200);
    assert_eq!(upstream.request(0).await.body, ODD);
}

#[tokio::test]
async fn a_large_request_goes_upstream_byte_for_byte() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let text = "你好 \\n\\u0041 ".repeat(60_000);
    let body = format!(r#"{{"messages":[{{"role":"user","content":"{text}"}}], "model":"m"}}"#);
    assert_eq!(rig.chat(body.clone()).await.status, 200);
    assert!(
        upstream.request(0).await.body == body,
        "a body of {} bytes changed",
        body.len()
    );
}

#[tokio::test]
async fn an_answer_comes_back_byte_for_byte() {
    let body = "\r\n{\"id\":\"x\", \"n\" : 1.0e+2,\"choices\":[ { \"x\":1 } ],\"\\u0061\":\"\u{4f60}\\/\",\n\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}  \n";
    let (rig, _upstream) = Rig::over(Answer::json(200, body)).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.body.content, body);
}

#[tokio::test]
async fn an_answer_in_chunks_comes_back_whole() {
    let head = [
        ("content-type", "application/json"),
        ("transfer-encoding", "chunked"),
    ];
    let answer = Answer::new()
        .head(200, &head)
        .chunk("{\"choices\":")
        .chunk(" [{}]}")
        .end();
    let (rig, _upstream) = Rig::over(answer).await;
    assert_eq!(rig.chat(PLAIN).await.body.content, "{\"choices\": [{}]}");
}

#[tokio::test]
async fn an_answer_of_another_type_and_good_status_comes_back_too() {
    let body = "{\"choices\":[{\"n\":\"\u{4f60}\"}]}";
    let headers = [("content-type", "text/plain; charset=utf-8")];
    let (rig, _upstream) = Rig::over(Answer::fixed(202, &headers, body)).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 202);
    assert_eq!(
        response.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(response.body.content, body);
}

#[tokio::test]
async fn end_to_end_headers_come_back_and_no_others() {
    let headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("Retry-After", "7"),
        ("X-RateLimit-Remaining-Tokens", "-1"),
        ("openai-processing-ms", "12"),
        ("openai-organization", "org"),
        ("X-Custom", "one"),
        ("X-Custom", "two"),
        ("Connection", "keep-alive, X-Hop"),
        ("Keep-Alive", "timeout=5"),
        ("X-Hop", "1"),
        ("Proxy-Authenticate", "Basic"),
        ("Set-Cookie", "session=secret"),
        ("Authorization", "Bearer echoed"),
        ("X-Api-Key", "echoed"),
        ("X-Nexus-Provider", "someone else"),
        ("X-Conversation-Id", "someone else's"),
    ];
    let (rig, _upstream) = Rig::over(Answer::fixed(200, &headers, "{\"choices\":[{}]}")).await;
    let response = rig.chat(PLAIN).await;
    for (name, value) in &headers[..5] {
        assert_eq!(response.header(name), Some(*value), "{name}");
    }
    let custom = response
        .headers
        .iter()
        .filter(|(name, _)| name == "x-custom");
    assert_eq!(
        custom.map(|(_, value)| value).collect::<Vec<_>>(),
        ["one", "two"]
    );
    for name in [
        "keep-alive",
        "x-hop",
        "proxy-authenticate",
        "set-cookie",
        "authorization",
        "x-api-key",
    ] {
        assert_eq!(response.header(name), None, "{name}");
    }
    assert_eq!(response.header("x-nexus-provider"), Some("Fake"));
    assert_ne!(response.header("x-conversation-id"), Some("someone else's"));
    assert_eq!(response.header("content-length"), Some("16"));
}

#[tokio::test]
async fn headers_of_a_stream_come_back_too() {
    let head = [
        ("content-type", "text/event-stream"),
        ("transfer-encoding", "chunked"),
        ("x-ratelimit-limit-requests", "9"),
        ("set-cookie", "a=b"),
    ];
    let answer = Answer::new()
        .head(200, &head)
        .sse(&[&openai::delta_event("x"), openai::DONE])
        .end();
    let (rig, _upstream) = Rig::over(answer).await;
    let response = rig.chat(crate::support::STREAM).await;
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert_eq!(response.header("x-ratelimit-limit-requests"), Some("9"));
    assert_eq!(response.header("set-cookie"), None);
}

#[tokio::test]
async fn client_headers_do_not_leak_upstream() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let harmless = [
        ("user-agent", "sdk/1.2"),
        ("openai-beta", "assistants=v2"),
        ("anthropic-beta", "tools"),
        ("idempotency-key", "k1"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
    ];
    let private = [
        ("cookie", "a=b"),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("origin", "https://example.com"),
        ("referer", "https://example.com/x"),
        ("openai-organization", "org-of-someone"),
        ("openai-project", "proj"),
        ("x-api-key", "other"),
        ("x-conversation-id", "c1"),
        ("x-unknown", "1"),
        ("accept-encoding", "gzip"),
        ("proxy-authorization", "Basic eA=="),
    ];
    let mut request = chat(PLAIN);
    for (name, value) in harmless.iter().chain(&private) {
        request = request.header(name, value);
    }
    assert_eq!(rig.ask(&request).await.status, 200);

    let seen = upstream.request(0).await;
    for (name, value) in &harmless {
        assert_eq!(seen.header(name), Some(*value));
    }
    let bearer = format!("Bearer {SERVER_KEY}");
    assert_eq!(seen.header("authorization"), Some(&*bearer));
    assert_eq!(seen.header("host"), Some(&*upstream.addr().to_string()));
    let own = [
        "accept",
        "authorization",
        "accept-encoding",
        "content-length",
        "content-type",
        "host",
        // With these the gateway recognises a request that comes back to it.
        "via",
        "x-nexus-hop",
    ];
    let mut expected: Vec<_> = own
        .into_iter()
        .chain(harmless.map(|(name, _)| name))
        .collect();
    expected.sort_unstable();
    assert_eq!(seen.header_names(), expected);
    assert!(!String::from_utf8_lossy(&seen.raw_head).contains(KEY));
}

#[tokio::test]
async fn a_provider_without_a_key_is_sent_none() {
    let rig = Rig::start().await;
    let upstream = FakeUpstream::start(openai::server(&["ok"], 1, 1)).await;
    let provider = json!({
        "name": "local", "server_url": upstream.url(), "server_key": "", "personalized_key": KEY,
    });
    let id = rig.create("/providers", provider).await;
    rig.create(
        "/provider_models",
        json!({"provider_id": id, "model_name": "m"}),
    )
    .await;
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    assert_eq!(upstream.request(0).await.header("authorization"), None);
}

#[tokio::test]
async fn the_model_is_spliced_where_the_upstream_calls_it_otherwise() {
    let rig = Rig::start().await;
    let upstream = FakeUpstream::start(openai::server(&["ok"], 1, 1)).await;
    let id = rig.add_provider("Fake", &upstream.url(), 0).await;
    let model = json!({
        "provider_id": id, "model_name": "alias", "upstream_model": "org/\"名\"\\x",
    });
    rig.create("/provider_models", model).await;

    let body = ODD.replacen("\"model\" : \"m\"", "\"model\" : \"al\\u0069as\"", 1);
    let response = rig.chat(body).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    let sent = upstream.request(0).await;
    assert_eq!(sent.json()["model"], "org/\"名\"\\x");
    // Everything except the name is unchanged.
    let (before, after) = ODD.split_once("\"m\"").unwrap();
    let sent = std::str::from_utf8(&sent.body).unwrap();
    assert!(sent.starts_with(before) && sent.ends_with(after), "{sent}");
    let row = rig.row(&response).await;
    assert_eq!(
        (&row["model"], &row["upstream_model"]),
        (&json!("alias"), &json!("org/\"名\"\\x"))
    );
}

#[tokio::test]
async fn a_second_model_field_cannot_smuggle_another_model_past_the_check() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    for body in [
        r#"{"model":"m","messages":[],"model":"forbidden"}"#,
        r#"{"model":"forbidden","messages":[],"model":"m"}"#,
        r#"{"model":"m","messages":[],"\u006dodel":"forbidden"}"#,
    ] {
        rig.chat(body).await;
    }
    for request in upstream.requests() {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        // Parsers use the last of two, and so does this one.
        assert_eq!(request.json()["model"], "m", "{body}");
    }
}

#[tokio::test]
async fn the_path_without_a_version_is_the_same_route() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    let request = RawRequest::post("/chat/completions")
        .bearer(KEY)
        .body(PLAIN);
    assert_eq!(rig.ask(&request).await.status, 200);
    assert_eq!(upstream.request(0).await.target, CHAT);
    assert_eq!(upstream.request(0).await.method, "POST");
}

#[tokio::test]
async fn a_base_url_is_joined_by_its_own_rules() {
    let rig = Rig::start().await;
    let upstream = FakeUpstream::start(openai::server(&["ok"], 1, 1)).await;
    let id = rig.add_provider("Fake", &upstream.url(), 0).await;
    let cases = [
        ("", "/v1/chat/completions"),
        ("/api", "/api/v1/chat/completions"),
        ("/api/", "/api/chat/completions"),
        ("/x/y#", "/x/y"),
        ("/v1beta/openai", "/v1beta/openai/chat/completions"),
        ("/api/paas/v4", "/api/paas/v4/chat/completions"),
    ];
    for (index, (path, joined)) in cases.into_iter().enumerate() {
        let url = format!("http://{}{path}", upstream.addr());
        let update = json!({"name": "Fake", "server_url": url});
        let route = format!("/providers/{id}");
        assert_eq!(rig.admin("PUT", &route, Some(update)).await.status, 200);
        assert_eq!(rig.chat(PLAIN).await.status, 200);
        assert_eq!(upstream.request(index).await.target, joined, "{path}");
    }
}
