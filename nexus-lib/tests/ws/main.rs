//! Chat over WebSocket, over real sockets: what the client, the upstream and the ledger get.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod bounds;
mod chats;
mod client;
mod doors;
mod drain;
mod input;
mod keys;
mod layers;
mod resume;
#[path = "../api/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the LLM port"
)]
mod support;
