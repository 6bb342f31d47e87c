use std::fs;
use std::path::Path;

use nexus_lib::testing::{Answer, FakeProxy, FakeUpstream, RawRequest, Script, openai};

use crate::server::{Home, chat};

const SERVER_KEY: &str = "sk-canary-server-0123456789";
const CLIENT_KEY: &str = "canary-client-0123456789";
const ADMIN_TOKEN: &str = "canary-admin-0123456789";
const PROMPT: &str = "canary prompt";
const ANSWER: &str = "canary answer";
const WRONG_KEY: &str = "canary-wrong-0123456789";
const PROXY_PASSWORD: &str = "canary-proxy-0123456789";

/// Finds every file below `folder` that contains `needle`.
fn holding(folder: &Path, needle: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holding(&path, needle, found);
        } else if fs::read(&path)
            .unwrap()
            .windows(needle.len())
            .any(|part| part == needle.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
}

#[tokio::test]
async fn no_secret_and_no_message_is_in_any_file_or_output() {
    let home = Home::new();
    let refused = openai::error(&format!("{SERVER_KEY} is wrong"), "auth", "bad").to_string();
    let upstream = FakeUpstream::start(Script::each([
        Answer::json(200, openai::completion(ANSWER, 3, 1).to_string()),
        Answer::json(401, refused.clone()),
        Answer::json(500, refused),
    ]))
    .await;
    let proxy = FakeProxy::start().await;
    let proxy = proxy.with_credentials("user", PROXY_PASSWORD);
    let proxy_url = format!("http://user:{PROXY_PASSWORD}@{}", proxy.addr());
    let env = [
        ("NEXUS_ADMIN_TOKEN", ADMIN_TOKEN),
        ("NEXUS_GROK_PROXIES", &proxy_url),
    ];
    let server = home.start(&["--log-level", "trace"], &env);

    let provider = format!(
        r#"{{"name":"p","server_url":"{}","server_key":"{SERVER_KEY}","personalized_key":"{CLIENT_KEY}","proxy_url":"{proxy_url}"}}"#,
        upstream.url()
    );
    let mut shown = Vec::new();
    for request in [
        RawRequest::post("/providers").body(provider.clone()),
        RawRequest::post("/provider_models").body(r#"{"provider_id":1,"model_name":"m"}"#),
        RawRequest::get("/providers"),
        RawRequest::new("PUT", "/providers/1").body(provider),
        RawRequest::post("/providers").body(format!(r#"{{"priority":"{SERVER_KEY}"}}"#)),
        RawRequest::post("/providers").body(format!(r#"{{"name":{SERVER_KEY}}}"#)),
        RawRequest::post("/providers").body(format!(
            r#"{{"name":"p","server_url":"http://h","server_key":"","personalized_key":"k","proxy_url":"{proxy_url}/x"}}"#
        )),
    ] {
        shown.push(server.admin(&request.bearer(ADMIN_TOKEN)).await);
    }
    shown.push(server.admin(&RawRequest::get("/").bearer(WRONG_KEY)).await);
    assert_eq!(shown[1].head.status, 201, "{}", shown[1].body.text());
    let answer = server.api(&chat(CLIENT_KEY, "m", PROMPT, false)).await;
    assert!(
        answer.body.text().contains(ANSWER),
        "{}",
        answer.body.text()
    );
    for _ in 0..2 {
        let answer = server.api(&chat(CLIENT_KEY, "m", PROMPT, false)).await;
        assert!(answer.head.status >= 500);
    }
    shown.push(server.api(&chat(WRONG_KEY, "m", PROMPT, false)).await);
    shown.push(
        server
            .admin(&RawRequest::get("/stats/requests").bearer(ADMIN_TOKEN))
            .await,
    );
    assert!(!proxy.requests().is_empty(), "the password was used");
    server.signal("TERM");
    let (status, stdout) = server.ended().await;
    assert_eq!(status.code(), Some(0));

    for needle in [
        SERVER_KEY,
        CLIENT_KEY,
        ADMIN_TOKEN,
        PROMPT,
        ANSWER,
        WRONG_KEY,
        PROXY_PASSWORD,
    ] {
        let mut found = Vec::new();
        holding(home.path(), needle, &mut found);
        assert!(found.is_empty(), "{needle} is in {found:?}");
        assert!(!stdout.contains(needle), "{needle} is on stdout");
        for answer in &shown {
            assert!(
                !answer.body.text().contains(needle),
                "{needle}: {}",
                answer.body.text()
            );
        }
    }
    let mut found = Vec::new();
    holding(&home.path().join("logs"), "provider added", &mut found);
    assert_eq!(found.len(), 1, "the search finds what is there");
}
