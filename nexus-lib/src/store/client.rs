//! Clients: their keys, and the projects that group them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::secret::KeyHash;
use crate::store::Version;
use crate::wire::{KeyId, ProjectId, ProviderId, Timestamp, mask};

/// Where a key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyOrigin {
    /// An operator made it.
    Key,
    /// Providers carry it as their `personalized_key`. It opens just those, and goes with the last
    /// of them.
    Provider,
}

/// What is kept of a key's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySecret {
    /// What the key is found by.
    pub hash: KeyHash,
    /// What may be shown of it.
    pub mask: String,
}

impl KeySecret {
    /// What is kept of this key.
    pub fn of(key: &SecretString) -> Self {
        let key = key.expose_secret();
        Self {
            hash: KeyHash::of(key.as_bytes()),
            mask: mask(key),
        }
    }
}

/// What an operator sets of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyFields {
    /// Its name, for people.
    pub name: String,
    /// The project that it belongs to.
    pub project_id: Option<ProjectId>,
    /// The models that it may call, where `*` stands for any characters; all when `None`.
    pub models: Option<Vec<String>>,
    /// The providers that it opens; all when `None`. Those that are gone open nothing.
    pub providers: Option<Vec<ProviderId>>,
    /// Whether it is accepted.
    pub enabled: bool,
    /// Until when it is accepted.
    pub expires_at: Option<Timestamp>,
    /// The operator's own labels.
    pub tags: BTreeMap<String, String>,
}

impl KeyFields {
    /// An enabled key for everything, without an end.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            project_id: None,
            models: None,
            providers: None,
            enabled: true,
            expires_at: None,
            tags: BTreeMap::new(),
        }
    }
}

/// A stored key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRecord {
    /// Names it.
    pub id: KeyId,
    /// What its operator set.
    pub fields: KeyFields,
    /// What is kept of its text.
    pub secret: KeySecret,
    /// What its client's conversations are found by; stays when the text changes.
    pub identity: KeyHash,
    /// Where it comes from.
    pub origin: KeyOrigin,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was last used, where that is known.
    pub last_used_at: Option<Timestamp>,
}

impl KeyRecord {
    /// A key that was just stored with these values.
    pub fn new(
        id: KeyId,
        fields: KeyFields,
        secret: KeySecret,
        origin: KeyOrigin,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            fields,
            identity: secret.hash,
            secret,
            origin,
            created_at: now,
            updated_at: now,
            last_used_at: None,
        }
    }

    /// Which state of the key this is.
    pub fn version(&self) -> Version {
        Version::of(self.updated_at)
    }
}

/// What an operator sets of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectFields {
    /// Its name, for people.
    pub name: String,
}

impl ProjectFields {
    /// A project of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

/// A stored project.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectRecord {
    /// Names it.
    pub id: ProjectId,
    /// What its operator set.
    pub fields: ProjectFields,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ProjectRecord {
    /// A project that was just stored with these values.
    pub fn new(id: ProjectId, fields: ProjectFields, now: Timestamp) -> Self {
        Self {
            id,
            fields,
            created_at: now,
            updated_at: now,
        }
    }

    /// Which state of the project this is.
    pub fn version(&self) -> Version {
        Version::of(self.updated_at)
    }
}
