use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorKind, Result};
use crate::secret::{MasterKey, Sealed, Seals};
use crate::store::{KeyRecord, KeySecret, ProjectRecord, Version};
use crate::wire::{KeyId, ModelId, Protocols, ProviderId, ProviderLimits, Timestamp};

/// What an operator sets of a provider, except for its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderFields {
    /// Its name, for people.
    pub name: String,
    /// The implementation that speaks to it, such as `openai`.
    pub kind: String,
    /// Its base URL as the operator wrote it.
    pub server_url: String,
    /// Free text.
    pub description: String,
    /// Whether it takes requests.
    pub enabled: bool,
    /// Providers with lower values are tried first.
    pub priority: i32,
    /// Its share of requests among providers of equal priority, at least 1.
    pub weight: u32,
    /// Its limits.
    pub limits: ProviderLimits,
    /// The protocols in which it accepts chats without translation; `None` to derive them from its
    /// kind and its URL.
    pub protocols: Option<Protocols>,
}

impl ProviderFields {
    /// An enabled provider of priority 0 and weight 1, without limits.
    pub fn new(
        name: impl Into<String>,
        kind: impl Into<String>,
        server_url: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            server_url: server_url.into(),
            description: String::new(),
            enabled: true,
            priority: 0,
            weight: 1,
            limits: ProviderLimits::default(),
            protocols: None,
        }
    }
}

/// What a store writes of a provider. Its secrets leave it only sealed, for the id that the store
/// gives to the provider.
///
/// ```
/// use nexus_lib::secret::MasterKey;
/// use nexus_lib::store::{ProviderFields, ProviderWrite};
/// use nexus_lib::wire::ProviderId;
///
/// # fn main() -> nexus_lib::Result<()> {
/// let fields = ProviderFields::new("Local", "ollama", "http://127.0.0.1:11434");
/// let write = ProviderWrite::new(fields, &MasterKey::generate()?)
///     .with_server_key("sk-secret")
///     .with_client_key("team-key");
/// let sealed = write.seal(ProviderId(1))?;
/// assert!(sealed.server_key.is_some() && sealed.proxy_url.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ProviderWrite {
    /// All that is no secret.
    pub fields: ProviderFields,
    /// The key that its clients send; `None` in an update that keeps the present one.
    pub client_key: Option<KeySecret>,
    server_key: Option<SecretString>,
    proxy_url: Option<SecretString>,
    seals: Seals,
}

impl ProviderWrite {
    /// A write of these fields that keeps both keys and has no proxy.
    pub fn new(fields: ProviderFields, key: &MasterKey) -> Self {
        Self::sealed_by(fields, Seals::new(key))
    }

    pub(crate) fn sealed_by(fields: ProviderFields, seals: Seals) -> Self {
        Self {
            fields,
            client_key: None,
            server_key: None,
            proxy_url: None,
            seals,
        }
    }

    /// Sets the provider's own key; it is empty when the provider needs none.
    #[must_use]
    pub fn with_server_key(mut self, key: impl Into<SecretString>) -> Self {
        self.server_key = Some(key.into());
        self
    }

    /// Sets the key that its clients send.
    #[must_use]
    pub fn with_client_key(mut self, key: impl Into<SecretString>) -> Self {
        self.client_key = Some(KeySecret::of(&key.into()));
        self
    }

    /// Sets its outbound proxies, with their passwords.
    #[must_use]
    pub fn with_proxy_url(mut self, proxies: impl Into<SecretString>) -> Self {
        self.proxy_url = Some(proxies.into());
        self
    }

    /// The secrets of the provider with this id, as they may be stored.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) when the system's random source fails.
    pub fn seal(&self, id: ProviderId) -> Result<SealedSecrets> {
        let server_key = self.server_key.as_ref();
        let proxy_url = self.proxy_url.as_ref();
        Ok(SealedSecrets {
            server_key: server_key
                .map(|key| self.seals.server_key.seal(id.0, key.expose_secret()))
                .transpose()?,
            proxy_url: proxy_url
                .map(|proxies| self.seals.proxy_url.seal(id.0, proxies.expose_secret()))
                .transpose()?,
        })
    }

    /// Whether the write would change nothing of a provider with these secrets.
    pub(crate) fn keeps(
        &self,
        server_key: &SecretString,
        proxy_url: Option<&SecretString>,
    ) -> bool {
        let keeps_key = (self.server_key.as_ref())
            .is_none_or(|key| key.expose_secret() == server_key.expose_secret());
        let proxies = self.proxy_url.as_ref().map(ExposeSecret::expose_secret);
        keeps_key && proxies == proxy_url.map(ExposeSecret::expose_secret)
    }
}

/// The secrets of a [`ProviderWrite`], sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedSecrets {
    /// The provider's own key; `None` in an update that keeps the present one.
    pub server_key: Option<Sealed>,
    /// Its outbound proxies; `None` if it has none.
    pub proxy_url: Option<Sealed>,
}

/// A provider as it is stored: its secrets are sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedProvider {
    /// Its id, to which the secrets are bound.
    pub id: ProviderId,
    /// All that is no secret.
    pub fields: ProviderFields,
    /// Its own key.
    pub server_key: Sealed,
    /// Its outbound proxies, with their passwords; `None` for direct connections.
    pub proxy_url: Option<Sealed>,
    /// The id of the key that its clients send.
    pub key_id: KeyId,
    /// What is kept of that key's text.
    pub client_key: KeySecret,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl SealedProvider {
    /// What a store keeps of a new provider.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`](crate::ErrorKind::Unprocessable), naming the parameter, when
    /// the write has no server key or no client key; else those of [`ProviderWrite::seal`].
    pub fn new(
        id: ProviderId,
        key_id: KeyId,
        write: &ProviderWrite,
        now: Timestamp,
    ) -> Result<Self> {
        let sealed = write.seal(id)?;
        Ok(Self {
            id,
            fields: write.fields.clone(),
            server_key: required(sealed.server_key, "server_key")?,
            proxy_url: sealed.proxy_url,
            key_id,
            client_key: required(write.client_key.clone(), "personalized_key")?,
            created_at: now,
            updated_at: now,
        })
    }

    /// Its version.
    pub fn version(&self) -> Version {
        Version::of(self.updated_at)
    }
}

/// Refuses a new provider without one of its keys.
pub(super) fn required<T>(key: Option<T>, name: &'static str) -> Result<T> {
    key.ok_or_else(|| {
        let message = format!("a new provider needs a `{name}`");
        Error::new(ErrorKind::Unprocessable, message).with_param(name)
    })
}

/// A model to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewModel {
    /// The provider that has it.
    pub provider_id: ProviderId,
    /// The name that clients use.
    pub model_name: String,
    /// The name that the upstream uses, when it differs.
    pub upstream_model: Option<String>,
    /// Free text.
    pub description: String,
}

impl NewModel {
    /// A model that clients and the upstream call by the same name.
    pub fn new(provider_id: ProviderId, model_name: impl Into<String>) -> Self {
        Self {
            provider_id,
            model_name: model_name.into(),
            upstream_model: None,
            description: String::new(),
        }
    }
}

/// A stored model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelRecord {
    /// Names it.
    pub id: ModelId,
    /// See [`NewModel::provider_id`].
    pub provider_id: ProviderId,
    /// See [`NewModel::model_name`].
    pub model_name: String,
    /// See [`NewModel::upstream_model`].
    pub upstream_model: Option<String>,
    /// See [`NewModel::description`].
    pub description: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ModelRecord {
    /// A model that was just stored.
    pub fn new(id: ModelId, new: NewModel, now: Timestamp) -> Self {
        Self {
            id,
            provider_id: new.provider_id,
            model_name: new.model_name,
            upstream_model: new.upstream_model,
            description: new.description,
            created_at: now,
            updated_at: now,
        }
    }

    /// Its version.
    pub fn version(&self) -> Version {
        Version::of(self.updated_at)
    }
}

/// All that is registered, as it stood at one moment.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RegistryRecords {
    /// Rises with every write; a higher one is newer.
    pub revision: u64,
    /// The providers, ordered by id.
    pub providers: Vec<SealedProvider>,
    /// The models, ordered by id.
    pub models: Vec<ModelRecord>,
    /// The keys, ordered by id.
    pub keys: Vec<KeyRecord>,
    /// The projects, ordered by id.
    pub projects: Vec<ProjectRecord>,
}
