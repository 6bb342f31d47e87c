//! The admin port, in process, with a real SQLite store.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod access;
mod client;
mod console;
mod conversations;
#[path = "../documented/mod.rs"]
mod documented;
mod figures;
mod input;
mod models;
mod openapi;
mod preconditions;
mod providers;
mod routes;
mod statistics;
