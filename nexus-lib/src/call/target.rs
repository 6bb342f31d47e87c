use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use http::{HeaderValue, Uri};
use memchr::memmem::Finder;
use secrecy::{ExposeSecret, SecretString};

use crate::call::Scope;
use crate::error::{Error, ErrorKind, Result};
use crate::health::Vitals;
use crate::wire::{
    BaseUrl, Endpoint, ModelId, Operation, Protocols, ProviderId, ProviderLimits, ProxyList,
    Timestamp,
};

/// A provider as calls see it: the stored record, made ready once for every request after.
pub struct ProviderProfile {
    /// Names it.
    pub id: ProviderId,
    /// Its name, for people.
    pub name: Arc<str>,
    /// Its name as a header value.
    pub name_header: HeaderValue,
    /// Which implementation speaks to it.
    pub kind: Arc<str>,
    /// Where it is.
    pub base_url: BaseUrl,
    /// Its key; empty when it needs none.
    pub server_key: SecretString,
    /// `Bearer` and its key, marked sensitive; `None` when it needs none.
    pub bearer: Option<HeaderValue>,
    /// Low ones are asked first.
    pub priority: i32,
    /// Its share among equals.
    pub weight: u32,
    /// What its operator bounds.
    pub limits: ProviderLimits,
    /// In which protocols it takes chats as they come; `None` where its kind and its URL tell.
    pub protocols: Option<Protocols>,
    /// How it is doing.
    pub vitals: Arc<Vitals>,
    /// Where its requests go, by operation, once that was asked for.
    pub(crate) endpoints: Endpoints,
    /// What finds its key in a text, once that was looked for.
    pub(crate) key_finder: KeyFinder,
}

/// Finds a provider's key in what the provider says. Made once, since answers are many.
#[derive(Default)]
pub(crate) struct KeyFinder(OnceLock<Option<Finder<'static>>>);

/// Shorter keys are not looked for: they might be any word, and protect nothing.
pub(crate) const SHORTEST_KEY: usize = 8;

/// A place for each operation's URL.
#[derive(Default)]
pub(crate) struct Endpoints([OnceLock<Arc<Endpoint>>; Operation::ALL.len()]);

impl ProviderProfile {
    /// A provider that is no record of a registry, but a service in this process.
    pub(crate) fn in_process(name: &str) -> Result<Self> {
        let name_header = HeaderValue::from_str(name).map_err(|cause| {
            let message = "a provider's name is visible ASCII";
            Error::new(ErrorKind::InvalidConfig, message).with_source(cause)
        })?;
        Ok(Self {
            id: ProviderId(0),
            name: name.into(),
            name_header,
            kind: "in-process".into(),
            base_url: BaseUrl::parse("http://in-process.invalid")?,
            server_key: SecretString::default(),
            bearer: None,
            priority: 0,
            weight: 1,
            limits: ProviderLimits::default(),
            protocols: None,
            vitals: Arc::default(),
            endpoints: Endpoints::default(),
            key_finder: KeyFinder::default(),
        })
    }

    /// Where this provider's requests for `operation` go: joined by its dialect once, and kept.
    pub(crate) fn endpoint(
        &self,
        operation: Operation,
        join: impl FnOnce(&BaseUrl) -> Result<Uri>,
    ) -> Result<&Arc<Endpoint>> {
        let place = &self.endpoints.0[operation as usize];
        if let Some(endpoint) = place.get() {
            return Ok(endpoint);
        }
        let endpoint = Arc::new(Endpoint::new(join(&self.base_url)?)?);
        Ok(place.get_or_init(|| endpoint))
    }

    /// Whether the provider's key stands in `text` as it is.
    pub(crate) fn is_key_in(&self, text: &[u8]) -> bool {
        let finder = self.key_finder.0.get_or_init(|| {
            let key = self.expose_key();
            (key.len() >= SHORTEST_KEY).then(|| Finder::new(key.as_bytes()).into_owned())
        });
        let finder = finder.as_ref();
        finder.is_some_and(|finder| finder.find(text).is_some())
    }

    /// The provider's key. Empty when it needs none.
    pub fn expose_key(&self) -> &str {
        self.server_key.expose_secret()
    }
}

impl fmt::Debug for ProviderProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderProfile")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("priority", &self.priority)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// One provider without any of its models: where questions about the provider itself go.
#[derive(Debug)]
#[non_exhaustive]
pub struct Upstream {
    /// The provider.
    pub provider: ProviderProfile,
    /// The proxies that it is reached through, and never around them. `None` for a direct
    /// connection.
    pub proxies: Option<Arc<ProxyList>>,
}

/// One provider and one of its models: where an attempt goes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Target {
    /// The provider.
    pub provider: Arc<ProviderProfile>,
    /// The model's id in the registry.
    pub model_id: ModelId,
    /// The model's name, as clients say it.
    pub model: Arc<str>,
    /// The model's name as the upstream says it, when that differs.
    pub upstream_model: Option<Arc<str>>,
    /// Whether the model may think for minutes before it says a word.
    pub is_slow: bool,
    /// The proxies that it is reached through: its provider's, or those that its model goes by. A
    /// provider must never be connected to around them. `None` for a direct connection.
    pub proxies: Option<Arc<ProxyList>>,
    /// When the model was registered.
    pub created_at: Timestamp,
}

impl Target {
    /// The name to send upstream.
    pub fn model_sent(&self) -> &str {
        self.upstream_model.as_deref().unwrap_or(&self.model)
    }

    /// The same, shared.
    pub(crate) fn shared_model_sent(&self) -> Arc<str> {
        let sent = self.upstream_model.as_ref().unwrap_or(&self.model);
        Arc::clone(sent)
    }

    /// Whether the model is one of Gemini's, which may sign its tool calls.
    pub(crate) fn is_gemini(&self) -> bool {
        self.model_sent().contains("gemini")
    }
}

/// What one client may call: for each model's name, the targets in the order in which they are
/// asked.
#[derive(Debug, Default)]
pub struct Grant {
    targets: HashMap<Arc<str>, Arc<[Target]>>,
    /// What it was made for; `None` where it is what providers' own key opens.
    scope: Option<Scope>,
}

impl Grant {
    pub(crate) fn new(targets: HashMap<Arc<str>, Arc<[Target]>>, scope: Option<Scope>) -> Self {
        Self { targets, scope }
    }

    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// The targets for `model`, first choice first; `None` when the key may not call it.
    pub fn targets(&self, model: &str) -> Option<&Arc<[Target]>> {
        self.targets.get(model)
    }

    /// Every model's name with its targets, in no order.
    pub fn models(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<[Target]>)> {
        self.targets.iter()
    }
}
