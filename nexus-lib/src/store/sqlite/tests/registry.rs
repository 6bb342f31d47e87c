use std::sync::Arc;

use futures_util::FutureExt;
use secrecy::ExposeSecret;

use super::{Place, fields, new_model, new_provider, open_row, settlement};
use crate::error::ErrorKind;
use crate::registry::{ProviderSpec, Registry};
use crate::secret::KeyHash;
use crate::secret::{MasterKey, Sealer};
use crate::store::{
    LedgerQueries, LedgerStore, LedgerWrite, ProviderFields, ProviderWrite, RegistryStore,
};
use crate::wire::{ModelId, Protocols, ProviderId, ProviderLimits, TimeRange, TimerSettings};

pub(super) fn update() -> ProviderWrite {
    let fields = ProviderFields {
        description: "changed".to_owned(),
        enabled: false,
        priority: 9,
        weight: 2,
        limits: ProviderLimits {
            max_concurrency: None,
            timers: TimerSettings {
                first_event_ms: Some(2),
                ..TimerSettings::default()
            },
        },
        ..ProviderFields::new("B", "gemini", "http://localhost:1")
    };
    ProviderWrite::new(fields, &MasterKey::generate().unwrap())
        .with_proxy_url("http://u:proxy-canary-0001@proxy:1")
}

#[tokio::test]
async fn a_provider_is_kept_as_given() {
    let place = Place::new();
    let store = place.open().await;
    let key = MasterKey::generate().unwrap();
    let new = ProviderWrite::new(fields("A"), &key)
        .with_server_key("sk-server-canary-0001")
        .with_client_key("a-client-key-that-is-long");
    let record = store.insert_provider(new).await.unwrap();

    assert_eq!(record.fields, fields("A"));
    assert_eq!(
        record.client_key.hash,
        KeyHash::of(b"a-client-key-that-is-long")
    );
    assert_eq!(record.client_key.mask, "a-c…long");
    assert_eq!(record.created_at, record.updated_at);
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.providers, std::slice::from_ref(&record));
    // Bound to the id that the store gave it.
    let seal = Sealer::new(&key, "provider.server_key");
    let opened = seal.open(record.id.0, &record.server_key).unwrap();
    assert_eq!(opened.expose_secret(), "sk-server-canary-0001");
    assert!(seal.open(record.id.0 + 1, &record.server_key).is_err());
}

#[tokio::test]
async fn an_update_keeps_the_keys_that_it_does_not_name() {
    let place = Place::new();
    let store = place.open().await;
    let first = store.insert_provider(new_provider("A", "one")).await;
    let first = first.unwrap();

    let record = store.update_provider(first.id, update(), None).await;
    let record = record.unwrap();
    assert_eq!(record.server_key, first.server_key);
    assert_eq!(record.client_key, first.client_key);
    assert_eq!(record.fields, update().fields);
    assert!(record.proxy_url.is_some());
    assert!(record.updated_at > record.created_at);

    let mut direct = update().with_server_key("").with_client_key("two");
    direct.fields.protocols = Some(Protocols::OPENAI);
    let record = store.update_provider(first.id, direct, None).await.unwrap();
    assert_ne!(record.server_key, first.server_key);
    assert_eq!(record.client_key.hash, KeyHash::of(b"two"));
    assert_eq!(record.fields.protocols, Some(Protocols::OPENAI));
}

#[tokio::test]
async fn a_new_provider_needs_both_keys() {
    let place = Place::new();
    let store = place.open().await;
    let write = || ProviderWrite::new(fields("A"), &place.key);
    for (write, missing) in [
        (write().with_server_key("sk"), "personalized_key"),
        (write().with_client_key("key"), "server_key"),
    ] {
        let error = store.insert_provider(write).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.param()),
            (ErrorKind::Unprocessable, Some(missing))
        );
    }
    let records = store.load().await.unwrap();
    assert!(records.providers.is_empty() && records.keys.is_empty());
    assert_eq!(records.revision, 0);
}

#[tokio::test]
async fn a_sealed_key_does_not_open_in_another_row() {
    let place = Place::new();
    let store = Arc::new(place.open().await);
    let registry = Registry::open(store.clone(), ["openai"]).await.unwrap();
    for key in ["one", "two"] {
        let spec = ProviderSpec::new("A", "https://api.openai.com/v1", "sk", key);
        registry.add_provider(spec).await.unwrap();
    }
    let swap = "UPDATE providers SET server_key =
        (SELECT server_key FROM providers WHERE id = 1) WHERE id = 2";
    store
        .write(move |connection| Ok(connection.execute_batch(swap)?))
        .await
        .unwrap();
    let error = registry.refresh().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreInvalid);
}

#[tokio::test]
async fn a_watch_ends_with_a_change_and_with_the_store() {
    let place = Place::new();
    let store = place.open().await;
    let mut watch = store.watch(0);
    assert!((&mut watch).now_or_never().is_none());
    store
        .insert_provider(new_provider("A", "one"))
        .await
        .unwrap();
    assert_eq!(watch.await.unwrap(), 1);
    // What was missed is noticed at once.
    assert_eq!(store.watch(0).await.unwrap(), 1);
    let watch = store.watch(1);
    store.close().await.unwrap();
    // The future does not keep the store.
    drop(store);
    assert_eq!(watch.await.unwrap_err().kind(), ErrorKind::Closed);
    let reopened = place.open().await;
    assert_eq!(reopened.watch(0).await.unwrap(), 1);
}

#[tokio::test]
async fn deleting_a_provider_takes_its_models_and_leaves_history() {
    let place = Place::new();
    let store = place.open().await;
    let one = store
        .insert_provider(new_provider("A", "one"))
        .await
        .unwrap()
        .id;
    let two = store
        .insert_provider(new_provider("B", "two"))
        .await
        .unwrap()
        .id;
    for id in [one, two] {
        store.insert_model(new_model(id, "gpt-4")).await.unwrap();
    }
    let mut row = open_row("c");
    row.provider_id = two;
    let whole = LedgerWrite::Whole(row, settlement(1, 1));
    store.append(Arc::new(vec![whole])).await.unwrap();

    store.delete_provider(two, None).await.unwrap();
    let records = store.load().await.unwrap();
    assert_eq!((records.providers.len(), records.models.len()), (1, 1));
    assert_eq!(records.models[0].provider_id, one);
    assert_eq!(store.totals(TimeRange::ALL).await.unwrap().requests, 1);

    let next = store
        .insert_provider(new_provider("C", "three"))
        .await
        .unwrap()
        .id;
    assert!(next > two, "ids are never used again");
}

#[tokio::test]
async fn models_come_change_and_go() {
    let place = Place::new();
    let store = place.open().await;
    let one = store
        .insert_provider(new_provider("A", "one"))
        .await
        .unwrap()
        .id;
    let two = store
        .insert_provider(new_provider("B", "two"))
        .await
        .unwrap()
        .id;
    let made = store.insert_model(new_model(one, "gpt-4")).await.unwrap();
    assert_eq!(made.upstream_model.as_deref(), Some("gpt-4-upstream"));

    let changed = store
        .update_model(made.id, new_model(two, "grok"), None)
        .await
        .unwrap();
    assert_eq!((changed.id, changed.provider_id), (made.id, two));
    assert_eq!(
        (changed.model_name.as_str(), changed.created_at),
        ("grok", made.created_at)
    );
    store.delete_model(made.id, None).await.unwrap();
    assert!(store.load().await.unwrap().models.is_empty());
    let next = store.insert_model(new_model(one, "gpt-4")).await.unwrap();
    assert!(next.id > made.id, "ids are never used again");
}

#[tokio::test]
async fn a_second_model_of_one_name_is_a_conflict() {
    let place = Place::new();
    let store = place.open().await;
    let one = store
        .insert_provider(new_provider("A", "one"))
        .await
        .unwrap()
        .id;
    let two = store
        .insert_provider(new_provider("B", "two"))
        .await
        .unwrap()
        .id;
    store.insert_model(new_model(one, "gpt-4")).await.unwrap();
    store.insert_model(new_model(two, "gpt-4")).await.unwrap();
    let other = store.insert_model(new_model(one, "grok")).await.unwrap();

    for error in [
        store
            .insert_model(new_model(one, "gpt-4"))
            .await
            .unwrap_err(),
        store
            .update_model(other.id, new_model(one, "gpt-4"), None)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(error.param(), Some("model_name"));
    }
    assert_eq!(store.load().await.unwrap().models.len(), 3);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let place = Place::new();
    let store = place.open().await;
    let provider = ProviderId(77);
    let errors = [
        store
            .update_provider(provider, update(), None)
            .await
            .unwrap_err(),
        store.delete_provider(provider, None).await.unwrap_err(),
        store
            .insert_model(new_model(provider, "m"))
            .await
            .unwrap_err(),
        store
            .update_model(ModelId(7), new_model(provider, "m"), None)
            .await
            .unwrap_err(),
        store.delete_model(ModelId(7), None).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    assert_eq!(
        store.load().await.unwrap().revision,
        0,
        "a refused write is no revision"
    );
}

#[tokio::test]
async fn each_write_raises_the_revision_by_one() {
    let place = Place::new();
    let store = place.open().await;
    let mut revisions = vec![store.load().await.unwrap().revision];
    let id = store
        .insert_provider(new_provider("A", "one"))
        .await
        .unwrap()
        .id;
    revisions.push(store.load().await.unwrap().revision);
    store.update_provider(id, update(), None).await.unwrap();
    revisions.push(store.load().await.unwrap().revision);
    let model = store.insert_model(new_model(id, "m")).await.unwrap().id;
    revisions.push(store.load().await.unwrap().revision);
    store
        .update_model(model, new_model(id, "n"), None)
        .await
        .unwrap();
    revisions.push(store.load().await.unwrap().revision);
    store.delete_model(model, None).await.unwrap();
    revisions.push(store.load().await.unwrap().revision);
    store.delete_provider(id, None).await.unwrap();
    revisions.push(store.load().await.unwrap().revision);
    assert_eq!(revisions, [0, 1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_change_to_another_version_is_refused_and_changes_nothing() {
    let place = Place::new();
    let store = place.open().await;
    let first = store.insert_provider(new_provider("A", "key-a")).await;
    let first = first.unwrap();
    let id = first.id;
    let expected = Some(first.version());
    let second = store.update_provider(id, update(), expected).await.unwrap();
    assert_ne!(second.version(), first.version());
    let late = store.update_provider(id, update(), expected).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    let late = store.delete_provider(id, expected).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::PreconditionFailed);

    let model = store.insert_model(new_model(id, "m")).await.unwrap();
    let expected = Some(model.version());
    let (one, other) = tokio::join!(
        store.update_model(model.id, new_model(id, "n"), expected),
        store.update_model(model.id, new_model(id, "o"), expected),
    );
    assert!(one.is_ok() != other.is_ok(), "one of two at once");
    let late = store.delete_model(model.id, expected).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    let present = one.or(other).unwrap().version();
    store.delete_model(model.id, Some(present)).await.unwrap();
    store
        .delete_provider(id, Some(second.version()))
        .await
        .unwrap();
}
