//! The whole, put together: a [`Gateway`] owns a registry, a ledger and the stack between them.

mod builder;
mod chat;
mod dispatch;
mod stack;

pub use builder::GatewayBuilder;
pub use chat::{ChatReply, ChatStream};
pub use stack::Stack;

use std::sync::Arc;

use secrecy::SecretString;

use crate::error::Result;
use crate::http::{AdminService, ApiService};
use crate::ledger::UsageLedger;
use crate::registry::Registry;
use crate::store::Store;
use crate::thread::Threads;

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
    store: Arc<dyn Store>,
    registry: Registry,
    ledger: UsageLedger,
    threads: Threads,
    stack: Stack,
    admin_token: Option<SecretString>,
    max_body_bytes: usize,
}

impl Gateway {
    /// A gateway over `store`, to be set up.
    pub fn builder(store: impl Store) -> GatewayBuilder {
        GatewayBuilder::new(Arc::new(store))
    }

    /// The LLM port: OpenAI's API as a tower service.
    pub fn api(&self) -> ApiService<Stack> {
        ApiService::new(
            self.registry.clone(),
            self.threads.clone(),
            self.stack.clone(),
            self.max_body_bytes,
        )
    }

    /// The admin port: providers, models and statistics as a tower service.
    ///
    /// Without an admin token it answers loopback names only; see
    /// [`GatewayBuilder::admin_token`].
    pub fn admin(&self) -> AdminService {
        let store = Arc::clone(&self.store);
        AdminService::new(self.registry.clone(), store, self.admin_token.clone())
    }

    /// The providers and models.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The ledger.
    pub fn ledger(&self) -> &UsageLedger {
        &self.ledger
    }

    /// Writes what is queued for the ledger and closes the store. Calls that are still under way fail:
    /// stop serving first.
    ///
    /// # Errors
    /// Those of the ledger and the store.
    ///
    /// # Cancel safety
    /// Call it again to go on.
    pub async fn close(&self) -> Result<()> {
        self.ledger.close().await?;
        self.store.close().await
    }
}
