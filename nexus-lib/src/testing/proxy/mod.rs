//! An outbound proxy that can misbehave.

mod connection;
mod fake;

pub use fake::{FakeProxy, ProxyConduct, ProxyProtocol, ProxyRequest};
