use std::fs;
use std::path::{Path, PathBuf};

use nexus_lib::testing::{Answer, FakeUpstream, Gate, RawClient, openai};
use rusqlite::Connection;

use crate::server::{Home, chat};

/// Asserts that a server refuses to start with one line that contains `what` and names the file.
#[track_caller]
fn refuses(home: &Home, file: &str, what: &str) {
    let ports = ["--admin-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0"];
    let output = home.fail(&ports, &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(output.stdout, b"");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    assert!(stderr.contains(file), "{stderr}");
    assert!(stderr.contains(what), "{stderr}");
}

/// The same, without changing a byte of the database and its log.
#[track_caller]
fn refuses_untouched(home: &Home, what: &str) {
    let files = ["nexus.db", "nexus.db-wal", "master.key"];
    let read = || files.map(|file| fs::read(data(home).join(file)).ok());
    let before = read();
    refuses(home, "data/nexus.db", what);
    for ((file, before), after) in files.iter().zip(before).zip(read()) {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(Vec::len);
        let lengths = (length(&before), length(&after));
        assert!(before == after, "{file} has changed: lengths {lengths:?}");
    }
}

fn data(home: &Home) -> PathBuf {
    home.path().join("data")
}

/// A database of some size, with a write-ahead log that was not checkpointed.
async fn killed() -> Home {
    let home = Home::new();
    home.start(&[], &[]).stop().await;
    let raw = Connection::open(data(&home).join("nexus.db")).unwrap();
    raw.execute_batch(
        "CREATE TABLE padding (bytes BLOB);
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200)
         INSERT INTO padding SELECT randomblob(1000) FROM numbers;",
    )
    .unwrap();
    drop(raw);
    let mut server = home.start(&["--demo"], &[]);
    let request = chat("demo-key", "nexus-echo", "hi", false);
    assert_eq!(server.api(&request).await.head.status, 200);
    server.kill();
    drop(server);
    assert!(data(&home).join("nexus.db-wal").metadata().unwrap().len() > 0);
    home
}

fn overwrite(path: &Path, from: usize, bytes: &[u8]) {
    let mut whole = fs::read(path).unwrap();
    whole[from..from + bytes.len()].copy_from_slice(bytes);
    fs::write(path, whole).unwrap();
}

#[tokio::test]
async fn damaged_header_is_refused_and_left_alone() {
    let home = killed().await;
    let database = data(&home).join("nexus.db");
    overwrite(&database, 0, b"no such format: ");
    refuses_untouched(&home, "restore it from a backup");

    overwrite(&database, 0, b"SQLite format 3\0");
    overwrite(&database, 16, &[0xA5; 84]);
    refuses_untouched(&home, "from a backup");
}

#[tokio::test]
async fn damaged_page_is_refused_and_left_alone() {
    let home = killed().await;
    let database = data(&home).join("nexus.db");
    let middle = database.metadata().unwrap().len() / 2 / 4096 * 4096;
    overwrite(&database, usize::try_from(middle).unwrap(), &[0xA5; 4096]);
    refuses_untouched(&home, "restore it from a backup");
}

#[tokio::test]
async fn newer_schema_is_refused_and_left_alone() {
    let home = killed().await;
    let raw = Connection::open(data(&home).join("nexus.db")).unwrap();
    raw.pragma_update(None, "user_version", 999).unwrap();
    // Left in the log, as by a newer server that was killed.
    let keep_log = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    raw.set_db_config(keep_log, true).unwrap();
    drop(raw);
    refuses_untouched(&home, "use a newer one");

    drop(Connection::open(data(&home).join("nexus.db")).map(|raw| raw.execute_batch("VACUUM")));
    assert!(!data(&home).join("nexus.db-wal").exists(), "folded in");
    refuses_untouched(&home, "use a newer one");
}

#[tokio::test]
async fn second_server_is_refused_and_settles_nothing_of_the_first() {
    let (home, gate) = (Home::new(), Gate::new());
    let first_event = openai::delta_event("Hello");
    let answer = Answer::events(&[&first_event]).pause(&gate);
    let answer = answer
        .sse(&[&openai::usage_event(3, 1), openai::DONE])
        .end();
    let upstream = FakeUpstream::start(answer).await;
    let mut server = home.start(&[], &[]);
    server.register(&upstream.url(), "", "key", "m").await;
    let mut client = RawClient::connect(server.api).await;
    client.send(&chat("key", "m", "hi", true).to_bytes()).await;
    assert_eq!(client.head().await.status, 200);

    refuses(&home, "data/nexus.db.lock", "stop that one");
    // Other programs may read meanwhile.
    let reader = Connection::open(data(&home).join("nexus.db")).unwrap();
    let rows = reader.query_row("SELECT COUNT(*) FROM ledger", [], |row| row.get(0));
    assert_eq!(rows, Ok(1));
    drop(reader);
    gate.open();
    client.body().await;
    let rows = server.admin_json("/stats/requests").await;
    assert_eq!(rows["requests"][0]["state"], "completed");

    // The lock dies with the process.
    server.kill();
    drop(server);
    home.start(&[], &[]).stop().await;
}
