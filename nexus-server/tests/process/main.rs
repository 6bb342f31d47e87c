//! The real binary, over real sockets.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

#[cfg(target_os = "linux")]
mod backpressure;
mod check;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod disk;
mod faults;
mod kill;
mod logs;
mod metrics;
#[cfg(feature = "otel")]
mod otel;
mod package;
#[cfg(unix)]
mod paused;
mod random;
mod secrets;
mod server;
mod serving;
mod settings;
mod shutdown;
mod smuggling;
mod soak;
