//! The ledger's promise under `kill -9` and losses of power, again and again: what a client saw of
//! an answer is on the ledger.
//!
//! [`load`] runs clients with plain and streamed chats, some of which disconnect or are interrupted
//! by the [`upstream`]; it kills the server at a random instant at which a client sees something.
//! After each restart the [`ledger`] is compared with what the clients saw.

mod chat;
mod ledger;
mod load;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod power;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use nexus_lib::testing::FakeUpstream;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::random::Random;
use crate::server::{Home, Server};
use chat::{KEY, Kind, MODEL};
use ledger::Ledger;
use load::Seen;

const KILLS: usize = 40;

/// The write-ahead log is made long once in this many kills.
const KILLS_TO_A_LONG_LOG: usize = 4;

/// The maximum number of answer pieces that clients see before a kill.
const MAX_SIGHTS: u64 = 700;

/// A server that is killed again and again, and what was seen of it.
struct Trial {
    home: Home,
    upstream: FakeUpstream,
    random: Random,
    started: Arc<AtomicU64>,
    ledger: Ledger,
    seen: Vec<Seen>,
}

impl Trial {
    async fn new() -> Self {
        let trial = Self {
            home: Home::new(),
            upstream: upstream::start().await,
            random: Random::new(),
            started: Arc::default(),
            ledger: Ledger::default(),
            seen: Vec::new(),
        };
        let server = trial.home.start(&[], &[]);
        let url = trial.upstream.url();
        server.register(&url, "", KEY, MODEL).await;
        server.stop().await;
        trial
    }

    /// Kills the server under load; returns what clients saw.
    async fn kill(&mut self, server: Server) -> Vec<Seen> {
        let sights = self.random.up_to(MAX_SIGHTS);
        load::run(server, sights, &self.started).await
    }

    /// Leaves the database of a dead server consistent, with a write-ahead log so long that it is
    /// checkpointed during the next server's run. Only sometimes: reading it takes the server time.
    fn lengthen_log(&self, kill: usize) -> bool {
        if !kill.is_multiple_of(KILLS_TO_A_LONG_LOG) {
            return false;
        }
        let raw = Connection::open(self.home.path().join("data/nexus.db")).unwrap();
        let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        raw.set_db_config(keep_log, true).unwrap();
        let sound: String = raw
            .pragma_query_value(None, "quick_check", |row| row.get(0))
            .unwrap();
        assert_eq!(sound, "ok");
        raw.execute_batch(
            "PRAGMA wal_autocheckpoint = 0;
             CREATE TABLE IF NOT EXISTS padding (id INTEGER PRIMARY KEY, bytes BLOB);
             INSERT OR REPLACE INTO padding VALUES (1, zeroblob(15000000));",
        )
        .unwrap();
        true
    }

    /// Compares the ledger of a restarted server with what was seen before.
    async fn check(&mut self, server: &Server, seen: Vec<Seen>) {
        self.ledger.read_new(server).await;
        self.ledger.check_rows();
        self.ledger.check_seen(&seen);
        self.ledger.check_totals(server).await;
        self.seen.extend(seen);
    }

    /// Compares the whole ledger with everything that was seen, and checks that every case
    /// occurred.
    async fn finish(self, server: Server) {
        let mut whole = Ledger::default();
        whole.read_new(&server).await;
        assert_eq!(whole, self.ledger, "a row has changed since it was settled");
        whole.check_seen(&self.seen);
        server.stop().await;
        for (kind, state) in [
            (Kind::Plain, "completed"),
            (Kind::Plain, "interrupted"),
            (Kind::Streamed, "completed"),
            (Kind::Streamed, "interrupted"),
            (Kind::Cancelled, "cancelled"),
            (Kind::Cut, "failed"),
        ] {
            let rows = whole.count(kind, state);
            println!("{rows} rows {state} of chats {kind:?}");
            assert!(rows > 0, "no row {state} of chats {kind:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_saw_is_on_the_ledger_through_kills_at_any_instant() {
    let mut trial = Trial::new().await;
    let mut server = trial.home.start(&[], &[]);
    for kill in 0..KILLS {
        let seen = trial.kill(server).await;
        trial.lengthen_log(kill);
        server = trial.home.start(&[], &[]);
        trial.check(&server, seen).await;
    }
    trial.finish(server).await;
}
