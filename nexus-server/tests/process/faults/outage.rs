use futures_util::future::poll_immediate;
use nexus_lib::testing::{Answer, FakeUpstream, Gate, RawClient, RawRequest, Script, openai};
use rusqlite::Connection;
use serde_json::json;

use crate::server::{Home, Server, chat};

const PAUSED: &str = "pause in the middle";

/// A server, and an upstream that stops in the middle of one of its answers.
struct Rig {
    home: Home,
    server: Server,
    upstream: FakeUpstream,
    gate: Gate,
}

impl Rig {
    async fn new(home: Home, args: &[&str], env: &[(&str, &str)]) -> Self {
        let gate = Gate::new();
        let paused = gate.clone();
        let upstream = FakeUpstream::start(Script::by(move |request| {
            if request.json()["messages"][0]["content"] == PAUSED {
                let events = openai::stream_events(&["Hel", "lo"], Some((3, 1)));
                let events: Vec<&str> = events.iter().map(String::as_str).collect();
                let (first, rest) = events.split_at(1);
                return Answer::events(first).pause(&paused).sse(rest).end();
            }
            Answer::json(200, openai::completion("Hello", 3, 1).to_string())
        }))
        .await;
        let server = home.start(args, env);
        server.register(&upstream.url(), "", "key", "m").await;
        Self {
            home,
            server,
            upstream,
            gate,
        }
    }

    fn asked(&self) -> usize {
        self.upstream.requests().len()
    }

    async fn begin(&self, text: &str, stream: bool) -> RawClient {
        let mut client = RawClient::connect(self.server.api).await;
        let request = chat("key", "m", text, stream);
        client.send(&request.to_bytes()).await;
        client
    }

    /// A stream whose first event has arrived; no more follows before the gate is open.
    async fn stream(&self) -> RawClient {
        let mut client = self.begin(PAUSED, true).await;
        assert_eq!(client.head().await.status, 200);
        client.event().await.unwrap();
        client
    }

    /// Chats until one is rejected; returns those that were sent upstream before, and wait.
    async fn chat_until_refused(&self) -> Vec<RawClient> {
        let mut waiting = Vec::new();
        while waiting.len() < 16 {
            let asked = self.asked();
            let mut client = self.begin("hi", false).await;
            tokio::select! {
                head = client.head() => {
                    assert_eq!(head.status, 503);
                    assert!(head.header("retry-after").is_some());
                    assert_eq!(client.body().await.json()["error"]["code"], "ledger_unavailable");
                    return waiting;
                }
                _ = self.upstream.request(asked) => waiting.push(client),
            }
            // So is any other write, after the same time as the ledger's.
            let answer = self.server.admin(&new_model()).await;
            assert_eq!(answer.head.status, 503, "{}", answer.body.text());
            assert!(answer.head.header("retry-after").is_some());
            assert_eq!(answer.body.json()["error"]["code"], "store_unavailable");
        }
        panic!("chats are served that cannot be counted");
    }

    /// Runs through an outage that `begin` starts and `end` ends.
    async fn go_through<T>(self, begin: impl FnOnce(&Self) -> T, end: impl FnOnce(&Self, T)) {
        let mut stream = self.stream().await;
        let outage = begin(&self);
        let waiting = self.chat_until_refused().await;
        assert!(!waiting.is_empty());
        let asked = self.asked();

        // Open streams continue up to their last event, which waits for the row.
        self.gate.open();
        let text = String::from_utf8(stream.event().await.unwrap().to_vec()).unwrap();
        assert!(text.contains("lo"), "{text}");
        stream.event().await.unwrap();
        let mut last = Box::pin(stream.event());
        for _ in 0..8 {
            let answer = self.server.api(&chat("key", "m", "hi", false)).await;
            assert_eq!(answer.head.status, 503);
            assert!(
                poll_immediate(&mut last).await.is_none(),
                "not on the ledger"
            );
        }
        assert_eq!(self.asked(), asked, "nothing is sent upstream uncounted");
        let ready = self.server.admin(&RawRequest::get("/readyz")).await;
        assert_eq!(ready.head.status, 503, "requests belong elsewhere");
        // Reading continues, and so does the process.
        let totals = self.server.admin_json("/stats/total").await;
        assert_eq!(totals["requests"], 1);

        end(&self, outage);
        assert_eq!(last.await.unwrap(), openai::DONE);
        for mut client in waiting {
            let answer = client.response().await;
            assert_eq!(answer.head.status, 200, "{}", answer.body.text());
        }
        let answer = self.server.api(&chat("key", "m", "hi", false)).await;
        assert_eq!(answer.head.status, 200, "it resumes by itself");
        assert_eq!(self.server.admin_json("/readyz").await["status"], "ok");
        check_ledger(&self.server, &self.upstream).await;
        self.server.stop().await;
    }
}

/// Every request that reached the upstream is on the ledger once, with its usage.
async fn check_ledger(server: &Server, upstream: &FakeUpstream) {
    let page = server.admin_json("/stats/requests?limit=1000").await;
    let rows = page["requests"].as_array().unwrap();
    assert_eq!(rows.len(), upstream.requests().len());
    for row in rows {
        assert_eq!(row["state"], "completed", "{row}");
        assert_eq!(row["prompt_tokens"], 3, "{row}");
        assert_eq!(row["completion_tokens"], 1, "{row}");
    }
}

fn new_model() -> RawRequest {
    let model = json!({"provider_id": 1, "model_name": "another"});
    RawRequest::post("/provider_models").body(model.to_string())
}

/// Locks the database, as another writing program would, until it is dropped.
fn lock(rig: &Rig) -> Connection {
    let other = Connection::open(rig.home.path().join("data/nexus.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[tokio::test]
async fn nothing_is_lost_while_another_program_holds_the_database() {
    let rig = Rig::new(Home::new(), &[], &[]).await;
    rig.go_through(lock, |_, other| drop(other)).await;
}

/// The file size limit, as set by `ulimit -f`: the kernel itself rejects writes, and sends a signal
/// that would end the process.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_is_lost_while_files_may_not_grow() {
    use std::process::Command;
    let limit = |rig: &Rig, bytes: &str| {
        let (pid, limit) = (rig.server.pid().to_string(), format!("--fsize={bytes}:"));
        let set = Command::new("prlimit")
            .args(["--pid", &pid, &limit])
            .status();
        assert!(set.unwrap().success());
    };
    let rig = Rig::new(Home::new(), &[], &[]).await;
    rig.go_through(
        |rig| {
            let log = rig.home.path().join("data/nexus.db-wal");
            limit(rig, &log.metadata().unwrap().len().to_string());
        },
        |rig, ()| limit(rig, "unlimited"),
    )
    .await;
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[tokio::test]
async fn nothing_is_lost_while_the_disk_is_full() {
    let home = Home::new();
    let disk = crate::disk::Disk::new(&home);
    let rig = Rig::new(home, &[], &disk.env()).await;
    rig.go_through(|_| disk.fill(), |_, ()| disk.make_room())
        .await;
}

/// A server that was asked to stop while its ledger cannot be written, with a row that waits.
async fn stopping() -> (Rig, Connection) {
    let rig = Rig::new(Home::new(), &["--drain-timeout", "0"], &[]).await;
    let other = lock(&rig);
    let mut waiting = rig.chat_until_refused().await;
    rig.server.signal("TERM");
    for client in &mut waiting {
        client.closed().await;
    }
    (rig, other)
}

#[tokio::test]
async fn server_that_stops_waits_for_its_ledger() {
    let (rig, other) = stopping().await;
    let Rig {
        home,
        server,
        upstream,
        ..
    } = rig;
    drop(other);
    let (status, _) = server.ended().await;
    assert_eq!(status.code(), Some(0));
    let server = home.start(&[], &[]);
    check_ledger(&server, &upstream).await;
}

#[tokio::test]
async fn second_signal_does_not_wait_for_the_ledger() {
    let (rig, _other) = stopping().await;
    rig.server.signal("TERM");
    let (status, _) = rig.server.ended().await;
    assert_eq!(status.code(), Some(1));
}
