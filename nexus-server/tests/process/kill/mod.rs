//! The ledger's promise under `kill -9`, again and again: what a client saw of an answer is on the ledger.
//!
//! [`load`] runs clients that chat plainly and in streams, leave in the middle, and are cut off by the
//! [`upstream`]; it kills the server at a random one of the instants at which a client sees something.
//! After each restart the [`ledger`] is held against what the clients saw.

mod chat;
mod ledger;
mod load;
mod random;
mod upstream;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::server::Home;
use chat::{KEY, Kind, MODEL};
use ledger::Ledger;
use random::Random;

const KILLS: usize = 40;

/// How many pieces of answers clients see before a kill, at most.
const MOST_SIGHTS: u64 = 700;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_saw_is_on_the_ledger_through_kills_at_any_instant() {
    let home = Home::new();
    let upstream = upstream::start().await;
    let mut random = Random::new();
    let (mut ledger, mut all_seen) = (Ledger::default(), Vec::new());
    let started = Arc::new(AtomicU64::new(0));

    let mut server = home.start(&[], &[]);
    server.register(&upstream.url(), "", KEY, MODEL).await;
    for _ in 0..KILLS {
        let seen = load::run(server, random.up_to(MOST_SIGHTS), &started).await;
        server = home.start(&[], &[]);
        ledger.read_new(&server).await;
        ledger.check_rows();
        ledger.check_seen(&seen);
        ledger.check_totals(&server).await;
        all_seen.extend(seen);
    }

    // And all over, from the first row on.
    let mut whole = Ledger::default();
    whole.read_new(&server).await;
    assert_eq!(whole, ledger, "a row has changed since it was settled");
    whole.check_seen(&all_seen);
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
