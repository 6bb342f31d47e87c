//! Keys never appear: not in answers, errors, logs or files.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use nexus_lib::testing::{
    Answer, FakeProxy, FakeUpstream, RawRequest, RawResponse, Script, openai, refused_addr,
};
use serde_json::json;

use crate::support::{CHAT, KEY, PLAIN, Rig, SERVER_KEY, STREAM, chat, short};

const PROXY_PASSWORD: &str = "proxy-password-0123456789abcdef";

/// Checks that the keys and the password are absent, except for the ends of them.
fn assert_no_secret(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for key in [KEY, SERVER_KEY, PROXY_PASSWORD] {
        let inside = &key[6..key.len() - 6];
        assert!(!text.contains(inside), "{place} shows a key: {text}");
    }
}

fn assert_clean(response: &RawResponse) {
    assert_no_secret("a head", &response.head.raw);
    assert_no_secret("a body", &response.body.raw);
}

fn read_files(folder: &Path, read: &mut impl FnMut(&Path, Vec<u8>)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_files(&path, read);
        } else {
            read(&path, std::fs::read(&path).unwrap());
        }
    }
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Answers in turn: a success, a stream, rejected credentials, an interrupted stream, and garbage.
fn moody() -> Script {
    let cut = Answer::events(&[&openai::delta_event("x")]).cut();
    Script::each([
        Answer::json(200, openai::completion("x", 1, 1).to_string()),
        Answer::json(401, "{}"),
        cut,
        Answer::new().bytes("nonsense\r\n\r\n").cut(),
        Answer::new().hang(),
        Answer::json(500, "{}"),
    ])
}

#[tokio::test]
async fn keys_are_nowhere_to_be_seen() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let rig = Rig::with_timeouts(short()).await;
    let upstream = FakeUpstream::start(moody()).await;
    let provider = json!({
        "name": "Fake", "server_url": upstream.url(), "server_key": SERVER_KEY, "personalized_key": KEY,
        "description": "d",
    });
    let created = rig
        .admin("POST", "/providers", Some(provider.clone()))
        .await;
    assert_eq!(created.status, 201);
    assert_clean(&created);
    rig.create(
        "/provider_models",
        json!({"provider_id": 1, "model_name": "m"}),
    )
    .await;

    for body in [
        PLAIN,
        PLAIN,
        STREAM,
        PLAIN,
        PLAIN,
        PLAIN,
        "{",
        r#"{"model":"x","messages":[]}"#,
    ] {
        assert_clean(&rig.chat(body).await);
    }
    let gone = json!({"name": "Fake", "server_url": format!("http://{}", refused_addr().await)});
    assert_clean(&rig.admin("PUT", "/providers/1", Some(gone)).await);
    assert_clean(&rig.chat(PLAIN).await);

    // A misplaced key must not appear in the error about it.
    assert_clean(
        &rig.ask(&chat(PLAIN).header("x-conversation-id", &format!("{KEY} {KEY}")))
            .await,
    );
    assert_clean(
        &rig.ask(
            &RawRequest::post(CHAT)
                .bearer(&format!("{KEY}x"))
                .body(PLAIN),
        )
        .await,
    );
    let mut wrong = provider.clone();
    wrong["server_url"] = json!(format!("ftp://{SERVER_KEY}@host/"));
    assert_clean(&rig.admin("POST", "/providers", Some(wrong)).await);
    let mut wrong = provider;
    wrong["server_key"] = json!([SERVER_KEY]);
    assert_clean(&rig.admin("POST", "/providers", Some(wrong)).await);

    // Nor a proxy's password, whether it is accepted, rejected, or sent to the proxy.
    let proxy = FakeProxy::start().await;
    let proxy = proxy.with_credentials("user", PROXY_PASSWORD);
    let addr = proxy.addr();
    let by = |list: &str| {
        let list = list.replace("SECRET", PROXY_PASSWORD);
        json!({"name": "Fake", "server_url": upstream.url(), "proxy_url": list})
    };
    let dead = refused_addr().await;
    for (list, status) in [
        (format!("http://user:SECRET@{addr}"), 200),
        (format!("socks5h://user:SECRET@{addr}"), 200),
        (
            format!("socks5://user:SECRET@{dead},http://SECRET@{dead}"),
            200,
        ),
        ("ftp://user:SECRET@proxy.example".to_owned(), 422),
        ("user:SECRET@proxy.example".to_owned(), 422),
        ("http://user:SECRET@proxy.example/x".to_owned(), 422),
        ("http://user:SECRET%@proxy.example".to_owned(), 422),
    ] {
        let changed = rig.admin("PUT", "/providers/1", Some(by(&list))).await;
        assert_eq!(changed.status, status, "{}", changed.body.text());
        assert_clean(&changed);
        for _ in 0..2 {
            assert_clean(&rig.chat(PLAIN).await);
        }
    }
    assert!(proxy.requests().len() >= 2, "the password was used");

    for route in [
        "/providers",
        "/providers/1",
        "/providers/1/models",
        "/stats/total",
        "/stats/requests",
    ] {
        let response = rig.admin("GET", route, None).await;
        assert_eq!(response.status, 200, "{route}");
        assert_clean(&response);
    }
    let shown = rig.read("/providers/1").await;
    assert_eq!(shown["server_key"], "sk-…cdef");

    let error = rig
        .gateway
        .chat(nexus_lib::ChatRequest::new("x").user("hi").key(KEY))
        .await;
    let error = error.unwrap_err();
    assert_no_secret(
        "an error",
        format!("{error} {error:?} {}", error.report()).as_bytes(),
    );

    let mut files = 0;
    let mut clean = |path: &Path, bytes: Vec<u8>| {
        files += 1;
        assert_no_secret(&path.display().to_string(), &bytes);
    };
    read_files(rig.folder(), &mut clean);
    rig.gateway.close().await.unwrap();
    read_files(rig.folder(), &mut clean);
    assert!(files >= 2, "the store has written files");

    let log = log.0.lock().unwrap();
    assert!(!log.is_empty(), "the gateway logs something");
    assert_no_secret("the log", &log);
}
