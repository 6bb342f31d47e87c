//! The ledger's promise under `kill -9` and losses of power, again and again: what a client saw of an
//! answer is on the ledger.
//!
//! [`load`] runs clients that chat plainly and in streams, leave in the middle, and are cut off by the
//! [`upstream`]; it kills the server at a random one of the instants at which a client sees something.
//! After each restart the [`ledger`] is held against what the clients saw.

mod chat;
mod ledger;
mod load;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod power;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use nexus_lib::testing::FakeUpstream;

use crate::random::Random;
use crate::server::{Home, Server};
use chat::{KEY, Kind, MODEL};
use ledger::Ledger;
use load::Seen;

const KILLS: usize = 40;

/// How many pieces of answers clients see before a kill, at most.
const MOST_SIGHTS: u64 = 700;

/// A server that dies over and over, and what was seen of it.
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

    /// Kills the server under load; returns what clients saw of it.
    async fn kill(&mut self, server: Server) -> Vec<Seen> {
        let sights = self.random.up_to(MOST_SIGHTS);
        load::run(server, sights, &self.started).await
    }

    /// Holds the ledger of a server that came up again against what was seen before.
    async fn check(&mut self, server: &Server, seen: Vec<Seen>) {
        self.ledger.read_new(server).await;
        self.ledger.check_rows();
        self.ledger.check_seen(&seen);
        self.ledger.check_totals(server).await;
        self.seen.extend(seen);
    }

    /// Holds the whole ledger against all that was ever seen, and makes sure that there was all of it.
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
    for _ in 0..KILLS {
        let seen = trial.kill(server).await;
        server = trial.home.start(&[], &[]);
        trial.check(&server, seen).await;
    }
    trial.finish(server).await;
}
