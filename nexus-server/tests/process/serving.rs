use nexus_lib::testing::{Answer, FakeProxy, FakeUpstream, Gate, RawClient, RawRequest, openai};

use crate::server::{Home, chat};

#[tokio::test]
async fn both_ports_answer_at_the_addresses_that_were_printed() {
    let home = Home::new();
    let server = home.start(&[], &[]);
    let health = RawRequest::get("/healthz");
    assert_eq!(server.admin(&health).await.head.status, 200);
    assert_eq!(server.api(&health).await.head.status, 200);
    assert_eq!(server.admin_json("/readyz").await["status"], "ok");
}

#[tokio::test]
async fn demo_answers_and_is_accounted_for() {
    let home = Home::new();
    let server = home.start(&["--demo"], &[]);
    let answer = server
        .api(&chat("demo-key", "nexus-echo", "hello", false))
        .await;
    assert_eq!(answer.head.status, 200, "{}", answer.body.text());
    let text = answer.body.json()["choices"][0]["message"]["content"].to_string();
    assert!(text.contains("hello"), "{text}");
    let rows = server.admin_json("/stats/requests").await;
    assert_eq!(rows["requests"][0]["state"], "completed");
    assert_eq!(rows["requests"][0]["provider"], "demo");
}

#[tokio::test]
async fn grok_goes_by_its_proxies() {
    let upstream = FakeUpstream::start(openai::server(&["hi"], 3, 1)).await;
    let proxy = FakeProxy::start().await;
    let home = Home::new();
    let server = home.start(&["--grok-proxies", &proxy.url("socks5")], &[]);
    for (model, proxied) in [("llama", 0), ("grok-4", 1)] {
        let (url, key) = (upstream.url(), format!("key-{model}"));
        server
            .register(&url, "sk-0123456789abcdef", &key, model)
            .await;
        let answer = server.api(&chat(&key, model, "hello", false)).await;
        assert_eq!(answer.head.status, 200, "{}", answer.body.text());
        assert_eq!(proxy.requests().len(), proxied, "{model}");
    }
}

#[tokio::test]
async fn restart_keeps_the_registry_and_adds_no_second_demo() {
    let home = Home::new();
    let upstream = FakeUpstream::start(openai::server(&["hi"], 3, 1)).await;
    let server = home.start(&["--demo"], &[]);
    let url = upstream.url();
    server
        .register(&url, "sk-0123456789abcdef", "client-key", "m")
        .await;
    let before = server.admin_json("/providers").await;
    server.stop().await;

    let server = home.start(&["--demo"], &[]);
    assert_eq!(server.admin_json("/providers").await, before);
    assert_eq!(before["providers"].as_array().unwrap().len(), 2);
    let answer = server.api(&chat("client-key", "m", "hello", false)).await;
    assert_eq!(answer.head.status, 200, "{}", answer.body.text());
    let sent = upstream.request(0).await;
    let key = sent
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    assert_eq!(key.unwrap().1, "Bearer sk-0123456789abcdef");
}

#[tokio::test]
async fn admin_token_is_asked_for() {
    let env = [("NEXUS_ADMIN_TOKEN", "token")];
    let home = Home::new();
    let server = home.start(&[], &env);
    let list = RawRequest::get("/providers");
    assert_eq!(server.admin(&list).await.head.status, 401);
    assert_eq!(server.admin(&list.bearer("token")).await.head.status, 200);
    assert_eq!(
        server.admin(&RawRequest::get("/healthz")).await.head.status,
        200
    );
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let home = Home::new();
    let server = home.start(&[], &[]);
    let mut client = RawClient::connect(server.admin).await;
    client
        .send(&RawRequest::new("HEAD", "/providers").to_bytes())
        .await;
    let head = client.head().await;
    assert_eq!(head.status, 200);
    let length = r#"{"providers":[]}"#.len().to_string();
    assert_eq!(head.header("content-length"), Some(length.as_str()));
    client.send(&RawRequest::get("/healthz").to_bytes()).await;
    assert_eq!(client.head().await.status, 200, "nothing lies between");
}

#[tokio::test]
async fn heads_that_are_too_big_are_refused() {
    let home = Home::new();
    let server = home.start(&[], &[]);
    let long = |bytes| RawRequest::get("/healthz").header("x-bomb", &"x".repeat(bytes));
    let many = (0..200).fold(RawRequest::get("/healthz"), |request, index| {
        request.header(&format!("x-bomb-{index}"), "x")
    });
    let just_fits = 64 * 1024 - long(0).to_bytes().len();
    for port in [server.admin, server.api] {
        let fitting = RawClient::exchange(port, &long(just_fits)).await;
        assert_eq!(fitting.head.status, 200);
        for request in [&long(just_fits + 1), &long(256 * 1024), &many] {
            let refused = RawClient::exchange(port, request).await;
            assert_eq!(refused.head.status, 431);
            assert_eq!(refused.body.json()["error"]["code"], "request_too_large");
        }
    }
}

#[tokio::test]
async fn json_that_is_nested_too_deeply_is_refused() {
    let home = Home::new();
    let server = home.start(&["--demo"], &[]);
    let open = "[".repeat(1 << 20);
    let closed = "[".repeat(500_000) + &"]".repeat(500_000);
    for deep in [open, closed] {
        let body = format!(r#"{{"model":"nexus-echo","messages":{deep}}}"#);
        let chat = RawRequest::post("/v1/chat/completions").bearer("demo-key");
        assert_eq!(server.api(&chat.body(body)).await.head.status, 400);
        let provider = RawRequest::post("/providers").body(format!(r#"{{"name":{deep}}}"#));
        let status = server.admin(&provider).await.head.status;
        assert!(matches!(status, 400 | 413 | 422), "{status}");
    }
    let answer = server
        .api(&chat("demo-key", "nexus-echo", "hi", false))
        .await;
    assert_eq!(answer.head.status, 200);
}

#[tokio::test]
async fn body_limit_is_set_in_mebibytes() {
    let home = Home::new();
    let server = home.start(&["--demo", "--max-body-mib", "1"], &[]);
    let text = "x".repeat(1024 * 1024);
    let answer = server
        .api(&chat("demo-key", "nexus-echo", &text, false))
        .await;
    assert_eq!(answer.head.status, 413);
}

#[tokio::test]
async fn chats_beyond_the_limit_are_refused() {
    let (home, gate) = (Home::new(), Gate::new());
    let body = openai::completion("hi", 3, 1).to_string();
    let json = Answer::new().pause(&gate).head(
        200,
        &[
            ("content-type", "application/json"),
            ("content-length", &body.len().to_string()),
        ],
    );
    let upstream = FakeUpstream::start(json.bytes(body)).await;
    let server = home.start(&["--max-open-requests", "1"], &[]);
    server.register(&upstream.url(), "", "key", "m").await;
    let mut first = RawClient::connect(server.api).await;
    first.send(&chat("key", "m", "hi", false).to_bytes()).await;
    upstream.request(0).await;
    let second = server.api(&chat("key", "m", "hi", false)).await;
    assert_eq!(second.head.status, 503);
    assert_eq!(second.head.header("retry-after"), Some("1"));
    assert_eq!(second.body.json()["error"]["code"], "overloaded");
    gate.open();
    assert_eq!(first.response().await.head.status, 200);
}

#[tokio::test]
async fn pages_of_given_origins_may_call_the_llm_port() {
    let origin = "https://chat.example.com";
    let preflight = |origin| {
        RawRequest::new("OPTIONS", "/v1/chat/completions")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
    };
    let home = Home::new();
    let server = home.start(&["--cors-origin", origin, "--demo"], &[]);
    let answer = server.api(&preflight(origin)).await;
    assert_eq!(
        answer.head.header("access-control-allow-origin"),
        Some(origin)
    );
    let allowed = answer.head.header("access-control-allow-headers");
    assert!(allowed.is_some_and(|names| names.contains("authorization")));
    let answer = server
        .api(&chat("demo-key", "nexus-echo", "hi", false).header("origin", origin))
        .await;
    assert_eq!(answer.head.status, 200);
    let exposed = answer.head.header("access-control-expose-headers").unwrap();
    for name in ["x-request-id", "x-conversation-id", "x-nexus-provider"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    let foreign = server.api(&preflight("https://evil.example")).await;
    assert_eq!(foreign.head.header("access-control-allow-origin"), None);

    let closed = Home::new().start(&[], &[]);
    let answer = closed.api(&preflight(origin)).await;
    assert_eq!(answer.head.header("access-control-allow-origin"), None);
}

/// Following the README after the demo leads to a model of the new provider.
#[tokio::test]
async fn steps_of_the_readme_work_behind_the_demo() {
    for readme in [
        include_str!("../../../README.md"),
        include_str!("../../../README.zh-CN.md"),
    ] {
        let home = Home::new();
        let server = home.start(&["--demo"], &[]);
        for route in ["/providers", "/provider_models"] {
            let command = format!("curl http://127.0.0.1:8000{route} \\\n");
            let (_, behind) = readme.split_once(&command).unwrap();
            let (_, body) = behind.split_once("-d '").unwrap();
            let (body, _) = body.split_once('\'').unwrap();
            let request = RawRequest::post(route).body(body.to_owned());
            let answer = server.admin(&request).await;
            assert_eq!(answer.head.status, 201, "{}", answer.body.text());
        }
        let models = server.admin_json("/providers/2/models").await;
        assert_eq!(models["models"][0]["model_name"], "gpt-4");
        let demo = server.admin_json("/providers/1/models").await;
        assert_eq!(demo["models"].as_array().unwrap().len(), 1, "{demo}");
    }
}
