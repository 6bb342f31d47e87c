use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderValue;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::clients::{Clients, Offer};
use super::{ProviderRecord, Registered};
use crate::call::{
    Endpoints, Grant, KeyFinder, Principal, ProviderProfile, Scope, Target, Upstream,
};
use crate::error::{Error, ErrorKind, Result};
use crate::health::Vitals;
use crate::secret::KeyHash;
use crate::store::{KeyRecord, ModelRecord, ProjectRecord};
use crate::wire::{self, BaseUrl, KeyId, ModelId, ProviderId, ProxyList};

/// All that is registered, as it stood at one moment, and what each key may call.
#[derive(Debug, Default)]
pub struct Snapshot {
    registered: Registered,
    /// Of every provider, be it enabled or not.
    vitals: HashMap<ProviderId, Arc<Vitals>>,
    clients: Clients,
}

impl Snapshot {
    /// Makes everything ready that requests will need. A provider that cannot be used (its kind is
    /// not spoken, its proxies make no sense) is listed, but granted to nobody. How a provider is
    /// doing is taken over from `before`.
    pub(super) fn new(registered: Registered, rules: &Rules, before: &Self) -> Self {
        let vitals = (registered.providers.iter())
            .map(|provider| (provider.id, before.vitals_for(provider)))
            .collect();
        let mut models: HashMap<ProviderId, Vec<&ModelRecord>> = HashMap::new();
        for model in &registered.models {
            models.entry(model.provider_id).or_default().push(model);
        }
        let mut names = Names::default();
        let mut offers: HashMap<KeyHash, Offer> = HashMap::new();
        let mut providers: Vec<_> = registered.providers.iter().collect();
        providers.sort_by_key(|provider| (provider.fields.priority, provider.id));
        for provider in providers {
            let offer = offers.entry(provider.client_key.hash).or_default();
            let Some((profile, proxies)) = usable(provider, &rules.spoken, &vitals) else {
                continue;
            };
            for model in models.get(&provider.id).into_iter().flatten() {
                let mut target = target(&profile, model, &mut names);
                target.proxies = proxies.clone().or_else(|| rules.proxies_for(&target));
                offer.entry(target.model.clone()).or_default().push(target);
            }
        }
        let clients = Clients::new(&registered, offers);
        Self {
            registered,
            vitals,
            clients,
        }
    }

    /// What the provider of this new record goes on with.
    fn vitals_for(&self, record: &ProviderRecord) -> Arc<Vitals> {
        match (self.vitals.get(&record.id), self.provider(record.id)) {
            (Some(vitals), Some(before)) if before.updated_at == record.updated_at => {
                Arc::clone(vitals)
            }
            (Some(vitals), _) => Arc::new(vitals.after_change()),
            (None, _) => Arc::default(),
        }
    }

    /// How the provider of this id is doing.
    pub fn vitals(&self, id: ProviderId) -> Option<&Arc<Vitals>> {
        self.vitals.get(&id)
    }

    /// Rises with every write; a higher one is newer.
    pub fn revision(&self) -> u64 {
        self.registered.revision
    }

    /// The providers, ordered by id.
    pub fn providers(&self) -> &[ProviderRecord] {
        &self.registered.providers
    }

    /// The provider of this id.
    pub fn provider(&self, id: ProviderId) -> Option<&ProviderRecord> {
        let providers = &self.registered.providers;
        let index = providers.binary_search_by_key(&id, |provider| provider.id);
        index.ok().map(|index| &providers[index])
    }

    /// The models, ordered by id.
    pub fn models(&self) -> &[ModelRecord] {
        &self.registered.models
    }

    /// One provider's models, ordered by id.
    pub fn models_of(&self, provider: ProviderId) -> impl Iterator<Item = &ModelRecord> {
        let models = self.registered.models.iter();
        models.filter(move |model| model.provider_id == provider)
    }

    /// The model of this id.
    pub fn model(&self, id: ModelId) -> Option<&ModelRecord> {
        let models = &self.registered.models;
        let index = models.binary_search_by_key(&id, |model| model.id);
        index.ok().map(|index| &models[index])
    }

    /// The keys, ordered by id.
    pub fn keys(&self) -> &[KeyRecord] {
        &self.registered.keys
    }

    /// The key of this id.
    pub fn key(&self, id: KeyId) -> Option<&KeyRecord> {
        let keys = &self.registered.keys;
        let index = keys.binary_search_by_key(&id, |key| key.id);
        index.ok().map(|index| &keys[index])
    }

    /// The projects, ordered by id.
    pub fn projects(&self) -> &[ProjectRecord] {
        &self.registered.projects
    }

    /// See [`Registry::authenticate`](super::Registry::authenticate).
    pub(super) fn authenticate(&self, key: &[u8]) -> Result<Principal> {
        self.clients.find(KeyHash::of(key))
    }

    /// See [`Registry::renew`](super::Registry::renew).
    pub(super) fn renew(&self, principal: &Principal) -> Result<Principal> {
        match (principal.key(), principal.grant().scope()) {
            (Some(key), _) => self.clients.find(key),
            (None, Some(scope)) => {
                let grant = self.clients.grant(scope);
                Ok(match Arc::ptr_eq(&grant, principal.grant()) {
                    true => principal.clone(),
                    false => principal.with_grant(grant),
                })
            }
            (None, None) => Ok(principal.clone()),
        }
    }

    /// See [`Registry::grant`](super::Registry::grant).
    pub(super) fn grant(&self, scope: &Scope) -> Arc<Grant> {
        self.clients.grant(scope)
    }

    /// See [`Registry::upstream`](super::Registry::upstream).
    pub(super) fn upstream(&self, id: ProviderId, rules: &Rules) -> Result<Upstream> {
        let record = self.provider(id).ok_or_else(|| no_provider(id))?;
        let vitals = self.vitals(id).cloned().unwrap_or_default();
        // Whoever serves nothing but Grok goes the way of those models.
        let grok_proxies = rules.grok_proxies.clone();
        Ok(Upstream {
            provider: profile(record, &rules.spoken, vitals)?,
            proxies: proxies(record)?.or(grok_proxies.filter(|_| record.fields.kind == "xai")),
        })
    }
}

fn no_provider(id: ProviderId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no provider {id}"))
}

/// What makes targets of records, besides the records.
pub(super) struct Rules {
    /// The kinds that the gateway can speak.
    pub(super) spoken: Box<[&'static str]>,
    /// For models named like Grok whose provider names none.
    pub(super) grok_proxies: Option<Arc<ProxyList>>,
}

impl Rules {
    fn proxies_for(&self, target: &Target) -> Option<Arc<ProxyList>> {
        let is_grok = wire::is_grok(target.model_sent());
        self.grok_proxies.clone().filter(|_| is_grok)
    }
}

/// A provider with its proxies; `None` for one that takes no requests, or cannot.
fn usable(
    record: &ProviderRecord,
    spoken: &[&str],
    vitals: &HashMap<ProviderId, Arc<Vitals>>,
) -> Option<(Arc<ProviderProfile>, Option<Arc<ProxyList>>)> {
    if !record.fields.enabled {
        return None;
    }
    let vitals = vitals.get(&record.id).cloned().unwrap_or_default();
    let both = profile(record, spoken, vitals).and_then(|profile| Ok((profile, proxies(record)?)));
    match both {
        Ok((profile, proxies)) => Some((Arc::new(profile), proxies)),
        Err(error) => {
            let error = error.report();
            tracing::error!(
                provider_id = record.id.0,
                error,
                "a provider cannot be used"
            );
            None
        }
    }
}

fn profile(
    record: &ProviderRecord,
    spoken: &[&str],
    vitals: Arc<Vitals>,
) -> Result<ProviderProfile> {
    let invalid = |message| Error::new(ErrorKind::StoreInvalid, message);
    if !spoken.contains(&record.fields.kind.as_str()) {
        return Err(invalid("its kind is not spoken by this gateway"));
    }
    let name_header = HeaderValue::from_bytes(record.fields.name.as_bytes())
        .map_err(|error| invalid("its name has control characters").with_source(error))?;
    let key = record.server_key.expose_secret();
    let bearer = if key.is_empty() {
        None
    } else {
        let text = Zeroizing::new(format!("Bearer {key}"));
        let mut header = HeaderValue::from_str(&text)
            .map_err(|error| invalid("its key cannot be a header").with_source(error))?;
        header.set_sensitive(true);
        Some(header)
    };
    Ok(ProviderProfile {
        id: record.id,
        name: record.fields.name.as_str().into(),
        name_header,
        kind: record.fields.kind.as_str().into(),
        base_url: BaseUrl::parse(&record.fields.server_url)?,
        server_key: record.server_key.clone(),
        bearer,
        priority: record.fields.priority,
        weight: record.fields.weight,
        limits: record.fields.limits,
        protocols: record.fields.protocols,
        vitals,
        endpoints: Endpoints::default(),
        key_finder: KeyFinder::default(),
    })
}

fn proxies(record: &ProviderRecord) -> Result<Option<Arc<ProxyList>>> {
    let text = record.proxy_url.as_ref();
    let list = text.map(|text| ProxyList::parse(text.expose_secret()));
    Ok(list.transpose()?.map(Arc::new))
}

fn target(profile: &Arc<ProviderProfile>, model: &ModelRecord, names: &mut Names) -> Target {
    // A name that does not differ needs no edit of the request.
    let upstream = model.upstream_model.as_deref();
    let sent = upstream.unwrap_or(&model.model_name);
    let upstream = upstream.filter(|name| *name != model.model_name);
    Target {
        provider: Arc::clone(profile),
        model_id: model.id,
        model: names.shared(&model.model_name),
        upstream_model: upstream.map(|name| names.shared(name)),
        is_slow: *profile.kind == *"xai" || wire::may_think(sent),
        proxies: None,
        created_at: model.created_at,
    }
}

/// One allocation for each name, however many providers offer it.
#[derive(Default)]
struct Names(HashMap<Box<str>, Arc<str>>);

impl Names {
    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(name) = self.0.get(name) {
            return Arc::clone(name);
        }
        let shared: Arc<str> = name.into();
        self.0.insert(name.into(), Arc::clone(&shared));
        shared
    }
}
