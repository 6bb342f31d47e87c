//! The real binary, over real sockets.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod kill;
mod secrets;
mod server;
mod serving;
mod settings;
mod shutdown;
