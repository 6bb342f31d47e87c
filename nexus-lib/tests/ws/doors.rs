//! What is the same at every door: over HTTP, over WebSocket, in process and for the operator.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use http::{HeaderName, HeaderValue, Request};
use nexus_lib::call::{Attempt, Principal, Reply, Scope};
use nexus_lib::http::Body;
use nexus_lib::intake::{Authenticator, ByKey, Credentials};
use nexus_lib::testing::{Answer, RawRequest, openai};
use nexus_lib::{ChatRequest, Error, ErrorKind, Provider, Registry, Result};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::client::Client;
use crate::support::{CHAT, KEY, MODEL, PLAIN, Rig, STREAM, assert_error, chat, provider};

/// Knows users by a header, by a key that begins with `user:`, and else by the registry's keys.
struct Users;

#[async_trait]
impl Authenticator for Users {
    async fn authenticate(
        &self,
        shown: &Credentials<'_>,
        registry: &Registry,
    ) -> Result<Principal> {
        let by_header = shown
            .headers
            .get("x-user")
            .and_then(|name| name.to_str().ok());
        let key = shown.key.and_then(|key| std::str::from_utf8(key).ok());
        match by_header.or_else(|| key?.strip_prefix("user:")) {
            Some("nobody") => Err(Error::new(ErrorKind::InvalidApiKey, "nobody may not ask")),
            Some("panic") => panic!("as the test wants"),
            Some(user) => {
                // An answer that is not there at once.
                tokio::task::yield_now().await;
                let scope = Scope::everything().models(["m*"]);
                Ok(Principal::new(user, registry.grant(&scope)))
            }
            None => ByKey.authenticate(shown, registry).await,
        }
    }
}

fn question() -> ChatRequest {
    ChatRequest::new(MODEL).user("hi").key(KEY)
}

/// Whose the rows are, oldest first.
async fn clients(rig: &Rig) -> Vec<Value> {
    let mut rows = rig.rows().await;
    rows.reverse();
    rows.iter()
        .map(|row| json!([row["key_id"], row["key"]]))
        .collect()
}

#[tokio::test]
async fn users_of_the_applications_own_ask_at_every_door() {
    let rig = Rig::with(|builder| builder.authenticator(Users)).await;
    let _upstream = rig
        .add_upstream("Up", 0, openai::server(&["ok"], 1, 1))
        .await;

    let over_http = RawRequest::post(CHAT).header("x-user", "ann").body(PLAIN);
    assert_eq!(rig.ask(&over_http).await.status, 200);
    assert_eq!(rig.chat(PLAIN).await.status, 200, "keys are known as well");
    for headers in [
        &[("x-user", "ben")][..],
        &[("authorization", "Bearer user:ben")],
        &[],
    ] {
        let connected = Client::connect_with(rig.api, headers).await;
        let (mut client, _) = connected.map_err(|response| response.status()).unwrap();
        if headers.is_empty() {
            client
                .send(json!({"type": "auth", "key": "user:ben"}))
                .await;
        }
        client.chat("a", false).await;
        assert_eq!(client.frames().await.last().unwrap()["type"], "done");
    }
    let in_process = question().header(
        HeaderName::from_static("x-user"),
        HeaderValue::from_static("cat"),
    );
    rig.gateway.chat(in_process).await.unwrap();
    let expected = [
        json!([null, "ann"]),
        json!([1, "Up"]),
        json!([null, "ben"]),
        json!([null, "ben"]),
        json!([null, "ben"]),
        json!([null, "cat"]),
    ];
    assert_eq!(clients(&rig).await, expected);

    let nobody = RawRequest::post(CHAT)
        .header("x-user", "nobody")
        .body(PLAIN);
    let refused = rig.ask(&nobody).await;
    assert_eq!(refused.status, 401);
    assert_error(
        &refused.body.json(),
        "authentication_error",
        "invalid_api_key",
    );
    let connected = Client::connect_with(rig.api, &[("authorization", "Bearer user:nobody")]).await;
    assert_eq!(connected.err().unwrap().status(), 401);
    let broken = RawRequest::post(CHAT).header("x-user", "panic").body(PLAIN);
    let broken = rig.ask(&broken).await;
    assert_eq!(broken.status, 500, "its panic is an error of this request");
    assert_error(&broken.body.json(), "server_error", "internal_error");
    let list = RawRequest::get("/v1/models").header("x-user", "ann");
    let list = rig.ask(&list).await;
    assert_eq!(list.body.json()["data"][0]["id"], MODEL);
    assert_eq!(rig.rows().await.len(), 6);
}

#[tokio::test]
async fn a_principal_of_the_applications_own_may_call_what_its_scope_has() {
    let rig = Rig::start().await;
    let registry = rig.gateway.registry();
    let all = Principal::new("all", registry.grant(&Scope::everything()));
    let others = Principal::new(
        "others",
        registry.grant(&Scope::everything().models(["n*"])),
    );
    // What is registered later is in its scope as well.
    let _upstream = rig
        .add_upstream("Up", 0, openai::server(&["ok"], 1, 1))
        .await;
    let reply = rig.gateway.chat_as(&all, question()).await.unwrap();
    let refused = rig.gateway.chat_as(&others, question()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ModelNotFound);
    let mut chunks = rig.gateway.chat_stream_as(&all, question()).await.unwrap();
    while let Some(chunk) = chunks.next().await {
        chunk.unwrap();
    }
    assert_eq!(
        clients(&rig).await,
        [json!([null, "all"]), json!([null, "all"])]
    );
    let row = rig
        .read(&format!("/stats/requests/{}", reply.request_id))
        .await;
    assert_eq!(row["key"], "all");
    let totals = rig.read("/stats/total").await;
    assert_eq!(
        (&totals["requests"], &totals["by_key"]),
        (&json!(2), &json!([]))
    );
}

#[tokio::test]
async fn rows_and_sums_name_the_key_and_the_operator_is_nobody() {
    let rig = Rig::start().await;
    let _first = rig
        .add_upstream("First", 0, openai::server(&["ok"], 3, 2))
        .await;
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    let mut other = provider("Second", "http://127.0.0.1:9");
    other["personalized_key"] = "another-client-key".into();
    rig.create("/providers", other).await;
    let hello = json!({"model": MODEL, "messages": [{"role": "user", "content": "hi"}]});
    let played = rig.admin("POST", "/playground/chat", Some(hello)).await;
    assert_eq!(played.status, 200, "{}", played.body.text());
    let tested = rig.admin("POST", "/providers/1/test", None).await;
    assert_eq!(tested.body.json()["ok"], true);
    let expected = [
        json!([1, "First"]),
        json!([null, null]),
        json!([null, null]),
    ];
    assert_eq!(clients(&rig).await, expected);
    let totals = rig.read("/stats/total").await;
    let key = json!({
        "key_id": 1, "key": "First", "requests": 1, "prompt_tokens": 3, "completion_tokens": 2,
        "total_tokens": 5,
    });
    assert_eq!(totals["by_key"], json!([key]));
    assert_eq!(totals["requests"], 3);
}

#[tokio::test]
async fn calls_of_every_door_count_as_open() {
    let rig = Rig::with(|builder| builder.max_open_requests(1)).await;
    let event = openai::delta_event("a");
    let _upstream = rig
        .add_upstream("Up", 0, Answer::events(&[&event]).hang())
        .await;
    let mut socket = Client::connect(&rig).await;
    let open = rig.gateway.chat_stream(question()).await.unwrap();

    let refused = rig.chat(PLAIN).await;
    assert_eq!(refused.status, 503);
    assert_error(&refused.body.json(), "server_error", "overloaded");
    let refused = rig.gateway.chat(question()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Overloaded);
    socket.chat("a", true).await;
    assert_eq!(socket.frame().await["error"]["code"], "overloaded");
    let hello = json!({"model": MODEL, "messages": []});
    let played = rig.admin("POST", "/playground/chat", Some(hello)).await;
    assert_eq!(played.status, 503, "{}", played.body.text());
    let tested = rig.admin("POST", "/providers/1/test", None).await;
    assert_eq!(tested.body.json()["error"]["code"], "overloaded");

    drop(open);
    socket.chat("b", true).await;
    assert_eq!(socket.frame().await["type"], "chunk");
    let refused = rig.gateway.chat_stream(question()).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Overloaded);
}

#[tokio::test]
async fn clients_of_every_door_say_how_long_they_wait() {
    let rig = Rig::start().await;
    let _upstream = rig.add_upstream("Up", 0, Answer::new().hang()).await;
    let late = rig
        .gateway
        .chat(question().timeout(Duration::from_millis(50)))
        .await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-request-timeout-ms", "50"),
    ];
    let connected = Client::connect_with(rig.api, &headers).await;
    let (mut socket, _) = connected.map_err(|response| response.status()).unwrap();
    socket.chat("a", true).await;
    assert_eq!(socket.frame().await["error"]["code"], "deadline_exceeded");
    let late = rig
        .ask(&chat(STREAM).header("x-request-timeout-ms", "50"))
        .await;
    assert_eq!(late.status, 504);
}

/// Where a request comes from, as an application's middleware knows it.
#[derive(Clone, PartialEq, Debug)]
struct Tenant(u32);

/// Keeps what it finds with calls: the tenant, and the user agent.
#[derive(Clone, Default)]
struct Seeing(Arc<Mutex<Vec<Seen>>>);

/// The extension and the header that a call had.
type Seen = (Option<Tenant>, Option<String>);

#[async_trait]
impl Provider for Seeing {
    fn kind(&self) -> &'static str {
        "seeing"
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply> {
        let call = attempt.call();
        let agent = call.headers.get("user-agent");
        let agent = agent.map(|agent| agent.to_str().unwrap().to_owned());
        let tenant = call.extensions.get().cloned();
        self.0.lock().unwrap().push((tenant, agent));
        Err(Error::new(
            ErrorKind::UpstreamUnreachable,
            "as the test wants",
        ))
    }
}

#[tokio::test]
async fn what_a_request_brings_along_reaches_the_provider() {
    let seeing = Seeing::default();
    let seen = Arc::clone(&seeing.0);
    let rig = Rig::with(|builder| builder.provider(seeing)).await;
    let mut own = provider("Own", "http://own.invalid");
    own["kind"] = "seeing".into();
    let id = rig.create("/providers", own).await;
    rig.create(
        "/provider_models",
        json!({"provider_id": id, "model_name": MODEL}),
    )
    .await;

    let request = Request::post(CHAT)
        .header("authorization", format!("Bearer {KEY}"))
        .header("user-agent", "agent/1")
        .extension(Tenant(7))
        .body(Body::full(PLAIN))
        .unwrap();
    let response = rig.gateway.api().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 502);
    let agent = HeaderValue::from_static("agent/2");
    let asked = question()
        .extension(Tenant(8))
        .header(http::header::USER_AGENT, agent);
    rig.gateway.chat(asked).await.unwrap_err();
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("user-agent", "agent/3"),
    ];
    let connected = Client::connect_with(rig.api, &headers).await;
    let (mut socket, _) = connected.map_err(|response| response.status()).unwrap();
    socket.chat("a", true).await;
    assert_eq!(socket.frame().await["type"], "error");

    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    // The last candidate is asked again where all have failed.
    seen.dedup();
    let agent = |name: &str| Some(name.to_owned());
    let expected = [
        (Some(Tenant(7)), agent("agent/1")),
        (Some(Tenant(8)), agent("agent/2")),
        (None, agent("agent/3")),
    ];
    assert_eq!(seen, expected);
}
