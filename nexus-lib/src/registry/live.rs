use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::follow::Following;
use super::snapshot::Rules;
use super::{ProviderRecord, ProviderSpec, Registered, Snapshot, model};
use crate::call::{Grant, Principal, Scope, Upstream};
use crate::error::{Error, ErrorKind, Result};
use crate::lasting;
use crate::secret::{KeyCheck, MasterKey, Seals};
use crate::store::{ModelRecord, NewModel, RegistryStore, RevisionChange, Version};
use crate::wire::{ModelId, ProviderId, ProxyList};

/// The providers, models and keys in force. A clone is the same registry.
///
/// # Cancel safety
/// A write whose future is dropped has been stored completely or not at all. When it was stored, it
/// is in force as soon as the registry [follows](RegistryStore::watch) its store, or with the next
/// write or [`refresh`](Self::refresh).
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    store: Arc<dyn RegistryStore>,
    seals: Seals,
    rules: Rules,
    snapshot: ArcSwap<Snapshot>,
    /// Held by whoever sets up.
    setting_up: tokio::sync::Mutex<()>,
    /// Dropped with the last clone, which ends the work in the background.
    _end: watch::Sender<()>,
}

impl From<Arc<Inner>> for Registry {
    fn from(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

/// What a registry is opened with, besides its store.
pub(crate) struct RegistryOptions {
    /// The kinds that the gateway can speak.
    pub(crate) kinds: Box<[&'static str]>,
    /// The proxies of models named like Grok whose provider names none.
    pub(crate) grok_proxies: Option<Arc<ProxyList>>,
    /// The store's own if there is none.
    pub(crate) master_key: Option<MasterKey>,
}

impl Registry {
    /// The registry that `store` keeps, for a gateway that can speak to providers of these `kinds`.
    /// The master key is the store's own, such as the file beside a SQLite database.
    ///
    /// Must be called on a tokio runtime: changes that other gateways make on the same store are
    /// read in the background.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the store has no master key of its own, else the store's.
    pub async fn open(
        store: Arc<dyn RegistryStore>,
        kinds: impl IntoIterator<Item = &'static str>,
    ) -> Result<Self> {
        let options = RegistryOptions {
            kinds: kinds.into_iter().collect(),
            grok_proxies: None,
            master_key: None,
        };
        Self::open_with(store, options).await
    }

    /// The same with a given master key, which seals providers' keys in the store.
    ///
    /// # Errors
    /// [`ErrorKind::StoreInvalid`] when the store's secrets were sealed with another one, else the
    /// store's.
    pub async fn open_with_key(
        store: Arc<dyn RegistryStore>,
        kinds: impl IntoIterator<Item = &'static str>,
        master_key: MasterKey,
    ) -> Result<Self> {
        let options = RegistryOptions {
            kinds: kinds.into_iter().collect(),
            grok_proxies: None,
            master_key: Some(master_key),
        };
        Self::open_with(store, options).await
    }

    pub(crate) async fn open_with(
        store: Arc<dyn RegistryStore>,
        options: RegistryOptions,
    ) -> Result<Self> {
        let key = match options.master_key {
            Some(key) => key,
            None => store.master_key().await?.ok_or_else(no_master_key)?,
        };
        let check = KeyCheck::new(&key);
        check.verify(&store.key_check(check.seal()?).await?)?;
        let rules = Rules {
            spoken: options.kinds,
            grok_proxies: options.grok_proxies,
        };
        let seals = Seals::new(&key);
        let registered = Registered::unseal_with(store.load().await?, &seals)?;
        let snapshot = Snapshot::new(registered, &rules, &Snapshot::default());
        let (end, ended) = watch::channel(());
        let inner = Arc::new(Inner {
            store,
            seals,
            rules,
            snapshot: ArcSwap::from_pointee(snapshot),
            setting_up: tokio::sync::Mutex::default(),
            _end: end,
        });
        lasting::start(Arc::new(Following {
            registry: Arc::downgrade(&inner),
            end: ended,
        }));
        Ok(Self { inner })
    }

    /// See [`RegistryStore::watch`].
    pub(super) fn changed(&self, revision: u64) -> RevisionChange {
        self.inner.store.watch(revision)
    }

    /// What is in force now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.snapshot.load_full()
    }

    /// The client that shows `key`. Neither allocates nor waits.
    ///
    /// A key that providers carry is known as long as one of them is registered; while all of them
    /// are disabled it is granted nothing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidApiKey`] for a key that is not known, [`ErrorKind::KeyDisabled`] and
    /// [`ErrorKind::KeyExpired`] for one that is not accepted.
    pub fn authenticate(&self, key: &[u8]) -> Result<Principal> {
        self.inner.snapshot.load().authenticate(key)
    }

    /// The same client, with what it may call by now.
    ///
    /// # Errors
    /// As for [`authenticate`](Self::authenticate), where the client has a key.
    pub fn renew(&self, principal: &Principal) -> Result<Principal> {
        self.inner.snapshot.load().renew(principal)
    }

    /// What a client of this scope may call by now: for a [`Principal`] of the application's own.
    /// Made once between two changes of the registry.
    pub fn grant(&self, scope: &Scope) -> Arc<Grant> {
        self.inner.snapshot.load().grant(scope)
    }

    /// The operator, who may call everything and is nobody's client.
    pub(crate) fn operator(&self) -> Principal {
        Principal::operator(self.grant(&Scope::everything()))
    }

    /// A provider and the way to it, be it enabled or not.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an id that is not there, [`ErrorKind::StoreInvalid`] for a
    /// provider that cannot be used.
    pub(crate) fn upstream(&self, id: ProviderId) -> Result<Upstream> {
        self.snapshot().upstream(id, &self.inner.rules)
    }

    /// The provider kinds that the gateway can speak, sorted.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let mut kinds = self.inner.rules.spoken.to_vec();
        kinds.sort_unstable();
        kinds
    }

    pub(super) fn spoken(&self) -> &[&'static str] {
        &self.inner.rules.spoken
    }

    pub(super) fn seals(&self) -> &Seals {
        &self.inner.seals
    }

    /// Keeps others who set up waiting until it is dropped. No request waits for it.
    pub(super) async fn one_at_a_time(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.setting_up.lock().await
    }

    /// Adds a provider.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`], naming the field, when the spec makes no sense; else the
    /// store's.
    pub async fn add_provider(&self, spec: ProviderSpec) -> Result<ProviderRecord> {
        let new = spec.into_new(&self.inner.rules.spoken, &self.inner.seals)?;
        let record = self.inner.store.insert_provider(new).await?;
        self.refresh().await?;
        ProviderRecord::unseal(record, &self.inner.seals)
    }

    /// Replaces a provider's fields; keys that the spec does not name stay.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an id that is not there, [`ErrorKind::Unprocessable`], naming
    /// the field, when the spec makes no sense; else the store's.
    pub async fn update_provider(
        &self,
        id: ProviderId,
        spec: ProviderSpec,
    ) -> Result<ProviderRecord> {
        self.update_provider_if(id, spec, None).await
    }

    /// The same, if the provider is still as `expected`.
    ///
    /// # Errors
    /// As for [`update_provider`](Self::update_provider), and [`ErrorKind::PreconditionFailed`]
    /// when another change came between.
    pub async fn update_provider_if(
        &self,
        id: ProviderId,
        spec: ProviderSpec,
        expected: Option<Version>,
    ) -> Result<ProviderRecord> {
        let mut snapshot = self.snapshot();
        if snapshot.provider(id).is_none() {
            // Another gateway on the same store may have added it.
            self.refresh().await?;
            snapshot = self.snapshot();
        }
        let present = snapshot
            .provider(id)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no provider {id}")))?;
        let update = spec.into_update(present, &self.inner.rules.spoken, &self.inner.seals)?;
        let record = self
            .inner
            .store
            .update_provider(id, update, expected)
            .await?;
        self.refresh().await?;
        ProviderRecord::unseal(record, &self.inner.seals)
    }

    /// Removes a provider and its models. The ledger's rows stay.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an id that is not there; else the store's.
    pub async fn delete_provider(&self, id: ProviderId) -> Result<()> {
        self.delete_provider_if(id, None).await
    }

    /// The same, if the provider is still as `expected`.
    ///
    /// # Errors
    /// As for [`delete_provider`](Self::delete_provider), and [`ErrorKind::PreconditionFailed`]
    /// when another change came between.
    pub async fn delete_provider_if(
        &self,
        id: ProviderId,
        expected: Option<Version>,
    ) -> Result<()> {
        self.inner.store.delete_provider(id, expected).await?;
        self.refresh().await
    }

    /// Adds a model to a provider.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`], naming the field, when a name makes no sense,
    /// [`ErrorKind::NotFound`] for a provider that is not there, [`ErrorKind::Conflict`] when it
    /// has a model of that name; else the store's.
    pub async fn add_model(&self, new: NewModel) -> Result<ModelRecord> {
        let new = model::checked(new)?;
        let record = self.inner.store.insert_model(new).await?;
        self.refresh().await?;
        Ok(record)
    }

    /// Replaces a model's fields; its provider may change.
    ///
    /// # Errors
    /// As for [`add_model`](Self::add_model), and [`ErrorKind::NotFound`] for an id that is not
    /// there.
    pub async fn update_model(&self, id: ModelId, new: NewModel) -> Result<ModelRecord> {
        self.update_model_if(id, new, None).await
    }

    /// The same, if the model is still as `expected`.
    ///
    /// # Errors
    /// As for [`update_model`](Self::update_model), and [`ErrorKind::PreconditionFailed`] when
    /// another change came between.
    pub async fn update_model_if(
        &self,
        id: ModelId,
        new: NewModel,
        expected: Option<Version>,
    ) -> Result<ModelRecord> {
        let new = model::checked(new)?;
        let record = self.inner.store.update_model(id, new, expected).await?;
        self.refresh().await?;
        Ok(record)
    }

    /// Removes a model.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an id that is not there; else the store's.
    pub async fn delete_model(&self, id: ModelId) -> Result<()> {
        self.delete_model_if(id, None).await
    }

    /// The same, if the model is still as `expected`.
    ///
    /// # Errors
    /// As for [`delete_model`](Self::delete_model), and [`ErrorKind::PreconditionFailed`] when
    /// another change came between.
    pub async fn delete_model_if(&self, id: ModelId, expected: Option<Version>) -> Result<()> {
        self.inner.store.delete_model(id, expected).await?;
        self.refresh().await
    }

    /// Puts in force what is stored now.
    ///
    /// # Errors
    /// The store's; what was in force stays so.
    pub async fn refresh(&self) -> Result<()> {
        let records = self.inner.store.load().await?;
        let records = Registered::unseal_with(records, &self.inner.seals)?;
        let present = self.snapshot();
        let loaded = Arc::new(Snapshot::new(records, &self.inner.rules, &present));
        // Loads that overlap may end in any order: an older one never replaces a newer one.
        self.inner.snapshot.rcu(|present| {
            let newer = loaded.revision() > present.revision();
            Arc::clone(if newer { &loaded } else { present })
        });
        Ok(())
    }
}

fn no_master_key() -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        "this store has no master key of its own; give one, as with `GatewayBuilder::master_key`",
    )
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("kinds", &self.inner.rules.spoken)
            .field("revision", &self.snapshot().revision())
            .finish_non_exhaustive()
    }
}
