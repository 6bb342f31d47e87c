use secrecy::SecretString;

use crate::call::KeyHash;
use crate::store::{KeyRecord, ProjectRecord};
use crate::wire::{KeyId, ModelId, Protocols, ProviderId, ProviderLimits, Timestamp};

/// A provider to be stored. Fields are checked before they get here.
#[derive(Debug, Clone)]
pub struct NewProvider {
    /// Its name, for people.
    pub name: String,
    /// Which implementation speaks to it, such as `openai`.
    pub kind: String,
    /// Its base URL as the operator wrote it.
    pub server_url: String,
    /// Its own key; empty when it needs none.
    pub server_key: SecretString,
    /// The key that clients show.
    pub personalized_key: SecretString,
    /// Free text.
    pub description: String,
    /// The outbound proxies to reach it by, with their passwords; `None` for a direct connection.
    pub proxy_url: Option<SecretString>,
    /// Whether it takes requests.
    pub enabled: bool,
    /// Low ones are asked first.
    pub priority: i32,
    /// Its share among equals, at least 1.
    pub weight: u32,
    /// What its operator bounds.
    pub limits: ProviderLimits,
    /// In which protocols it takes chats as they come; `None` where its kind and its URL tell.
    pub protocols: Option<Protocols>,
}

/// New values for all of a provider's fields; the two keys may be left as they are.
#[derive(Debug, Clone)]
pub struct ProviderUpdate {
    /// See [`NewProvider::name`].
    pub name: String,
    /// See [`NewProvider::kind`].
    pub kind: String,
    /// See [`NewProvider::server_url`].
    pub server_url: String,
    /// A new key, or `None` to keep the present one.
    pub server_key: Option<SecretString>,
    /// A new client key, or `None` to keep the present one.
    pub personalized_key: Option<SecretString>,
    /// See [`NewProvider::description`].
    pub description: String,
    /// See [`NewProvider::proxy_url`].
    pub proxy_url: Option<SecretString>,
    /// See [`NewProvider::enabled`].
    pub enabled: bool,
    /// See [`NewProvider::priority`].
    pub priority: i32,
    /// See [`NewProvider::weight`].
    pub weight: u32,
    /// See [`NewProvider::limits`].
    pub limits: ProviderLimits,
    /// See [`NewProvider::protocols`].
    pub protocols: Option<Protocols>,
}

/// A stored provider.
#[derive(Debug, Clone)]
pub struct ProviderRecord {
    /// Names it.
    pub id: ProviderId,
    /// See [`NewProvider::name`].
    pub name: String,
    /// See [`NewProvider::kind`].
    pub kind: String,
    /// See [`NewProvider::server_url`].
    pub server_url: String,
    /// Its own key, unsealed.
    pub server_key: SecretString,
    /// The key that clients show.
    pub key_id: KeyId,
    /// The hash of the key that clients show.
    pub client_key: KeyHash,
    /// The mask of the key that clients show.
    pub client_key_mask: String,
    /// See [`NewProvider::description`].
    pub description: String,
    /// See [`NewProvider::proxy_url`].
    pub proxy_url: Option<SecretString>,
    /// See [`NewProvider::enabled`].
    pub enabled: bool,
    /// See [`NewProvider::priority`].
    pub priority: i32,
    /// See [`NewProvider::weight`].
    pub weight: u32,
    /// See [`NewProvider::limits`].
    pub limits: ProviderLimits,
    /// See [`NewProvider::protocols`].
    pub protocols: Option<Protocols>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A model to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// All that is registered, as it stood at one moment.
#[derive(Debug, Clone, Default)]
pub struct RegistryRecords {
    /// Rises with every write; a higher one is newer.
    pub revision: u64,
    /// The providers, ordered by id.
    pub providers: Vec<ProviderRecord>,
    /// The models, ordered by id.
    pub models: Vec<ModelRecord>,
    /// The keys, ordered by id.
    pub keys: Vec<KeyRecord>,
    /// The projects, ordered by id.
    pub projects: Vec<ProjectRecord>,
}
