use tower::util::BoxCloneSyncService;
use tower::{Layer, Service};

use crate::call::{Attempt, Call, Metered, Reply, Routed};
use crate::error::{BoxError, Error};
use crate::gateway::GatewayBuilder;

/// What a [layer of calls](GatewayBuilder::layer_calls) is put around.
pub type CallService = BoxCloneSyncService<Call, Metered, Error>;

/// What a [layer of replies](GatewayBuilder::layer_replies) is put around.
pub type ReplyService = BoxCloneSyncService<Routed, Reply, Error>;

/// What a [layer of attempts](GatewayBuilder::layer_attempts) is put around.
pub type AttemptService = BoxCloneSyncService<Attempt, Reply, Error>;

/// Layers of the application's own. In each place the one that was added first is the outermost. A
/// layer that panics, or whose error is not an [`Error`], costs its one request a 500; one that
/// never answers ends at the client's deadline, or when the client leaves.
impl GatewayBuilder {
    /// Puts `layer` around everything: it sees a call before it is routed, and may rewrite it
    /// ([`Call::with_body`]) or refuse it. A refusal is logged like a wrong key, and has no row:
    /// nothing was routed. To answer in a provider's place, use
    /// [`layer_replies`](Self::layer_replies).
    #[must_use]
    pub fn layer_calls<L>(mut self, layer: L) -> Self
    where
        L: Layer<CallService> + Send + Sync + 'static,
        L::Service: Service<Call, Response = Metered, Error: Into<BoxError>>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<Call>>::Future: Send,
    {
        self.layers.calls.push(layer);
        self
    }

    /// Puts `layer` between the ledger and the providers: the place of guardrails and caches.
    /// Whatever it answers ([`Reply::answered_by`]), refuses ([`Error::refused`]) or changes is on
    /// the ledger, with the tokens that were spent on answers that it throws away.
    ///
    /// One that asks twice makes one row of both, with the tokens of both.
    ///
    /// ```
    /// # use http::StatusCode;
    /// # use nexus_lib::call::{Reply, Routed};
    /// # use nexus_lib::gateway::ReplyService;
    /// # use nexus_lib::{ChatRequest, Error, Gateway, NewModel, ProviderSpec, Result, SqliteStore};
    /// use tower::{ServiceBuilder, ServiceExt, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    /// let guardrail = tower::layer::layer_fn(|inner: ReplyService| {
    ///     service_fn(move |routed: Routed| {
    ///         let inner = inner.clone();
    ///         async move {
    ///             let asked = routed.as_chat()?;
    ///             if asked.messages.iter().any(|message| message.text().contains("password")) {
    ///                 let message = "do not ask for passwords";
    ///                 return Err(Error::refused(StatusCode::FORBIDDEN, "content_filter", message));
    ///             }
    ///             inner.oneshot(routed).await
    ///         }
    ///     })
    /// });
    /// let nexus = Gateway::builder(store).layer_replies(guardrail).build().await?;
    /// # nexus.close().await
    /// # }
    /// ```
    #[must_use]
    pub fn layer_replies<L>(mut self, layer: L) -> Self
    where
        L: Layer<ReplyService> + Send + Sync + 'static,
        L::Service: Service<Routed, Response = Reply, Error: Into<BoxError>>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<Routed>>::Future: Send,
    {
        self.layers.replies.push(layer);
        self
    }

    /// Puts `layer` around each attempt at a provider: signing, canaries, retries. It
    /// sees an attempt for each candidate that is asked, and each retry; what it fails with counts
    /// against that provider where the error's kind says so.
    #[must_use]
    pub fn layer_attempts<L>(mut self, layer: L) -> Self
    where
        L: Layer<AttemptService> + Send + Sync + 'static,
        L::Service: Service<Attempt, Response = Reply, Error: Into<BoxError>>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<Attempt>>::Future: Send,
    {
        self.layers.attempts.push(layer);
        self
    }
}
