//! Clients by what they show, and what each may call.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{ProviderRecord, Registered};
use crate::call::{Client, Grant, Principal, Scope, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::KeyHash;
use crate::store::{KeyOrigin, KeyRecord};
use crate::wire::Timestamp;

/// How many grants are kept for scopes; beyond that they are made anew.
const MAX_GRANTS: usize = 1024;

/// What providers offer, by the model's name, first choice first.
pub(super) type Offer = HashMap<Arc<str>, Vec<Target>>;

/// The clients of one snapshot.
#[derive(Debug, Default)]
pub(super) struct Clients {
    by_key: HashMap<KeyHash, Entry, BuildHasherDefault<HashPrefix>>,
    /// What the keys open that providers carry. Each target is in one of them.
    carried: Vec<Arc<Grant>>,
    /// Made when they are asked for first.
    by_scope: Mutex<HashMap<Scope, Arc<Grant>>>,
}

/// A key that is known.
#[derive(Debug)]
struct Entry {
    is_enabled: bool,
    expires_at: Option<Timestamp>,
    /// Without its grant, where that is made when the client comes first.
    client: ClientOfKey,
}

#[derive(Debug)]
enum ClientOfKey {
    /// Of a key that providers carry.
    Carried(Principal),
    /// Of a key of its own: most of many keys are not used between two changes of the registry.
    Own {
        key: Box<KeyRecord>,
        made: OnceLock<Principal>,
    },
}

impl Clients {
    /// `offers` are those of the providers that carry a key, by its hash.
    pub(super) fn new(registered: &Registered, offers: HashMap<KeyHash, Offer>) -> Self {
        let mut clients = Self::default();
        let keys: HashMap<KeyHash, &KeyRecord> = (registered.keys.iter())
            .map(|key| (key.secret.hash, key))
            .collect();
        let carriers: HashMap<KeyHash, &ProviderRecord> = (registered.providers.iter().rev())
            .map(|provider| (provider.client_key.hash, provider))
            .collect();
        for (hash, offer) in offers {
            let targets = offer.into_iter();
            let targets = targets.map(|(model, targets)| (model, targets.into()));
            let grant = Arc::new(Grant::new(targets.collect(), None));
            clients.carried.push(Arc::clone(&grant));
            let key = keys.get(&hash);
            let Some(carrier) = carriers.get(&hash) else {
                continue;
            };
            let client = match key {
                Some(key) => client_of(key, grant),
                // A store that keeps no keys but those of its providers.
                None => Client {
                    key_id: Some(carrier.key_id),
                    name: Some(carrier.fields.name.as_str().into()),
                    project_id: None,
                    identity: hash,
                    key: Some(hash),
                    grant,
                },
            };
            let entry = Entry {
                is_enabled: key.is_none_or(|key| key.fields.enabled),
                expires_at: key.and_then(|key| key.fields.expires_at),
                client: ClientOfKey::Carried(Principal::of(client)),
            };
            clients.by_key.insert(hash, entry);
        }
        let own = registered.keys.iter();
        for key in own.filter(|key| key.origin == KeyOrigin::Key) {
            let entry = Entry {
                is_enabled: key.fields.enabled,
                expires_at: key.fields.expires_at,
                client: ClientOfKey::Own {
                    key: Box::new(key.clone()),
                    made: OnceLock::new(),
                },
            };
            clients.by_key.insert(key.secret.hash, entry);
        }
        clients
    }

    /// The client whose key has this hash.
    pub(super) fn find(&self, key: KeyHash) -> Result<Principal> {
        let Some(entry) = self.by_key.get(&key) else {
            return Err(Error::new(
                ErrorKind::InvalidApiKey,
                "this key is not known here; send the `personalized_key` of a registered provider \
                 as `Authorization: Bearer KEY`",
            ));
        };
        if !entry.is_enabled {
            let message = "this key is disabled; ask the operator to enable it";
            return Err(Error::new(ErrorKind::KeyDisabled, message));
        }
        if (entry.expires_at).is_some_and(|expires_at| expires_at <= Timestamp::now()) {
            let message = "this key has expired; ask the operator for another one";
            return Err(Error::new(ErrorKind::KeyExpired, message));
        }
        Ok(match &entry.client {
            ClientOfKey::Carried(principal) => principal.clone(),
            ClientOfKey::Own { key, made } => {
                let make = || Principal::of(client_of(key, self.grant(&scope_of(key))));
                made.get_or_init(make).clone()
            }
        })
    }

    /// What a client of this scope may call.
    pub(super) fn grant(&self, scope: &Scope) -> Arc<Grant> {
        // No code panics while it holds the lock, and the map is whole between statements.
        let grants = || self.by_scope.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(grant) = grants().get(scope) {
            return Arc::clone(grant);
        }
        let made = Arc::new(self.within(scope));
        let mut grants = grants();
        if grants.len() >= MAX_GRANTS {
            grants.clear();
        }
        Arc::clone(grants.entry(scope.clone()).or_insert(made))
    }

    fn within(&self, scope: &Scope) -> Grant {
        let mut offer = Offer::new();
        for (model, targets) in self.carried.iter().flat_map(|grant| grant.models()) {
            if scope.has_model(model) {
                let targets = targets.iter();
                let within = targets.filter(|target| scope.has_provider(target.provider.id));
                offer
                    .entry(Arc::clone(model))
                    .or_default()
                    .extend(within.cloned());
            }
        }
        let targets = offer.into_iter().map(|(model, mut targets)| {
            targets.sort_by_key(|target| (target.provider.priority, target.provider.id));
            (model, targets.into())
        });
        Grant::new(targets.collect(), Some(scope.clone()))
    }
}

fn client_of(key: &KeyRecord, grant: Arc<Grant>) -> Client {
    Client {
        key_id: Some(key.id),
        name: Some(key.fields.name.as_str().into()),
        project_id: key.fields.project_id,
        identity: key.identity,
        key: Some(key.secret.hash),
        grant,
    }
}

fn scope_of(key: &KeyRecord) -> Scope {
    let mut scope = Scope::everything();
    if let Some(models) = &key.fields.models {
        scope = scope.models(models.iter().map(String::as_str));
    }
    if let Some(providers) = &key.fields.providers {
        scope = scope.providers(providers.iter().copied());
    }
    scope
}

/// Hashes a [`KeyHash`] by taking its first eight bytes, which are as good as random.
#[derive(Default)]
struct HashPrefix(u64);

impl Hasher for HashPrefix {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(prefix) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*prefix);
        }
    }

    /// The length that comes before the bytes is always the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
