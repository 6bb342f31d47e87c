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
//! - [`thread`]: which conversation a request continues.
//! - [`router`]: which targets may answer a call, and which one does.
//! - [`meter`]: the layer that puts calls on the ledger.
//! - `metrics` (feature `metrics`): metrics in Prometheus's format.
//! - [`http`]: the LLM port and the admin port.
//! - [`gateway`]: everything put together.

pub mod archive;
mod body_memory;
pub mod call;
mod coding;
pub mod error;
pub mod estimate;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
pub mod health;
pub mod http;
pub mod intake;
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
