use secrecy::SecretString;

use crate::error::Result;
use crate::secret::{MasterKey, Seals};
use crate::store::{
    KeyRecord, KeySecret, ModelRecord, ProjectRecord, ProviderFields, RegistryRecords,
    SealedProvider, Version,
};
use crate::wire::{KeyId, ProviderId, Timestamp};

/// A registered provider, with its secrets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProviderRecord {
    /// Its id.
    pub id: ProviderId,
    /// All that is no secret.
    pub fields: ProviderFields,
    /// Its own key; empty when it needs none.
    pub server_key: SecretString,
    /// Its outbound proxies, with their passwords; `None` for direct connections.
    pub proxy_url: Option<SecretString>,
    /// The id of the key that its clients send.
    pub key_id: KeyId,
    /// What is kept of that key's text.
    pub client_key: KeySecret,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ProviderRecord {
    pub(super) fn unseal(sealed: SealedProvider, seals: &Seals) -> Result<Self> {
        let row = sealed.id.0;
        let proxy_url = sealed.proxy_url.as_ref();
        Ok(Self {
            id: sealed.id,
            fields: sealed.fields,
            server_key: seals.server_key.open(row, &sealed.server_key)?,
            proxy_url: proxy_url
                .map(|proxies| seals.proxy_url.open(row, proxies))
                .transpose()?,
            key_id: sealed.key_id,
            client_key: sealed.client_key,
            created_at: sealed.created_at,
            updated_at: sealed.updated_at,
        })
    }

    /// Its version.
    pub fn version(&self) -> Version {
        Version::of(self.updated_at)
    }
}

/// All that is registered, as it stood at one moment, with its secrets.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Registered {
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

impl Registered {
    /// Opens the secrets of what a store keeps.
    ///
    /// # Errors
    /// [`ErrorKind::StoreInvalid`](crate::ErrorKind::StoreInvalid) when one was sealed with another
    /// master key or was modified.
    pub fn unseal(records: RegistryRecords, key: &MasterKey) -> Result<Self> {
        Self::unseal_with(records, &Seals::new(key))
    }

    pub(super) fn unseal_with(records: RegistryRecords, seals: &Seals) -> Result<Self> {
        let providers = records.providers.into_iter();
        let providers = providers.map(|sealed| ProviderRecord::unseal(sealed, seals));
        Ok(Self {
            revision: records.revision,
            providers: providers.collect::<Result<_>>()?,
            models: records.models,
            keys: records.keys,
            projects: records.projects,
        })
    }
}
