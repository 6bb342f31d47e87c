//! An LLM gateway as a library: one OpenAI-compatible API in front of many model providers, with
//! every request's tokens on a ledger.
//!
//! Build a [`Gateway`], mount [`Gateway::api`] and [`Gateway::admin`] wherever a tower service over
//! `http::Request` fits, or call [`Gateway::chat`] without HTTP. The library has no signal
//! handlers, no runtime and no globals, except for the counter that keeps request ids increasing:
//! the application owns all of these.
//!
//! ```
//! use nexus_lib::{ChatRequest, Gateway, NewModel, ProviderSpec, SqliteStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> nexus_lib::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("nexus.db");
//! let nexus = Gateway::builder(SqliteStore::open(path).await?).build().await?;
//!
//! // The built-in model, which needs no network. A real provider is
//! // `ProviderSpec::new("OpenAI", "https://api.openai.com/v1", "sk-…", "key-of-our-clients")`.
//! let spec = ProviderSpec::new("demo", "http://demo.invalid", "", "key-of-our-clients").kind("demo");
//! let demo = nexus.registry().add_provider(spec).await?;
//! nexus.registry().add_model(NewModel::new(demo.id, "nexus-echo")).await?;
//!
//! let question = ChatRequest::new("nexus-echo").user("hi").key("key-of-our-clients");
//! let reply = nexus.chat(question).await?;
//! assert_eq!(reply.completion.text(), "You said: hi");
//! nexus.close().await
//! # }
//! ```
//!
//! # Where can I put my layer?
//! Every call takes the same way, whether it comes over HTTP, over WebSocket, from the operator's
//! console or from [`Gateway::chat`]. It has three places for tower layers of your own:
//!
//! ```text
//!  client ─▶ key ─▶ Call ──┐
//!                          ▼
//!  layer_calls ........ Service<Call>    ─▶ Metered    change the model, refuse early
//!      │                route: which providers may answer
//!      │                meter: the call's row on the ledger, opened and settled here
//!  layer_replies ...... Service<Routed>  ─▶ Reply      guardrails, caches, answers of your own
//!      │                failover: which provider is asked, again and next
//!  layer_attempts ..... Service<Attempt> ─▶ Reply      signing, canaries, timing by provider
//!      │
//!  Provider ─▶ upstream
//! ```
//!
//! | I want to | use | which gives |
//! |---|---|---|
//! | read what is asked, in any protocol | [`Routed::as_chat`](call::Routed::as_chat) | a [`ChatRequest`] |
//! | change what is asked | [`Routed::edit_texts`](call::Routed::edit_texts), [`Routed::rewritten`](call::Routed::rewritten), [`Call::with_body`](call::Call::with_body) | the same call, one row |
//! | refuse | [`Error::refused`] | status and code of your own, in the client's protocol |
//! | answer | [`Reply::completion`](call::Reply::completion), [`Reply::chunks`](call::Reply::chunks), [`Reply::answered_by`](call::Reply::answered_by) | whole or streamed, in the client's protocol |
//! | change an answer | [`Reply::edit_texts`](call::Reply::edit_texts) | streams too |
//! | bring a model of my own | [`GatewayBuilder::provider`] with a [`Provider`] | an own kind of provider |
//! | wrap a built-in provider | [`provider::openai`] and its like | an `impl Provider` |
//! | hear of every call | [`GatewayBuilder::observer`] | what the ledger gets, as it gets it |
//!
//! A layer that panics costs one request, one that never answers ends at the client's deadline, and
//! what it throws away is paid for on the ledger all the same.
//!
//! # A guardrail
//! It refuses some questions, and redacts answers, streams included:
//!
//! ```
//! use http::StatusCode;
//! use nexus_lib::call::Routed;
//! use nexus_lib::gateway::ReplyService;
//! use nexus_lib::{ChatRequest, Error, Gateway, NewModel, ProviderSpec, SqliteStore};
//! use tower::{ServiceExt, layer::layer_fn, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> nexus_lib::Result<()> {
//! let guardrail = layer_fn(|inner: ReplyService| {
//!     service_fn(move |routed: Routed| {
//!         let inner = inner.clone();
//!         async move {
//!             let asked = routed.as_chat()?;
//!             if asked.messages.iter().any(|message| message.text().contains("password")) {
//!                 let refusal = Error::refused(StatusCode::FORBIDDEN, "content_filter", "no passwords here");
//!                 return Err(refusal.answered_by("guardrail"));
//!             }
//!             let reply = inner.oneshot(routed.clone()).await?;
//!             Ok(reply.edit_texts(&routed, "secret".len(), |text| text.replace("secret", "******")))
//!         }
//!     })
//! });
//! # let folder = tempfile::tempdir().unwrap();
//! # let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
//! let nexus = Gateway::builder(store).layer_replies(guardrail).build().await?;
//! # let spec = ProviderSpec::new("demo", "http://demo.invalid", "", "demo-key").kind("demo");
//! # let demo = nexus.registry().add_provider(spec).await?;
//! # nexus.registry().add_model(NewModel::new(demo.id, "nexus-echo")).await?;
//!
//! let ask = |text: &str| ChatRequest::new("nexus-echo").user(text).key("demo-key");
//! let refused = nexus.chat(ask("the password?")).await.unwrap_err();
//! assert_eq!((refused.status().as_u16(), refused.code()), (403, "content_filter"));
//! let reply = nexus.chat(ask("a secret")).await?;
//! assert_eq!(reply.completion.text(), "You said: a ******");
//! # nexus.close().await
//! # }
//! ```
//!
//! `examples/guardrail.rs` has it as a layer with a service of its own,
//! `examples/response_cache.rs` a cache.
//!
//! # Features
//! All but `postgres` and `test-util` are on by default. What is off costs neither dependencies nor
//! code.
//!
//! | feature | what it adds |
//! |---|---|
//! | `gateway` | everything but [`error`], [`sse`], [`translate`] and the part of [`wire`] that these need; every feature below turns it on |
//! | `upstreams` | the built-in providers, and the connections to them (hyper, rustls); without it there are the demo model and providers of your own |
//! | `sqlite` | [`SqliteStore`]; without it, bring a [`Store`] of your own |
//! | `postgres` | a store on PostgreSQL: nothing yet |
//! | `ws` | chat over WebSocket, at `/ws/chat` of the LLM port |
//! | `console` | the web console, at `/` of the admin port |
//! | `estimate` | OpenAI's tokenizers, for answers without reported usage; without it a token is four bytes |
//! | `metrics` | `metrics`: an observer for Prometheus, and `/metrics` on the admin port |
//! | `test-util` | `testing`: a fake upstream, and the contracts of providers and stores as checks |
//!
//! Translation alone needs eleven crates, and what those need:
//!
//! ```toml
//! nexus-lib = { version = "0.1", default-features = false }
//! ```
//!
//! # Layout
//! From the bottom up; a module imports only from those above it in this list.
//!
//! - [`error`]: errors as values.
//! - [`wire`]: value types: ids, times, usage, OpenAI's JSON.
//! - [`sse`]: server-sent events, read in place.
//! - [`translate`]: from one protocol to another, without I/O.
//! - [`health`]: each provider's circuit breaker, load and retry budget.
//! - [`call`]: the stages of a call, as types.
//! - [`transcript`]: the content of an answer.
//! - [`estimate`]: token counts where the upstream reports none.
//! - [`secret`]: the master key, and encryption with it.
//! - [`store`]: persistence; SQLite.
//! - [`observe`]: events for metrics, logs and traces.
//! - [`ledger`]: a row for every request, written before its answer is seen.
//! - [`archive`]: the messages of every call, as JSON Lines.
//! - [`provider`]: the providers, and the connections to them.
//! - [`registry`]: providers, models and keys: a snapshot behind one pointer.
//! - [`conversation`]: which conversation a request continues.
//! - [`router`]: which targets may answer a call, and which one does.
//! - [`meter`]: the layer that puts calls on the ledger.
//! - `metrics` (feature `metrics`): metrics in Prometheus's format.
//! - [`http`]: the LLM port and the admin port.
//! - [`gateway`]: everything put together.

// What only some features use is dead without them; with the default ones all lints apply.
#![cfg_attr(
    not(all(
        feature = "console",
        feature = "sqlite",
        feature = "upstreams",
        feature = "ws"
    )),
    allow(dead_code, unused_imports)
)]

#[cfg(feature = "gateway")]
#[macro_use]
mod opaque_debug;

#[cfg(feature = "gateway")]
pub mod archive;
#[cfg(feature = "gateway")]
mod body_memory;
#[cfg(feature = "gateway")]
pub mod call;
#[cfg(feature = "gateway")]
mod coding;
#[cfg(feature = "gateway")]
pub mod conversation;
pub mod error;
#[cfg(feature = "gateway")]
pub mod estimate;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "gateway")]
pub mod gateway;
#[cfg(feature = "gateway")]
pub mod health;
#[cfg(feature = "gateway")]
pub mod http;
#[cfg(feature = "gateway")]
pub mod intake;
#[cfg(feature = "gateway")]
mod isolate;
#[cfg(feature = "gateway")]
mod lasting;
#[cfg(feature = "gateway")]
mod late;
#[cfg(feature = "gateway")]
pub mod ledger;
#[cfg(feature = "gateway")]
mod memory;
#[cfg(feature = "gateway")]
pub mod meter;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "gateway")]
pub mod observe;
mod offload;
#[cfg(feature = "gateway")]
pub mod provider;
#[cfg(feature = "gateway")]
pub mod registry;
#[cfg(feature = "gateway")]
pub mod router;
#[cfg(feature = "gateway")]
pub mod secret;
pub mod sse;
#[cfg(feature = "gateway")]
pub mod store;
#[cfg(feature = "test-util")]
pub mod testing;
#[cfg(feature = "gateway")]
pub mod transcript;
pub mod translate;
pub mod wire;

pub use error::{Cause, Error, ErrorKind, Origin, Result, UpstreamError};
#[cfg(feature = "gateway")]
pub use gateway::{ChatReply, ChatStream, Gateway, GatewayBuilder};
#[cfg(feature = "gateway")]
pub use http::BodyTimeouts;
#[cfg(feature = "gateway")]
pub use ledger::UsageLedger;
#[cfg(feature = "gateway")]
pub use provider::Provider;
#[cfg(feature = "upstreams")]
pub use provider::{Timeouts, Transport};
#[cfg(feature = "gateway")]
pub use registry::{ModelSpec, ProviderSpec, Registry};
#[cfg(feature = "gateway")]
pub use router::Router;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
#[cfg(feature = "gateway")]
pub use store::{NewModel, Store};
#[cfg(feature = "gateway")]
pub use transcript::{AssistantMessage, Delivered, Transcript};
#[cfg(feature = "gateway")]
pub use wire::ChatRequest;
