//! What an application that embeds the library may do, and what it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use nexus_lib::call::{
    Attempt, Call, ClosedCall, Observed, Piece, Principal, Reply, ReplyBody, Routed,
};
use nexus_lib::http::{AdminService, ApiService, Body, Sockets};
use nexus_lib::observe::{CooldownStarted, FailedAttempt, LedgerCommit, Observer};
use nexus_lib::testing::{Answer, DEADLINE, openai};
use nexus_lib::wire::Operation;
use nexus_lib::{
    ChatReply, ChatRequest, ChatStream, Error, ErrorKind, Gateway, GatewayBuilder, Provider,
    ProviderSpec, Registry, Result, SqliteStore, Transport, UsageLedger,
};
use serde_json::json;

use crate::support::{Append, KEY, MODEL, PLAIN, Rig, STREAM, assert_error, provider};

/// Panics in every method, after counting the call.
#[derive(Clone, Default)]
struct Panicking(Arc<AtomicUsize>);

impl Panicking {
    fn panic(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("an observer of the test panics");
    }
}

impl Observer for Panicking {
    fn call_settled(&self, _: &ClosedCall) {
        self.panic();
    }
    fn stream_began(&self) {
        self.panic();
    }
    fn attempt_failed(&self, _: &FailedAttempt<'_>) {
        self.panic();
    }
    fn cooldown_started(&self, _: &CooldownStarted<'_>) {
        self.panic();
    }
    fn ledger_committed(&self, _: &LedgerCommit) {
        self.panic();
    }
}

/// Counts events.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Observer for Counting {
    fn call_settled(&self, _: &ClosedCall) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn observers_that_panic_cost_no_call_and_no_row() {
    let (panicking, counting) = (Panicking::default(), Counting::default());
    let (bad, good) = (panicking.clone(), counting.clone());
    let rig = Rig::with(|builder| builder.observer(bad).observer(good)).await;
    // Each kind of event: a failed attempt, a whole answer, a stream, an interrupted one, an
    // estimate.
    let _down = rig
        .add_upstream(
            "Down",
            0,
            Answer::json(500, r#"{"error":{"message":"down"}}"#),
        )
        .await;
    let answers = |index: usize| match index {
        0 => Answer::json(200, openai::completion("Hello", 3, 1).to_string()),
        1 => Answer::events(&[&openai::delta_event("Hi"), openai::DONE]).end(),
        2 => Answer::events(&[&openai::delta_event("Hi")]).cut(),
        _ => Answer::json(200, openai::completion("Hello", 3, 1).to_string()),
    };
    let asked = AtomicUsize::new(0);
    let script =
        nexus_lib::testing::Script::by(move |_| answers(asked.fetch_add(1, Ordering::SeqCst)));
    let _upstream = rig.add_upstream("Up", 1, script).await;
    for (body, state) in [
        (PLAIN, "completed"),
        (STREAM, "completed"),
        (STREAM, "failed"),
        (PLAIN, "completed"),
    ] {
        let response = rig.chat(body).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        assert_eq!(rig.row(&response.head).await["state"], state);
    }
    assert_eq!(rig.rows().await.len(), 4);
    assert_eq!(counting.0.load(Ordering::SeqCst), 4, "the others are told");
    assert!(panicking.0.load(Ordering::SeqCst) >= 13, "each time");
    assert_eq!(rig.admin("GET", "/readyz", None).await.status, 200);
    rig.close().await;
}

#[tokio::test]
async fn store_that_panics_is_an_outage_and_no_end() {
    let rig = Rig::appending([Append::Panics]).await;
    let upstream = rig
        .add_upstream("Fake", 0, openai::server(&["a"], 3, 2))
        .await;
    let began = tokio::time::Instant::now();
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 503);
    assert_error(&response.body.json(), "server_error", "ledger_unavailable");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "nobody waits for it"
    );
    // It panicked once: the next try writes the row, and other requests are served.
    let served = async {
        while rig.chat(PLAIN).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, served).await.unwrap();
    assert_eq!(rig.admin("GET", "/readyz", None).await.status, 200);
    let rows = rig.rows().await;
    assert_eq!(rows.len(), upstream.requests().len(), "none is lost");
}

#[tokio::test]
async fn store_that_panics_for_good_makes_the_gateway_unready() {
    let rig = Rig::appending(vec![Append::Panics; 1000]).await;
    let upstream = rig
        .add_upstream("Fake", 0, openai::server(&["a"], 3, 2))
        .await;
    for _ in 0..3 {
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, 503);
        assert_error(&response.body.json(), "server_error", "ledger_unavailable");
    }
    assert_eq!(upstream.requests().len(), 1, "nothing more is sent");
    let ready = rig.admin("GET", "/readyz", None).await;
    assert_eq!(ready.status, 503);
    assert_error(&ready.body.json(), "server_error", "ledger_unavailable");
    assert!(ready.header("retry-after").is_some());
}

/// A provider that panics at one point of its work.
#[derive(Clone, Copy)]
enum Broken {
    Speaks,
    Sends,
    Streams,
    /// After its first piece.
    StreamsOn,
}

#[async_trait]
impl Provider for Broken {
    fn kind(&self) -> &'static str {
        "broken"
    }

    fn speaks(&self, operation: Operation) -> bool {
        // The gateway also calls it while it is built.
        let is_built = BUILT.with(std::cell::Cell::get);
        assert!(
            !is_built || !matches!(self, Self::Speaks),
            "as the test wants"
        );
        operation == Operation::ChatCompletion
    }

    async fn send(&self, _: Attempt) -> Result<Reply> {
        assert!(!matches!(self, Self::Sends), "as the test wants");
        let first = match self {
            Self::StreamsOn => Some(Ok(Piece::new(
                openai::delta_event("Hi"),
                Observed::default(),
            ))),
            _ => None,
        };
        let pieces = stream::iter(first).chain(stream::once(async {
            assert_eq!(1, 2, "as the test wants");
            Ok(Piece::default())
        }));
        let events = http::HeaderValue::from_static("text/event-stream");
        Ok(Reply::new(
            http::StatusCode::OK,
            http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, events)]),
            ReplyBody::Stream(pieces.boxed()),
        ))
    }
}

thread_local! {
    static BUILT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// A gateway whose first candidate panics like this.
async fn broken(how: Broken) -> Rig {
    BUILT.with(|built| built.set(false));
    let rig = Rig::with(|builder| builder.provider(how)).await;
    BUILT.with(|built| built.set(true));
    let mut broken = provider("Broken", "http://broken.invalid");
    broken["kind"] = "broken".into();
    let id = rig.create("/providers", broken).await;
    let model = json!({"provider_id": id, "model_name": MODEL});
    rig.create("/provider_models", model).await;
    rig
}

#[tokio::test]
async fn provider_that_panics_has_failed_and_the_next_is_asked() {
    for how in [Broken::Sends, Broken::Speaks] {
        let rig = broken(how).await;
        let alone = rig.chat(PLAIN).await;
        assert_eq!(alone.status, 502, "{}", alone.body.text());
        assert_eq!(rig.row(&alone.head).await["state"], "failed");
        let _upstream = rig
            .add_upstream("Sound", 1, openai::server(&["a"], 3, 2))
            .await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        assert_eq!(response.header("x-nexus-provider"), Some("Sound"));
    }
}

#[tokio::test]
async fn stream_that_panics_is_broken_off_and_settled() {
    for (how, begun) in [(Broken::Streams, false), (Broken::StreamsOn, true)] {
        let rig = broken(how).await;
        let response = rig.chat(STREAM).await;
        let text = response.body.text();
        assert_eq!(text.contains("Hi"), begun, "{text}");
        assert!(text.contains("stream_interrupted"), "{text}");
        assert!(!text.contains("[DONE]"), "{text}");
        assert_eq!(rig.row(&response.head).await["state"], "failed");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// An in-memory gateway with the demo model.
async fn demo_gateway() -> Gateway {
    let store = SqliteStore::in_memory().await.unwrap();
    let gateway = Gateway::builder(store).build().await.unwrap();
    let spec = ProviderSpec::new("Demo", "http://demo.invalid", "", KEY).kind("demo");
    gateway.registry().ensure(spec, [MODEL]).await.unwrap();
    gateway
}

fn question() -> ChatRequest {
    ChatRequest::new(MODEL).user("hi").key(KEY)
}

#[test]
fn gateway_outlives_the_runtime_that_it_was_built_on() {
    let gateway = runtime().block_on(demo_gateway());
    // Like several `#[tokio::test]` functions with a static gateway: each has its own runtime.
    for round in 1..=3 {
        runtime().block_on(async {
            let chats = async {
                gateway.chat(question()).await.unwrap();
                let mut chunks = gateway.chat_stream(question()).await.unwrap();
                while let Some(chunk) = chunks.next().await {
                    chunk.unwrap();
                }
            };
            tokio::time::timeout(DEADLINE, chats)
                .await
                .expect("no call hangs");
            let totals = gateway.ledger().totals(Default::default()).await.unwrap();
            assert_eq!(totals.requests, 2 * round);
        });
    }
    runtime().block_on(async {
        let closed = tokio::time::timeout(DEADLINE, gateway.close());
        closed.await.expect("it does not hang").unwrap();
        let refused = gateway.chat(question()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Closed);
    });
}

#[test]
fn connections_of_a_runtime_that_ended_are_not_used_again() {
    let servers = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let upstream = servers.block_on(nexus_lib::testing::FakeUpstream::start(openai::server(
        &["a"],
        3,
        2,
    )));
    let gateway = runtime().block_on(async {
        let store = SqliteStore::in_memory().await.unwrap();
        let gateway = Gateway::builder(store).build().await.unwrap();
        let spec = ProviderSpec::new("Up", upstream.url(), "sk", KEY);
        gateway.registry().ensure(spec, [MODEL]).await.unwrap();
        gateway.chat(question()).await.unwrap();
        gateway
    });
    for _ in 0..3 {
        let chat = async { tokio::time::timeout(DEADLINE, gateway.chat(question())).await };
        runtime().block_on(chat).expect("no call hangs").unwrap();
    }
}

#[tokio::test]
async fn refusals_of_a_provider_keep_their_status_and_code() {
    let refusal = |status, body: &str, head: &str| {
        Answer::new().bytes(format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{head}content-length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    let bad = r#"{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
    let limited = r#"{"error":{"message":"slow down","code":429}}"#;
    for stream in [false, true] {
        for (answer, status, code, param, wait) in [
            (
                refusal(400, bad, ""),
                400,
                Some("context_length_exceeded"),
                Some("messages"),
                None,
            ),
            (
                refusal(429, limited, "retry-after: 7\r\n"),
                429,
                Some("429"),
                None,
                Some(7),
            ),
            (refusal(418, "no JSON", ""), 418, None, None, None),
        ] {
            let (rig, _upstream) = Rig::over(answer).await;
            let error = match stream {
                false => rig.gateway.chat(question()).await.err(),
                true => rig.gateway.chat_stream(question()).await.err(),
            };
            let error = error.expect("a refusal");
            assert_eq!(error.kind(), ErrorKind::UpstreamRefused);
            let refused = error.upstream().expect("how it refused");
            assert_eq!(refused.status, status);
            assert_eq!(refused.code.as_deref(), code);
            assert_eq!(refused.param.as_deref(), param);
            assert_eq!(error.retry_after().map(|wait| wait.as_secs()), wait);
            assert_eq!(refused.retry_after, error.retry_after());
        }
    }
    // The gateway's own credentials were rejected: the client's error says so, this one says how.
    let (rig, _upstream) = Rig::over(refusal(401, bad, "")).await;
    let error = rig.gateway.chat(question()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpstreamAuth);
    assert_eq!(error.upstream().expect("how it refused").status, 401);
    let unknown = Rig::start()
        .await
        .gateway
        .chat(question())
        .await
        .unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::InvalidApiKey);
    assert!(unknown.upstream().is_none(), "no provider said that");
}

/// Fails to compile if something cannot be shared between threads.
#[test]
fn what_frameworks_mount_is_send_and_sync() {
    fn shared<T: Send + Sync>() {}
    shared::<Body>();
    shared::<ChatStream>();
    shared::<http::Response<Body>>();
    shared::<Gateway>();
    shared::<GatewayBuilder>();
    shared::<Registry>();
    shared::<UsageLedger>();
    shared::<Transport>();
    shared::<Sockets>();
    shared::<Principal>();
    shared::<Call>();
    shared::<Routed>();
    shared::<Attempt>();
    shared::<ClosedCall>();
    shared::<ChatReply>();
    shared::<ChatRequest>();
    shared::<AdminService>();
    shared::<ApiService<nexus_lib::gateway::Stack>>();
    shared::<Error>();
}
