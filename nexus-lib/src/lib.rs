//! An LLM gateway as a library: one OpenAI-compatible door in front of many model providers, with
//! every request's tokens on a ledger.
//!
//! Build a [`Gateway`], mount [`Gateway::api`] and [`Gateway::admin`] wherever a tower service over
//! `http::Request` fits, or call [`Gateway::chat`] without any HTTP. There are no signal handlers, no
//! runtime and no globals in here, but for the counter that keeps request ids rising: the program owns
//! all of these.
//!
//! # Layout
//! From the ground up; a module imports only from those above it in this list.
//!
//! - [`error`]: what can go wrong, as values.
//! - [`wire`]: the values that travel: ids, times, usage, OpenAI's JSON.
//! - [`sse`]: server-sent events, in place.
//! - [`translate`]: from one protocol to another, without I/O.
//! - [`health`]: how each provider is doing.
//! - [`call`]: the stages of a call, as types.
//! - [`transcript`]: what an answer said.
//! - [`estimate`]: tokens counted here, where the upstream gives no figures.
//! - [`secret`]: the master key, and what is sealed by it.
//! - [`store`]: what persists; SQLite.
//! - [`observe`]: what happens, told to metrics, logs and traces.
//! - [`ledger`]: a row for every request, written before its answer is seen.
//! - [`archive`]: the messages of every call, as JSON Lines.
//! - [`provider`]: those who answer, and the connections to them.
//! - [`registry`]: providers, models and keys: a snapshot behind one pointer.
//! - [`thread`]: which conversation a request goes on with.
//! - [`router`]: which targets may answer a call, and which of them does.
//! - [`meter`]: the layer that puts calls on the ledger.
//! - `metrics` (feature `metrics`): what happens, in figures, for Prometheus.
//! - [`http`]: the edges: the LLM port and the admin port.
//! - [`gateway`]: the whole, put together.

pub mod archive;
mod body_memory;
pub mod call;
#[allow(dead_code, reason = "requests are decoded with it soon")]
mod coding;
pub mod error;
pub mod estimate;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
pub mod health;
pub mod http;
mod isolate;
mod lasting;
mod late;
pub mod ledger;
mod memory;
pub mod meter;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod observe;
mod offload;
pub mod provider;
pub mod registry;
pub mod router;
pub mod secret;
pub mod sse;
pub mod store;
#[cfg(feature = "test-util")]
pub mod testing;
pub mod thread;
pub mod transcript;
pub mod translate;
pub mod wire;

pub use error::{Cause, Error, ErrorKind, Origin, Result, UpstreamError};
pub use gateway::{ChatReply, ChatStream, Gateway, GatewayBuilder};
pub use http::BodyTimeouts;
pub use ledger::UsageLedger;
pub use provider::{Provider, Timeouts, Transport};
pub use registry::{ModelSpec, ProviderSpec, Registry};
pub use router::Router;
pub use store::{NewModel, SqliteStore, Store};
pub use transcript::{Answer, AssistantMessage, Transcript};
pub use wire::ChatRequest;
