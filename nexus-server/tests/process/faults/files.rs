//! Files that are removed while a server runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nexus_lib::testing::{DEADLINE, RawRequest, RawResponse};

use crate::server::{Home, Server, chat};

const DEMO: &[&str] = &["--demo"];
const ARCHIVED: &[&str] = &["--demo", "--archive-messages"];

async fn ask(server: &Server) -> RawResponse {
    let question = chat("demo-key", "nexus-echo", "hi", false);
    server.api(&question).await
}

/// Chats until one is answered with `status`.
async fn until(server: &Server, status: u16) -> RawResponse {
    let asking = async {
        loop {
            let answer = ask(server).await;
            if answer.head.status == status {
                return answer;
            }
            assert!(
                matches!(answer.head.status, 200 | 503),
                "{}",
                answer.body.text()
            );
        }
    };
    // A failing archive is retried for ten seconds.
    let asked = tokio::time::timeout(DEADLINE, asking).await;
    asked.unwrap_or_else(|_| panic!("no chat is answered with {status}"))
}

/// Chats are rejected, and the readiness probe fails.
async fn assert_stopped(server: &Server) {
    let refused = until(server, 503).await;
    let ready = server.admin(&RawRequest::get("/readyz")).await;
    assert_eq!(ready.head.status, 503, "{}", ready.body.text());
    for answer in [refused, ready] {
        assert_eq!(answer.body.json()["error"]["code"], "ledger_unavailable");
        assert!(answer.head.header("retry-after").is_some());
    }
    let health = health(server);
    assert_eq!(health.status.code(), Some(1), "{health:?}");
    // It stays that way.
    assert_eq!(ask(server).await.head.status, 503);
}

async fn assert_serves(server: &Server) {
    until(server, 200).await;
    let ready = server.admin(&RawRequest::get("/readyz")).await;
    assert_eq!(ready.head.status, 200, "{}", ready.body.text());
    assert_eq!(health(server).status.code(), Some(0));
}

/// A thread writes the log.
async fn assert_logged(home: &Home, words: &str) {
    let logged = async {
        while !home.stderr().contains(words) {
            tokio::task::yield_now().await;
        }
    };
    let logged = tokio::time::timeout(DEADLINE, logged).await;
    logged.unwrap_or_else(|_| panic!("no {words:?} in {}", home.stderr()));
}

fn health(server: &Server) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_nexus-server"))
        .args(["health", "--admin-addr", &server.admin.to_string()])
        .env_clear()
        .output()
        .unwrap()
}

fn database(home: &Home) -> PathBuf {
    home.path().join("data/nexus.db")
}

/// All sums, without the time of the question.
async fn totals(server: &Server) -> serde_json::Value {
    let mut totals = server.admin_json("/stats/total").await;
    totals.as_object_mut().unwrap().remove("now");
    totals
}

fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}

#[tokio::test]
async fn nothing_is_served_while_the_database_is_elsewhere() {
    let home = Home::new();
    let server = home.start(DEMO, &[]);
    assert_serves(&server).await;
    for name in ["data/nexus.db", "data/nexus.db-wal", "data"] {
        let (here, away) = (home.path().join(name), home.path().join("away"));
        rename(&here, &away);
        assert_stopped(&server).await;
        rename(&away, &here);
        assert_serves(&server).await;
    }
    assert_logged(&home, "removed or moved away").await;
    assert_logged(&home, "the store answers again").await;
    // What was promised before is still there at the next start.
    let before = totals(&server).await;
    server.stop().await;
    let server = home.start(DEMO, &[]);
    assert_eq!(totals(&server).await, before);
}

#[tokio::test]
async fn nothing_is_served_when_the_database_is_removed_and_none_is_begun_beside_its_key() {
    let home = Home::new();
    let server = home.start(DEMO, &[]);
    assert_serves(&server).await;
    fs::remove_file(database(&home)).unwrap();
    assert_stopped(&server).await;
    // A file of this name does not help: it is a different one.
    fs::write(database(&home), "").unwrap();
    assert_stopped(&server).await;
    drop(server);
    let refused = home.fail(
        &["--admin-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0"],
        &[],
    );
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_ne!(refused.status.code(), Some(0));
    assert!(
        said.contains("master.key") && said.contains("backup"),
        "{said}"
    );
}

#[tokio::test]
async fn nothing_is_served_when_the_database_is_replaced() {
    let home = Home::new();
    let server = home.start(DEMO, &[]);
    assert_serves(&server).await;
    let copy = home.path().join("copy.db");
    fs::copy(database(&home), &copy).unwrap();
    rename(&copy, &database(&home));
    assert_stopped(&server).await;
    assert_logged(&home, "another file is in its place").await;
}

#[tokio::test]
async fn nothing_is_served_when_the_database_is_cut() {
    let home = Home::new();
    let server = home.start(DEMO, &[]);
    assert_serves(&server).await;
    fs::File::create(database(&home)).unwrap();
    assert_stopped(&server).await;
    assert_logged(&home, "restore the database").await;
}

#[tokio::test]
async fn archive_that_cannot_be_written_makes_the_server_unready() {
    let home = Home::new();
    let server = home.start(ARCHIVED, &[]);
    assert_serves(&server).await;
    let (messages, away) = (home.path().join("messages"), home.path().join("away"));
    rename(&messages, &away);
    // No folder can be created where a file is.
    fs::write(&messages, "").unwrap();
    assert_stopped(&server).await;
    fs::remove_file(&messages).unwrap();
    rename(&away, &messages);
    assert_serves(&server).await;
}
