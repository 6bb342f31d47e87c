use std::collections::HashSet;

use proptest::prelude::*;
use secrecy::SecretString;

use super::{URL, is_known, model, registry, spec};
use crate::registry::snapshot::Rules;
use crate::registry::{ProviderRecord, Registered};
use crate::registry::{ProviderSpec, Registry, Snapshot};
use crate::secret::KeyHash;
use crate::store::{KeySecret, ModelRecord, NewModel, ProviderFields};
use crate::wire::{KeyId, ModelId, ProviderId, Timestamp};

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
    assert_eq!(principal.identity(), KeyHash::of(b"key-one"));
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

fn record(id: i64, key: &str, enabled: bool, kind: &str) -> ProviderRecord {
    let mut fields = ProviderFields::new("A", kind, URL);
    fields.enabled = enabled;
    ProviderRecord {
        id: ProviderId(id),
        fields,
        server_key: SecretString::from(""),
        proxy_url: None,
        key_id: KeyId(id),
        client_key: KeySecret::of(&key.into()),
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
    }
}

fn rules() -> Rules {
    Rules {
        spoken: ["openai"].into(),
        grok_proxies: None,
    }
}

#[test]
fn a_provider_that_cannot_be_reached_rightly_is_granted_to_nobody() {
    let mut proxied = record(1, "one", true, "openai");
    proxied.proxy_url = Some("ftp://proxy".into());
    let unspoken = record(2, "one", true, "gemini");
    let models = [1, 2].map(|id| {
        let new = NewModel::new(ProviderId(id), "gpt-4");
        ModelRecord::new(ModelId(id), new, Timestamp::from_micros(0))
    });
    let records = Registered {
        revision: 1,
        providers: vec![proxied, unspoken],
        models: models.into(),
        ..Registered::default()
    };
    let snapshot = Snapshot::new(records, &rules(), &Snapshot::default());
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
        let records = Registered { providers: providers.collect(), ..Default::default() };
        let snapshot = Snapshot::new(records, &rules(), &Snapshot::default());

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
