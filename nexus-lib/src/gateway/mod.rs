//! The whole, put together: a [`Gateway`] owns a registry, a ledger and the stack between them.

mod builder;
#[cfg(feature = "upstreams")]
mod built_in;
#[cfg(not(feature = "upstreams"))]
#[path = "demo_only.rs"]
mod built_in;
mod chat;
mod dispatch;
mod guarded;
mod layers;
#[cfg(feature = "upstreams")]
mod probe;
mod seam;
mod stack;
mod watch;

pub use builder::GatewayBuilder;
pub use chat::{ChatReply, ChatStream};
pub use layers::{AttemptService, CallService, ReplyService};
#[cfg(feature = "upstreams")]
pub use probe::Probe;
pub use stack::Stack;

use std::sync::Arc;

use secrecy::SecretString;

use crate::error::Result;
#[cfg(feature = "metrics")]
use crate::http::MetricsPage;
use crate::http::{
    AdminService, ApiParts, ApiService, BodyTimeouts, GatewayParts, LedgerOf, SettingsView, Sockets,
};
use crate::intake::Intake;
use crate::ledger::UsageLedger;
use crate::meter::Books;
use crate::provider::ByKind;
use crate::registry::Registry;
use crate::store::{LedgerQueries, LedgerStore, RegistryStore, Store};
use builder::Parts;
use watch::Watch;

/// A running gateway. A clone is the same one.
///
/// ```no_run
/// # async fn run() -> nexus_lib::Result<()> {
/// use nexus_lib::{ChatRequest, Gateway, SqliteStore};
///
/// let store = SqliteStore::open("data/nexus.db").await?;
/// let nexus = Gateway::builder(store).build().await?;
/// let reply = nexus.chat(ChatRequest::new("gpt-4o").user("hi").key("client-key")).await?;
/// println!("{}", reply.completion.text());
/// nexus.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct Gateway {
    store: Arc<dyn LedgerStore>,
    queries: Arc<dyn LedgerQueries>,
    watch: Watch,
    registry: Registry,
    books: Books,
    intake: Intake<Stack>,
    admin_token: Option<SecretString>,
    max_body_bytes: usize,
    body_timeouts: BodyTimeouts,
    sockets: Sockets,
    providers: ByKind,
    settings: SettingsView,
    #[cfg(feature = "metrics")]
    metrics: Option<crate::metrics::Metrics>,
}

opaque_debug!(Gateway);

impl Gateway {
    /// A gateway over `store`, to be set up.
    pub fn builder(store: impl Store) -> GatewayBuilder {
        let store = Arc::new(store);
        GatewayBuilder::new(Parts {
            registry: store.clone(),
            ledger: store.clone(),
            queries: store,
        })
    }

    /// A gateway over stores taken apart: one that has the registry, one that the ledger is written
    /// to, and one that answers questions about the ledger. The gateway asks the ledger's whether
    /// it answers, and closes it at the end; the others end when they are dropped.
    pub fn builder_with(
        registry: impl RegistryStore,
        ledger: impl LedgerStore,
        queries: impl LedgerQueries,
    ) -> GatewayBuilder {
        GatewayBuilder::new(Parts {
            registry: Arc::new(registry),
            ledger: Arc::new(ledger),
            queries: Arc::new(queries),
        })
    }

    /// The LLM port: OpenAI's API as a tower service.
    pub fn api(&self) -> ApiService<Stack> {
        ApiService::over(ApiParts {
            intake: self.intake.clone(),
            max_body_bytes: self.max_body_bytes,
            body_timeouts: self.body_timeouts,
            sockets: self.sockets.clone(),
        })
    }

    /// The admin port: providers, models, statistics and the web console as a tower service.
    ///
    /// Without an admin token it answers loopback names only; see
    /// [`GatewayBuilder::admin_token`].
    pub fn admin(&self) -> AdminService {
        let store = LedgerOf {
            store: Arc::clone(&self.store),
            queries: Arc::clone(&self.queries),
        };
        let archive = self.books.archive.clone();
        let token = self.admin_token.clone();
        let parts = GatewayParts {
            chats: self.intake.boxed(),
            providers: self.providers.clone(),
            books: self.books.clone(),
            settings: self.settings.clone(),
            refusals: self.intake.refusals().clone(),
        };
        let admin = AdminService::over(self.registry.clone(), store, archive, token, Some(parts))
            .body_timeouts(self.body_timeouts)
            .body_memory(self.intake.memory().clone());
        #[cfg(feature = "metrics")]
        if let Some(metrics) = self.metrics.clone() {
            let (registry, ledger) = (self.registry.clone(), self.books.ledger.clone());
            return admin.metrics(move |accept| {
                let format = crate::metrics::TextFormat::accepted(accept);
                MetricsPage {
                    content_type: format.content_type(),
                    text: metrics.text(format, &registry.snapshot(), ledger.queued()),
                }
            });
        }
        admin
    }

    /// The providers and models.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The ledger.
    pub fn ledger(&self) -> &UsageLedger {
        &self.books.ledger
    }

    /// The WebSockets, which a server that drains its connections does not see.
    #[cfg(feature = "ws")]
    pub fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// Cuts off the calls that are under way: they fail with [`Closed`](crate::ErrorKind::Closed),
    /// are settled as failed, and an open stream ends with an error event. For those that have not
    /// finished when no more can be waited for them; [`close`](Self::close) comes after.
    ///
    /// It wakes nobody but the WebSockets: a call learns of it when it is polled next. New calls
    /// are refused.
    pub fn cut_off(&self) {
        self.books.cutoff.fall();
        self.sockets.drain();
    }

    /// Ends the WebSockets, writes what is queued for the ledger and the archive, and closes the
    /// store. Calls that are still under way fail: stop serving first.
    ///
    /// # Errors
    /// The first of the ledger's, the archive's and the store's; the others are closed all the
    /// same.
    ///
    /// # Cancel safety
    /// Call it again to go on.
    pub async fn close(&self) -> Result<()> {
        // First those who make calls, and who would take a store that was closed for one that
        // fails.
        self.watch.end();
        self.sockets.abort().await;
        // Before the ledger: what is counted is still to be settled.
        let counted = self.books.estimator.close().await;
        let settled = self.books.ledger.close().await;
        let archived = match &self.books.archive {
            Some(archive) => archive.close().await,
            None => Ok(()),
        };
        let stored = self.store.close().await;
        counted.and(settled).and(archived).and(stored)
    }
}
