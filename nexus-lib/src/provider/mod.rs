//! Providers: the [`Provider`] trait, its built-in implementations, and the transport.

#[cfg(feature = "upstreams")]
mod built_in;
mod by_kind;
mod demo;
#[cfg(feature = "upstreams")]
mod dialect;
mod faults;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
pub(crate) mod headers;
#[cfg(feature = "upstreams")]
mod http;
mod manner;
pub(crate) mod redact;
mod tap;
mod translated;
#[cfg(feature = "upstreams")]
mod transport;

#[cfg(feature = "upstreams")]
pub use built_in::{anthropic, azure, gemini, ollama, openai, xai};
pub(crate) use by_kind::{ByKind, models_of};
pub use demo::DemoProvider;
#[cfg(feature = "upstreams")]
pub(crate) use dialect::{Anthropic, Azure, Dialect, Gemini, Ollama, OpenAi, Xai};
#[cfg(feature = "upstreams")]
pub(crate) use http::HttpProvider;
pub(crate) use manner::Manner;
pub(crate) use translated::{count as count_tokens, through_chat};
#[cfg(feature = "fuzzing")]
pub(crate) use transport::fuzzing as transport_fuzzing;
#[cfg(feature = "upstreams")]
pub use transport::{Timeouts, Transport, TransportBuilder};

use async_trait::async_trait;

use crate::call::{Attempt, Operation, Reply, Upstream};
use crate::error::{Error, ErrorKind, Result};

/// A way to reach a model: implement it to add a provider of your own.
///
/// The gateway holds one value for each [`kind`](Self::kind), and passes it every attempt whose
/// registered provider has that kind, concurrently.
///
/// # Contract
/// - Every implementation supports [`Operation::ChatCompletion`].
/// - The reply is in the protocol of the attempt's [operation](Attempt::operation): for
///   [`Operation::ChatCompletion`] an OpenAI chat completion, or the server-sent events of one,
///   including `data: [DONE]`. Other operations are only sent to implementations that
///   [support](Self::speaks) them: chats in other protocols are translated to chat completions, and
///   their replies translated back.
/// - [`Observed`](crate::call::Observed) reports what passed: above all the usage. What is not
///   observed is not on the ledger.
/// - A stream yields whole events as soon as they arrive. Its protocol's final event is observed as
///   terminal, and nothing follows it. A stream that is cut off ends with `Err`.
/// - An answer with an error status is a reply, not an `Err`.
/// - An implementation with its own connections uses the target's
///   [`proxies`](crate::call::Target::proxies), if any, and never bypasses them.
///
/// `testing::ProviderContract` (feature `test-util`) checks all of this in a one-line test.
///
/// # Example
/// A model in this very process. It answers in capitals, whole or streamed, to clients of every
/// protocol. [`Reply::completion`] and [`Reply::chunks`] observe what passes.
///
/// ```
/// use async_trait::async_trait;
/// use nexus_lib::call::{Attempt, Reply};
/// use nexus_lib::wire::{ChatCompletion, Usage};
/// use nexus_lib::{Provider, Result};
///
/// struct Shout;
///
/// #[async_trait]
/// impl Provider for Shout {
///     fn kind(&self) -> &'static str {
///         "shout"
///     }
///
///     async fn send(&self, attempt: Attempt) -> Result<Reply> {
///         let asked = attempt.as_chat()?;
///         let heard = asked.messages.last().map(|message| message.text()).unwrap_or_default();
///         let said = ChatCompletion::of_text("shout-1", heard.to_uppercase());
///         Reply::completion(&attempt, said.with_usage(Usage::of(1, 1)))
///     }
/// }
///
/// # #[cfg(feature = "test-util")]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// nexus_lib::testing::ProviderContract::of(Shout).check().await;
/// # });
/// ```
///
/// # Errors
/// `Err` means that there was no answer: after `UpstreamUnreachable`, `UpstreamTimeout`,
/// `UpstreamAuth` and `UpstreamInvalid` the next candidate is tried. A malformed request is
/// `InvalidRequest`. The message reaches the client: it must not contain a key or an address.
///
/// # Cancel safety
/// When the client disconnects, the future or the reply's stream is dropped: the upstream's request
/// must end with it. Spawn nothing that outlives them.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The `kind` of the registered providers that use this implementation: lower case, and
    /// constant.
    fn kind(&self) -> &'static str;

    /// Whether it supports `operation`. By default only chat completions: nothing else is sent to
    /// it.
    fn speaks(&self, operation: Operation) -> bool {
        operation == Operation::ChatCompletion
    }

    /// Sends `attempt` and awaits the head of the answer; for a stream, its first event.
    async fn send(&self, attempt: Attempt) -> Result<Reply>;

    /// The model names that this upstream reports, for an operator to choose from. By default there
    /// is no such list.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no list; otherwise as for [`send`](Self::send).
    async fn upstream_models(&self, _upstream: &Upstream) -> Result<Vec<String>> {
        Err(Error::new(
            ErrorKind::NotFound,
            "providers of this kind cannot list their models; add them by hand",
        ))
    }
}

#[cfg(test)]
mod tests;
