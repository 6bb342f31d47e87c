use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{ProviderSpec, Registry, Snapshot};
use crate::call::KeyHash;
use crate::error::{ErrorKind, Result};
use crate::store::{
    ModelRecord, NewModel, NewProvider, ProviderRecord, ProviderUpdate, RegistryRecords,
    RegistryStore, SqliteStore,
};
use crate::wire::{ModelId, ProviderId, Timestamp};

const URL: &str = "https://llm.example/v1";

async fn registry() -> (TempDir, SqliteStore, Registry) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nexus.db");
    let store = SqliteStore::open(path).await.unwrap();
    let kinds = ["openai", "demo"];
    let registry = Registry::open(Arc::new(store.clone()), kinds)
        .await
        .unwrap();
    (folder, store, registry)
}

fn spec(key: &str) -> ProviderSpec {
    ProviderSpec::new("A", URL, "sk-server", key)
}

fn model(provider_id: ProviderId, name: &str) -> NewModel {
    NewModel {
        provider_id,
        model_name: name.to_owned(),
        upstream_model: None,
        description: String::new(),
    }
}

fn is_known(registry: &Registry, key: &str) -> bool {
    match registry.authenticate(key.as_bytes()) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidApiKey);
            assert!(!error.to_string().contains(key));
            false
        }
    }
}

/// The providers that answer for `model`, in their order.
fn providers(registry: &Registry, key: &str, model: &str) -> Vec<i64> {
    let principal = registry.authenticate(key.as_bytes()).unwrap();
    let targets = principal.grant().targets(model).cloned();
    let targets = targets.iter().flat_map(|targets| targets.iter());
    targets.map(|target| target.provider.id.0).collect()
}

#[tokio::test]
async fn a_change_is_in_force_for_the_next_request() {
    let (_folder, _, registry) = registry().await;
    assert!(!is_known(&registry, "key-one"));
    let id = registry.add_provider(spec("key-one")).await.unwrap().id;
    assert!(is_known(&registry, "key-one"));
    assert!(providers(&registry, "key-one", "gpt-4").is_empty());
    let added = registry.add_model(model(id, "gpt-4")).await.unwrap();
    assert_eq!(providers(&registry, "key-one", "gpt-4"), [id.0]);
    let held = registry.authenticate(b"key-one").unwrap();

    registry
        .update_model(added.id, model(id, "grok"))
        .await
        .unwrap();
    assert!(providers(&registry, "key-one", "gpt-4").is_empty());
    assert_eq!(providers(&registry, "key-one", "grok"), [id.0]);
    registry.update_provider(id, spec("key-two")).await.unwrap();
    assert!(!is_known(&registry, "key-one"));
    assert_eq!(providers(&registry, "key-two", "grok"), [id.0]);
    registry.delete_model(added.id).await.unwrap();
    assert!(providers(&registry, "key-two", "grok").is_empty());
    registry.delete_provider(id).await.unwrap();
    assert!(!is_known(&registry, "key-two"));

    assert!(
        held.grant().targets("gpt-4").is_some(),
        "a request keeps what it began with"
    );
}

#[tokio::test]
async fn a_key_pools_its_providers_by_priority_then_id() {
    let (_folder, _, registry) = registry().await;
    for priority in [5, -5, 0, -5] {
        let spec = spec("pool").priority(priority).weight(3);
        let id = registry.add_provider(spec).await.unwrap().id;
        registry.add_model(model(id, "gpt-4")).await.unwrap();
    }
    let other = registry.add_provider(spec("other")).await.unwrap().id;
    registry.add_model(model(other, "gpt-4")).await.unwrap();

    assert_eq!(providers(&registry, "pool", "gpt-4"), [2, 4, 3, 1]);
    assert_eq!(providers(&registry, "other", "gpt-4"), [5]);
}

#[tokio::test]
async fn a_disabled_provider_is_granted_to_nobody_but_its_key_is_known() {
    let (_folder, _, registry) = registry().await;
    let off = registry
        .add_provider(spec("key-one").enabled(false))
        .await
        .unwrap()
        .id;
    registry.add_model(model(off, "gpt-4")).await.unwrap();
    assert!(providers(&registry, "key-one", "gpt-4").is_empty());

    let on = registry.add_provider(spec("key-one")).await.unwrap().id;
    registry.add_model(model(on, "gpt-4")).await.unwrap();
    assert_eq!(providers(&registry, "key-one", "gpt-4"), [on.0]);
}

#[tokio::test]
async fn a_target_has_its_provider_made_ready() {
    let (_folder, _, registry) = registry().await;
    let named = ProviderSpec::new("智谱", URL, "sk-canary-server", "key-one");
    let id = registry.add_provider(named).await.unwrap().id;
    let mut renamed = model(id, "gpt-4");
    renamed.upstream_model = Some("glm-5".to_owned());
    registry.add_model(renamed).await.unwrap();
    let mut same = model(id, "grok");
    same.upstream_model = Some("grok".to_owned());
    registry.add_model(same).await.unwrap();

    let principal = registry.authenticate(b"key-one").unwrap();
    assert_eq!(principal.key(), KeyHash::of(b"key-one"));
    let target = &principal.grant().targets("gpt-4").unwrap()[0];
    assert_eq!((&*target.model, target.model_sent()), ("gpt-4", "glm-5"));
    assert_eq!(target.provider.name_header.as_bytes(), "智谱".as_bytes());
    let bearer = target.provider.bearer.as_ref().unwrap();
    assert!(bearer.is_sensitive());
    assert_eq!(bearer.to_str().unwrap(), "Bearer sk-canary-server");
    assert!(
        principal.grant().targets("grok").unwrap()[0]
            .upstream_model
            .is_none()
    );
    let shown = format!("{principal:?} {:?} {registry:?}", registry.snapshot());
    assert!(!shown.contains("sk-canary-server") && !shown.contains("key-one"));

    let keyless = ProviderSpec::new("Local", URL, "", "key-two");
    let id = registry.add_provider(keyless).await.unwrap().id;
    registry.add_model(model(id, "m")).await.unwrap();
    let principal = registry.authenticate(b"key-two").unwrap();
    assert!(
        principal.grant().targets("m").unwrap()[0]
            .provider
            .bearer
            .is_none()
    );
}

#[tokio::test]
async fn a_snapshot_lists_what_is_registered() {
    let (_folder, _, registry) = registry().await;
    let one = registry.add_provider(spec("one")).await.unwrap().id;
    let two = registry.add_provider(spec("two")).await.unwrap().id;
    let made = registry.add_model(model(two, "gpt-4")).await.unwrap();

    let snapshot = registry.snapshot();
    assert_eq!(snapshot.revision(), 3);
    let ids: Vec<_> = snapshot
        .providers()
        .iter()
        .map(|provider| provider.id)
        .collect();
    assert_eq!(ids, [one, two]);
    assert_eq!(snapshot.provider(two).unwrap().id, two);
    assert_eq!(snapshot.models_of(two).collect::<Vec<_>>(), [&made]);
    assert_eq!(snapshot.models_of(one).count(), 0);
    assert_eq!(
        (snapshot.model(made.id), snapshot.models().len()),
        (Some(&made), 1)
    );
    assert!(snapshot.provider(ProviderId(9)).is_none() && snapshot.model(ModelId(9)).is_none());
}

#[tokio::test]
async fn what_was_shown_masked_is_no_new_key() {
    let (_folder, _, registry) = registry().await;
    for (server_key, client_key) in [
        ("sk-0123456789abcdef", "client-0123456789abcdef"),
        ("short", "tiny"),
    ] {
        let spec = ProviderSpec::new("A", URL, server_key, client_key);
        let record = registry.add_provider(spec.clone()).await.unwrap();
        let mut shown = spec;
        shown.server_key = Some(crate::wire::mask(server_key).into());
        shown.personalized_key = Some(record.client_key_mask.into());
        let record = registry
            .update_provider(record.id, shown.clone())
            .await
            .unwrap();
        assert_eq!(record.server_key.expose_secret(), server_key);
        assert!(is_known(&registry, client_key));
        let record = registry
            .update_provider(record.id, shown.keep_keys())
            .await
            .unwrap();
        assert_eq!(record.server_key.expose_secret(), server_key);
    }
    let masked = ProviderSpec::new("A", URL, "sk-…cdef", "k");
    let error = registry.add_provider(masked).await.unwrap_err();
    assert_eq!(error.param(), Some("server_key"));
}

#[tokio::test]
async fn a_key_may_be_emptied_where_none_is_needed() {
    let (_folder, _, registry) = registry().await;
    let id = registry.add_provider(spec("one")).await.unwrap().id;
    let mut emptied = spec("one");
    emptied.server_key = Some(SecretString::from(""));
    let record = registry.update_provider(id, emptied).await.unwrap();
    assert_eq!(record.server_key.expose_secret(), "");
}

#[tokio::test]
async fn a_spec_that_makes_no_sense_names_its_field() {
    let (_folder, store, registry) = registry().await;
    let id = registry.add_provider(spec("one")).await.unwrap().id;
    let change = |change: fn(&mut ProviderSpec)| {
        let mut spec = spec("one");
        change(&mut spec);
        spec
    };
    let long = |length: usize| "x".repeat(length);
    let mut cases = vec![
        ("name", change(|spec| spec.name.clear())),
        ("name", change(|spec| spec.name = "  ".into())),
        ("name", change(|spec| spec.name = "a\nb".into())),
        ("name", change(|spec| spec.name = "好".repeat(201))),
        (
            "server_key",
            change(|spec| spec.server_key = Some("sk a".into())),
        ),
        (
            "server_key",
            change(|spec| spec.server_key = Some("sk\r\nx: y".into())),
        ),
        (
            "personalized_key",
            change(|spec| spec.personalized_key = Some("".into())),
        ),
        (
            "personalized_key",
            change(|spec| spec.personalized_key = Some("密钥".into())),
        ),
        (
            "proxy_url",
            change(|spec| spec.proxy_url = Some("http://p".into())),
        ),
        ("priority", change(|spec| spec.priority = 1001)),
        ("priority", change(|spec| spec.priority = -1001)),
        ("weight", change(|spec| spec.weight = 0)),
        ("weight", change(|spec| spec.weight = 1001)),
        ("kind", change(|spec| spec.kind = Some("gemini".into()))),
    ];
    let mut keys = spec("one");
    keys.server_key = Some(long(4097).into());
    cases.push(("server_key", keys.clone()));
    keys = spec(&long(513));
    cases.push(("personalized_key", keys));
    for (field, spec) in cases {
        for error in [
            registry.add_provider(spec.clone()).await.unwrap_err(),
            registry.update_provider(id, spec).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unprocessable, "{field}");
            assert_eq!(error.param(), Some(field));
        }
    }
    for (field, spec) in [
        ("server_key", change(|spec| spec.server_key = None)),
        (
            "personalized_key",
            change(|spec| spec.personalized_key = None),
        ),
    ] {
        let error = registry.add_provider(spec).await.unwrap_err();
        assert_eq!((error.status().as_u16(), error.param()), (422, Some(field)));
    }
    assert_eq!(
        store.load().await.unwrap().revision,
        1,
        "nothing was written"
    );

    let mut widest = spec(&long(512)).priority(-1000).weight(1000);
    widest.name = "好".repeat(200);
    widest.server_key = Some(long(4096).into());
    widest.proxy_url = Some(String::new());
    widest.kind = Some("openai-compatible".into());
    let record = registry.add_provider(widest).await.unwrap();
    assert_eq!((record.kind.as_str(), record.proxy_url), ("openai", None));
}

#[tokio::test]
async fn a_model_that_makes_no_sense_names_its_field() {
    let (_folder, _, registry) = registry().await;
    let id = registry.add_provider(spec("one")).await.unwrap().id;
    let made = registry
        .add_model(model(id, &"好".repeat(256)))
        .await
        .unwrap();
    let mut upstream = model(id, "m");
    upstream.upstream_model = Some("a\0b".to_owned());
    for (field, new) in [
        ("model_name", model(id, "")),
        ("model_name", model(id, "a\tb")),
        ("model_name", model(id, &"x".repeat(257))),
        ("upstream_model", upstream.clone()),
    ] {
        for error in [
            registry.add_model(new.clone()).await.unwrap_err(),
            registry.update_model(made.id, new).await.unwrap_err(),
        ] {
            assert_eq!((error.status().as_u16(), error.param()), (422, Some(field)));
        }
    }
    upstream.upstream_model = Some(String::new());
    assert_eq!(
        registry.add_model(upstream).await.unwrap().upstream_model,
        None
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (_folder, _, registry) = registry().await;
    let id = ProviderId(5);
    for error in [
        registry.update_provider(id, spec("one")).await.unwrap_err(),
        registry.delete_provider(id).await.unwrap_err(),
        registry.add_model(model(id, "m")).await.unwrap_err(),
        registry
            .update_model(ModelId(5), model(id, "m"))
            .await
            .unwrap_err(),
        registry.delete_model(ModelId(5)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn another_gateways_change_comes_with_a_refresh() {
    let (_folder, store, registry) = registry().await;
    let other = Registry::open(Arc::new(store), ["openai"]).await.unwrap();
    let id = other.add_provider(spec("one")).await.unwrap().id;
    assert!(!is_known(&registry, "one"));
    registry.refresh().await.unwrap();
    assert!(is_known(&registry, "one"));

    let added = other.add_provider(spec("two")).await.unwrap().id;
    registry
        .update_provider(added, spec("three"))
        .await
        .unwrap();
    assert!(is_known(&registry, "three") && added > id);
}

/// Answers its first load late: with what it read before the second one.
struct SlowFirstLoad {
    first: std::sync::atomic::AtomicBool,
    go_on: Arc<Notify>,
}

#[async_trait]
impl RegistryStore for SlowFirstLoad {
    async fn load(&self) -> Result<RegistryRecords> {
        let first = self.first.swap(false, std::sync::atomic::Ordering::SeqCst);
        if first {
            self.go_on.notified().await;
        }
        Ok(RegistryRecords {
            revision: if first { 1 } else { 2 },
            ..RegistryRecords::default()
        })
    }
    async fn insert_provider(&self, _: NewProvider) -> Result<ProviderRecord> {
        unimplemented!()
    }
    async fn update_provider(&self, _: ProviderId, _: ProviderUpdate) -> Result<ProviderRecord> {
        unimplemented!()
    }
    async fn delete_provider(&self, _: ProviderId) -> Result<()> {
        unimplemented!()
    }
    async fn insert_model(&self, _: NewModel) -> Result<ModelRecord> {
        unimplemented!()
    }
    async fn update_model(&self, _: ModelId, _: NewModel) -> Result<ModelRecord> {
        unimplemented!()
    }
    async fn delete_model(&self, _: ModelId) -> Result<()> {
        unimplemented!()
    }
}

#[tokio::test]
async fn an_older_load_that_ends_later_replaces_nothing() {
    let go_on = Arc::new(Notify::new());
    let store = Arc::new(SlowFirstLoad {
        first: false.into(),
        go_on: Arc::clone(&go_on),
    });
    let registry = Registry::open(Arc::clone(&store) as _, []).await.unwrap();
    store.first.store(true, std::sync::atomic::Ordering::SeqCst);
    let later = async {
        registry.refresh().await.unwrap();
        go_on.notify_one();
    };
    let (older, ()) = tokio::join!(registry.refresh(), later);
    older.unwrap();
    assert_eq!(registry.snapshot().revision(), 2);
}

fn record(id: i64, key: &str, enabled: bool, kind: &str) -> ProviderRecord {
    ProviderRecord {
        id: ProviderId(id),
        name: "A".to_owned(),
        kind: kind.to_owned(),
        server_url: URL.to_owned(),
        server_key: SecretString::from(""),
        client_key: KeyHash::of(key.as_bytes()),
        client_key_mask: "…".to_owned(),
        description: String::new(),
        proxy_url: None,
        enabled,
        priority: 0,
        weight: 1,
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
    }
}

#[test]
fn a_provider_that_cannot_be_reached_rightly_is_granted_to_nobody() {
    let mut proxied = record(1, "one", true, "openai");
    proxied.proxy_url = Some("http://proxy".to_owned());
    let unspoken = record(2, "one", true, "gemini");
    let models = [1, 2].map(|id| ModelRecord {
        id: ModelId(id),
        provider_id: ProviderId(id),
        model_name: "gpt-4".to_owned(),
        upstream_model: None,
        description: String::new(),
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
    });
    let records = RegistryRecords {
        revision: 1,
        providers: vec![proxied, unspoken],
        models: models.into(),
    };
    let snapshot = Snapshot::new(records, &["openai"]);
    let principal = snapshot.authenticate(b"one").unwrap();
    assert!(principal.grant().targets("gpt-4").is_none());
    assert_eq!(snapshot.providers().len(), 2);
}

proptest! {
    #[test]
    fn exactly_the_registered_keys_are_known(
        registered in prop::collection::vec(("[!-~]{1,12}", any::<bool>()), 0..24),
        tried in prop::collection::vec(any::<Vec<u8>>(), 0..24),
    ) {
        let keys: HashSet<&[u8]> = registered.iter().map(|(key, _)| key.as_bytes()).collect();
        let providers = (1..).zip(&registered);
        let providers = providers.map(|(id, (key, enabled))| record(id, key, *enabled, "openai"));
        let records = RegistryRecords { providers: providers.collect(), ..Default::default() };
        let snapshot = Snapshot::new(records, &["openai"]);

        for key in &keys {
            prop_assert!(snapshot.authenticate(key).is_ok());
            let near = [&key[..key.len() - 1], &[key, &b" "[..]].concat()];
            for near in near {
                prop_assert_eq!(snapshot.authenticate(near).is_ok(), keys.contains(near));
            }
        }
        for key in &tried {
            prop_assert_eq!(snapshot.authenticate(key).is_ok(), keys.contains(key.as_slice()));
        }
    }
}
