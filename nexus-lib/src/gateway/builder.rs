use std::collections::HashMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;

use crate::archive::Archive;
use crate::body_memory::{BodyMemory, a_quarter};
use crate::call::Operation;
use crate::conversation::{self, Conversations};
use crate::error::Result;
use crate::estimate::Estimator;
use crate::gateway::built_in::BuiltIn;
use crate::gateway::dispatch::Dispatch;
use crate::gateway::stack::OwnLayers;
use crate::gateway::watch::Watch;
use crate::gateway::{Gateway, stack};
use crate::http::{BodyTimeouts, SettingsView, SocketSettings, Sockets};
use crate::intake::{Authenticator, Intake, IntakeParts, OpenRequests};
use crate::ledger::{LedgerParts, LedgerSink, UsageLedger};
use crate::memory::Recent;
use crate::meter::{Books, Cutoff};
use crate::observe::{Observer, Observers};
use crate::provider::{ByKind, Manner, Provider};
use crate::registry::{Registry, RegistryOptions};
use crate::router::{RetryPolicy, Router};
use crate::secret::MasterKey;
use crate::store::{LedgerQueries, LedgerStore, RegistryStore, StoreWatch};
use crate::wire::{Hop, ProxyList, Timestamp};

const MAX_BODY_BYTES: usize = 64 << 20;
const MAX_OPEN_REQUESTS: usize = 4096;

/// Where a gateway keeps what persists.
pub(super) struct Parts {
    pub(super) registry: Arc<dyn RegistryStore>,
    pub(super) ledger: Arc<dyn LedgerStore>,
    pub(super) queries: Arc<dyn LedgerQueries>,
}

/// Settings of a [`Gateway`].
pub struct GatewayBuilder {
    parts: Parts,
    master_key: Option<MasterKey>,
    providers: Vec<Arc<dyn Provider>>,
    pub(super) built_in: BuiltIn,
    archive: Option<Archive>,
    retries: RetryPolicy,
    grok_proxies: Option<ProxyList>,
    observers: Vec<Arc<dyn Observer>>,
    authenticator: Option<Arc<dyn Authenticator>>,
    sink: Option<Arc<dyn LedgerSink>>,
    #[cfg(feature = "metrics")]
    metrics: Option<crate::metrics::Metrics>,
    admin_token: Option<SecretString>,
    strict: bool,
    max_body_bytes: usize,
    max_body_memory: Option<usize>,
    body_timeouts: BodyTimeouts,
    max_open_requests: usize,
    sockets: SocketSettings,
    settings: Value,
    pub(super) layers: OwnLayers,
}

opaque_debug!(GatewayBuilder);

impl GatewayBuilder {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            parts,
            master_key: None,
            providers: Vec::new(),
            built_in: BuiltIn::default(),
            archive: None,
            retries: RetryPolicy::default(),
            grok_proxies: None,
            observers: Vec::new(),
            authenticator: None,
            sink: None,
            #[cfg(feature = "metrics")]
            metrics: None,
            admin_token: None,
            strict: false,
            max_body_bytes: MAX_BODY_BYTES,
            max_body_memory: None,
            body_timeouts: BodyTimeouts::default(),
            max_open_requests: MAX_OPEN_REQUESTS,
            sockets: SocketSettings::default(),
            settings: Value::Null,
            layers: OwnLayers::default(),
        }
    }

    /// The key that seals providers' keys in the store. A [`SqliteStore`](crate::SqliteStore) has
    /// one of its own, which is used unless set; other stores need one here.
    #[must_use]
    pub fn master_key(mut self, key: MasterKey) -> Self {
        self.master_key = Some(key);
        self
    }

    /// Adds an implementation; it takes the place of a built-in one of the same kind.
    #[must_use]
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
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

    /// The outbound proxies of models named like Grok (`grok` begins the name that is sent
    /// upstream, or a part of it behind a `/`) whose provider names none. Without them they are
    /// connected to directly.
    #[must_use]
    pub fn grok_proxies(mut self, proxies: Option<ProxyList>) -> Self {
        self.grok_proxies = proxies;
        self
    }

    /// Adds an observer of what happens. There may be several.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Replaces who finds out which client a request is of: users of the application's own, in
    /// place of or besides the keys of the registry.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Hands each row of the ledger to `sink`, too, once it is settled and committed. There is one;
    /// another takes its place. The store must have an [outbox](crate::store::LedgerOutbox), as
    /// SQLite's has.
    #[must_use]
    pub fn ledger_sink(mut self, sink: impl LedgerSink) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// Counts what happens in `metrics`, and shows them on the admin port, at `/metrics`.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics(mut self, metrics: crate::metrics::Metrics) -> Self {
        self.metrics = Some(metrics.clone());
        self.observer(metrics)
    }

    /// The bearer token that the admin port asks for. Without one it serves only requests to a
    /// loopback name.
    #[must_use]
    pub fn admin_token(mut self, token: Option<SecretString>) -> Self {
        self.admin_token = token;
        self
    }

    /// Refuses a request of which the protocol of its provider cannot tell all. Otherwise hints are
    /// left out, and named in the header `x-nexus-dropped` of the answer; what changes the meaning
    /// is always refused.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The longest request body that the LLM port takes, in bytes. 64 MiB unless set.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// How many bytes the bodies of requests, and answers that are held whole, may take together. A
    /// quarter of the machine's memory, or of what its control group allows, unless set. A request
    /// whose body has no room is answered 503, with `retry-after`; one client never takes all of
    /// it. Bodies of up to 16 KiB do not count.
    #[must_use]
    pub fn max_body_memory(mut self, bytes: usize) -> Self {
        self.max_body_memory = Some(bytes);
        self
    }

    /// How long clients may take to send the body of a request, on both ports.
    #[must_use]
    pub fn body_timeouts(mut self, timeouts: BodyTimeouts) -> Self {
        self.body_timeouts = timeouts;
        self
    }

    /// What a WebSocket may take, and for how long it is waited for.
    #[cfg(feature = "ws")]
    #[must_use]
    pub fn sockets(mut self, settings: SocketSettings) -> Self {
        self.sockets = settings;
        self
    }

    /// How many chats may be open at once; 4,096 unless set. A chat is open until the last of its
    /// answer has been taken or its client has left. Those beyond are answered 503 at once, with
    /// `retry-after`. Chats over WebSocket, the operator's and those [without HTTP](Gateway::chat)
    /// count alike.
    #[must_use]
    pub fn max_open_requests(mut self, requests: usize) -> Self {
        self.max_open_requests = requests;
        self
    }

    /// What the application tells of its own settings: shown to the operator beside the gateway's,
    /// by `GET /settings` and in the console. It must hold nothing secret. A table that is no JSON
    /// is not shown.
    #[must_use]
    pub fn settings(mut self, table: impl Serialize) -> Self {
        self.settings = serde_json::to_value(table).unwrap_or_default();
        self
    }

    /// Reads the registry, settles what an earlier run left open, and starts the ledger's writer.
    ///
    /// Must be called on a tokio runtime. The gateway may outlive it, and be used from others: what
    /// works in the background then goes on in conversations of its own.
    ///
    /// # Errors
    /// Those of the store, and `InvalidConfig` when TLS cannot be set up.
    ///
    /// # Cancel safety
    /// Dropped, it leaves nothing running.
    pub async fn build(self) -> Result<Gateway> {
        let memory = BodyMemory::at_most(self.max_body_memory.unwrap_or_else(a_quarter));
        let recent = Recent::default();
        let manner = Manner {
            is_strict: self.strict,
            recent: recent.clone(),
        };
        let providers: HashMap<&'static str, Arc<dyn Provider>> = self
            .built_in
            .providers(&manner, &memory)?
            .into_iter()
            .chain(self.providers)
            .map(|provider| (provider.kind(), provider))
            .collect();

        let Parts {
            registry,
            ledger: store,
            queries,
        } = self.parts;
        let options = RegistryOptions {
            kinds: providers.keys().copied().collect(),
            grok_proxies: self.grok_proxies.map(Arc::new),
            master_key: self.master_key,
        };
        let registry = Registry::open_with(registry, options).await?;
        let observers: Observers = self.observers.into_iter().collect();
        let ledger = UsageLedger::over(LedgerParts {
            store: Arc::clone(&store),
            queries: Arc::clone(&queries),
            observers: observers.clone(),
            sink: self.sink,
        });
        let ledger = ledger.await?;
        let now = Timestamp::now();
        let conversations = Conversations::over(recent.clone());
        let known =
            queries.recall_conversations(now, conversation::MEMORY, conversation::MAX_REPLIES);
        conversations.recall(known.await?);
        let books = Books {
            ledger,
            conversations,
            estimator: Estimator::new(),
            archive: self.archive,
            store: StoreWatch::default(),
            cutoff: Cutoff::default(),
            observers,
        };
        let watch = Watch::start(Arc::clone(&store), books.store.clone());
        let speakers = providers.iter().map(|(kind, provider)| {
            let spoken =
                |operation: &Operation| is_for_all(*operation) || provider.speaks(*operation);
            (*kind, Operation::ALL.into_iter().filter(spoken).collect())
        });
        let speakers = speakers.collect();
        let providers = ByKind::new(providers.into_iter().collect());
        let hop = Hop::new();
        let stack = stack::build(
            Router::with_speakers(speakers),
            books.clone(),
            self.retries,
            Dispatch::new(providers.clone(), self.strict, recent),
            hop.clone(),
            self.layers,
        );
        let settings = SettingsView {
            version: env!("CARGO_PKG_VERSION"),
            kinds: registry.kinds(),
            admin_token: self.admin_token.is_some(),
            max_body_bytes: self.max_body_bytes,
            max_body_memory_bytes: memory.most(),
            archive: books.archive.is_some(),
            retries: self.retries.into(),
            application: self.settings,
        };
        let intake = IntakeParts {
            authenticator: self.authenticator,
            registry: registry.clone(),
            conversations: books.conversations.clone(),
            open_requests: OpenRequests::at_most(self.max_open_requests),
            observers: books.observers.clone(),
            memory,
            hop,
        };
        Ok(Gateway {
            store,
            queries,
            watch,
            registry,
            books,
            intake: Intake::new(intake, stack),
            admin_token: self.admin_token,
            max_body_bytes: self.max_body_bytes,
            body_timeouts: self.body_timeouts,
            sockets: Sockets::new(self.sockets),
            providers,
            settings,
            #[cfg(feature = "metrics")]
            metrics: self.metrics,
        })
    }
}

/// Whether every provider answers `operation`, in its own words or in others.
fn is_for_all(operation: Operation) -> bool {
    operation.is_chat() || operation == Operation::TokenCount
}
