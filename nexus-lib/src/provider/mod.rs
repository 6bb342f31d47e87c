//! Those who answer: the [`Provider`] trait, its built-in implementations, and the transport.

mod by_kind;
mod demo;
mod dialect;
pub(crate) mod headers;
mod http;
mod observe;
mod redact;
mod translated;
mod transport;

pub(crate) use by_kind::ByKind;
pub use demo::DemoProvider;
pub(crate) use dialect::{Anthropic, Azure, Dialect, Gemini, Ollama, OpenAi, Xai};
pub(crate) use http::HttpProvider;
pub(crate) use translated::{count as count_tokens, through_chat};
pub use transport::{Timeouts, Transport, TransportBuilder};

use async_trait::async_trait;

use crate::call::{Attempt, Operation, Reply, Upstream};
use crate::error::{Error, ErrorKind, Result};

/// One way of speaking to a model: implement it to bring a provider of your own.
///
/// The gateway holds one value for each [`kind`](Self::kind) and hands it every attempt whose
/// registered provider is of that kind, concurrently.
///
/// # Contract
/// - The reply is in the protocol of the attempt's [operation](Attempt::operation): for
///   [`Operation::ChatCompletion`] an OpenAI chat completion, or the server-sent events of one,
///   `data: [DONE]` included. Other operations come only to who [speaks](Self::speaks) them: chats in
///   other protocols are told as chat completions, and their replies translated back.
/// - [`Observed`](crate::call::Observed) tells what passed: usage above all. What is not observed is
///   not on the ledger.
/// - A stream yields whole events, each as soon as it is there, and ends with `Err` when it is cut.
/// - An answer with an error status is a reply, not an `Err`.
/// - One that opens connections of its own goes through the target's
///   [`proxies`](crate::call::Target::proxies) where it has some, and never around them.
///
/// # Errors
/// `Err` says that there was no answer: `UpstreamUnreachable`, `UpstreamTimeout`, `UpstreamAuth` or
/// `UpstreamInvalid` let the next candidate try. The message reaches the client: no key and no
/// address in it.
///
/// # Cancel safety
/// The client's leaving drops the future, or the reply's stream: the upstream's request must end with
/// it. Spawn nothing that outlives them.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What a registered provider's `kind` says to be served by this implementation: lower-case, and
    /// always the same.
    fn kind(&self) -> &'static str;

    /// Whether it answers requests for `operation`. Chats alone, unless it says otherwise: nothing else is
    /// sent to it.
    fn speaks(&self, operation: Operation) -> bool {
        operation == Operation::ChatCompletion
    }

    /// Sends `attempt` and awaits the head of the answer; for a stream, its first event.
    async fn send(&self, attempt: Attempt) -> Result<Reply>;

    /// The names of the models that this upstream says it has: for an operator to choose from. By default there is no such list.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is no list; else as for [`send`](Self::send).
    async fn upstream_models(&self, _upstream: &Upstream) -> Result<Vec<String>> {
        Err(Error::new(
            ErrorKind::NotFound,
            "providers of this kind have no list of their models; add them by hand",
        ))
    }
}

#[cfg(test)]
mod tests;
