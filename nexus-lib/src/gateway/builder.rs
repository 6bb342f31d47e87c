use std::collections::HashMap;
use std::sync::Arc;

use secrecy::SecretString;

use crate::archive::Archive;
use crate::call::Operation;
use crate::error::Result;
use crate::estimate::Estimator;
use crate::gateway::dispatch::Dispatch;
use crate::gateway::{Gateway, stack};
use crate::ledger::UsageLedger;
use crate::meter::Books;
use crate::provider::{DemoProvider, OpenAiProvider, Provider, Transport};
use crate::registry::Registry;
use crate::router::{RetryPolicy, Router};
use crate::store::{LedgerStore, RegistryStore, Store};
use crate::thread::{self, Threads};
use crate::wire::Timestamp;

const MAX_BODY_BYTES: usize = 64 << 20;

/// Settings of a [`Gateway`].
pub struct GatewayBuilder {
    store: Arc<dyn Store>,
    providers: Vec<Arc<dyn Provider>>,
    transport: Option<Transport>,
    archive: Option<Archive>,
    retries: RetryPolicy,
    admin_token: Option<SecretString>,
    max_body_bytes: usize,
}

impl GatewayBuilder {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            providers: Vec::new(),
            transport: None,
            archive: None,
            retries: RetryPolicy::default(),
            admin_token: None,
            max_body_bytes: MAX_BODY_BYTES,
        }
    }

    /// Adds an implementation; it takes the place of a built-in one of the same kind.
    #[must_use]
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Replaces the connections to upstreams, and their timers.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Keeps the messages of all calls in `archive`. Without one they are not kept.
    #[must_use]
    pub fn archive(mut self, archive: Option<Archive>) -> Self {
        self.archive = archive;
        self
    }

    /// Replaces when the last candidate is asked again, where all have failed.
    #[must_use]
    pub fn retries(mut self, retries: RetryPolicy) -> Self {
        self.retries = retries;
        self
    }

    /// The bearer token that the admin port asks for. Without one it serves only requests to a
    /// loopback name.
    #[must_use]
    pub fn admin_token(mut self, token: Option<SecretString>) -> Self {
        self.admin_token = token;
        self
    }

    /// The longest request body that the LLM port takes, in bytes. 64 MiB unless set.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Reads the registry, settles what an earlier run left open, and starts the ledger's writer.
    ///
    /// Must be called on a tokio runtime.
    ///
    /// # Errors
    /// Those of the store, and `InvalidConfig` when TLS cannot be set up.
    ///
    /// # Cancel safety
    /// Dropped, it leaves nothing running.
    pub async fn build(self) -> Result<Gateway> {
        let transport = match self.transport {
            Some(transport) => transport,
            None => Transport::builder().build()?,
        };
        let built_in: [Arc<dyn Provider>; 3] = [
            Arc::new(OpenAiProvider::new(transport.clone())),
            // Grok's API is OpenAI's.
            Arc::new(OpenAiProvider::for_kind("xai", transport)),
            Arc::new(DemoProvider),
        ];
        let providers: HashMap<&'static str, Arc<dyn Provider>> = built_in
            .into_iter()
            .chain(self.providers)
            .map(|provider| (provider.kind(), provider))
            .collect();

        let registry_store: Arc<dyn RegistryStore> = self.store.clone();
        let registry = Registry::open(registry_store, providers.keys().copied()).await?;
        let ledger_store: Arc<dyn LedgerStore> = self.store.clone();
        let ledger = UsageLedger::start(ledger_store).await?;
        let now = Timestamp::now();
        let threads = Threads::default();
        let known = self
            .store
            .threads(now, thread::MEMORY, thread::MOST_REPLIES);
        threads.recall(known.await?);
        let books = Books {
            ledger,
            threads,
            estimator: Estimator::new(),
            archive: self.archive,
        };
        let speakers = providers.iter().map(|(kind, provider)| {
            let spoken = |operation: &Operation| provider.speaks(*operation);
            (*kind, Operation::ALL.into_iter().filter(spoken).collect())
        });
        let speakers = speakers.collect();
        let stack = stack::build(
            Router::with_speakers(speakers),
            books.clone(),
            self.retries,
            Dispatch::new(providers.into_iter().collect()),
        );
        Ok(Gateway {
            store: self.store,
            registry,
            books,
            stack,
            admin_token: self.admin_token,
            max_body_bytes: self.max_body_bytes,
        })
    }
}
