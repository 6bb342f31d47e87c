//! An upstream and a client that can misbehave at byte level, for tests of gateways and providers.
//!
//! Both speak HTTP/1.1 over real sockets without an HTTP library: the bytes that a test writes are
//! sent, and the bytes that arrive are what it sees.
//!
//! - [`FakeUpstream`] answers requests with a [`Script`] of [`Answer`]s. It records what it was
//!   sent, to the byte, and when its peer closed the connection.
//! - [`Gate`] stops an answer at a chosen step until the test opens it: no test needs to sleep.
//! - [`RawClient`] sends bytes, reads an answer with and without its chunk framing, reads a stream
//!   event by event, and disconnects on request.
//! - [`FakeProxy`] opens tunnels to upstreams by `CONNECT` and SOCKS 5, or rejects, or hangs.
//! - [`openai`] has standard answers of an OpenAI-compatible server; [`anthropic`], [`gemini`] and
//!   [`ollama`] those of their protocols.
//! - [`ProviderContract`] checks that an implementation fulfils the contract of
//!   [`Provider`](crate::Provider); [`StoreContract`] those of
//!   [`LedgerStore`](crate::store::LedgerStore) and
//!   [`LedgerQueries`](crate::store::LedgerQueries).
//!
//! ```
//! use nexus_lib::testing::{Answer, FakeUpstream, Gate, RawClient, RawRequest};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let gate = Gate::new();
//! let answer = Answer::events(&["data: 1\n\n"]).pause(&gate).sse(&["data: 2\n\n"]).end();
//! let upstream = FakeUpstream::start(answer).await;
//!
//! let mut client = RawClient::connect(upstream.addr()).await;
//! client.send(&RawRequest::post("/v1/chat/completions").body("{}").to_bytes()).await;
//! assert_eq!(client.head().await.status, 200);
//! assert_eq!(client.event().await.as_deref(), Some(&b"data: 1\n\n"[..]));
//! gate.open();
//! assert_eq!(client.event().await.as_deref(), Some(&b"data: 2\n\n"[..]));
//! assert_eq!(client.event().await, None);
//! assert_eq!(upstream.request(0).await.body, "{}");
//! # });
//! ```
//!
//! # Panics
//! This is a kit for tests: anything that does not happen within [`DEADLINE`] or is malformed is a
//! panic that names what was awaited.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a kit for tests reports by panicking"
)]

mod answer;
pub mod anthropic;
mod client;
mod coding;
mod connection;
mod contract;
mod deadline;
mod gate;
pub mod gemini;
mod http1;
pub mod ollama;
pub mod openai;
mod proxy;
mod recorded;
mod request;
mod response;
mod script;
mod store;
mod upstream;

pub use answer::{Answer, Step};
pub use client::RawClient;
pub use coding::encoded;
pub use contract::{ProviderContract, UpstreamAnswers};
pub use deadline::DEADLINE;
pub use gate::Gate;
pub use proxy::{FakeProxy, ProxyConduct, ProxyProtocol, ProxyRequest};
pub use recorded::RecordedRequest;
pub use request::RawRequest;
pub use response::{Ending, RawBody, RawHead, RawResponse};
pub use script::Script;
pub use store::StoreContract;
pub use upstream::{FakeUpstream, refused_addr};

pub use crate::wire::reads::BodyReads;

#[cfg(test)]
mod tests;
