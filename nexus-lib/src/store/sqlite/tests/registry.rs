use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::{Place, new_model, new_provider, open_row, settlement};
use crate::call::KeyHash;
use crate::error::ErrorKind;
use crate::store::{LedgerQueries, LedgerStore, LedgerWrite, ProviderUpdate, RegistryStore};
use crate::wire::{ModelId, Protocols, ProviderId, ProviderLimits, TimeRange, TimerSettings};

pub(super) fn update() -> ProviderUpdate {
    ProviderUpdate {
        name: "B".to_owned(),
        kind: "gemini".to_owned(),
        server_url: "http://localhost:1".to_owned(),
        server_key: None,
        personalized_key: None,
        description: "changed".to_owned(),
        proxy_url: Some("http://u:proxy-canary-0001@proxy:1".into()),
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
        protocols: None,
    }
}

#[tokio::test]
async fn a_provider_is_kept_as_given() {
    let place = Place::new();
    let store = place.open().await;
    let new = new_provider("A", "a-client-key-that-is-long");
    let record = store.insert_provider(new).await.unwrap();

    assert_eq!(record.server_key.expose_secret(), "sk-server-canary-0001");
    assert_eq!(record.client_key, KeyHash::of(b"a-client-key-that-is-long"));
    assert_eq!(record.client_key_mask, "a-c…long");
    assert_eq!(
        (record.priority, record.weight, record.enabled),
        (-3, 7, true)
    );
    assert_eq!(record.limits, new_provider("A", "k").limits);
    assert_eq!(record.protocols, Some(Protocols::OPENAI));
    assert_eq!(record.created_at, record.updated_at);
    let loaded = store.load().await.unwrap();
    assert_eq!(format!("{:?}", loaded.providers), format!("{:?}", [record]));
}

#[tokio::test]
async fn an_update_keeps_the_keys_that_it_does_not_name() {
    let place = Place::new();
    let store = place.open().await;
    let id = store
        .insert_provider(new_provider("A", "one"))
        .await
        .unwrap()
        .id;

    let record = store.update_provider(id, update(), None).await.unwrap();
    assert_eq!(record.server_key.expose_secret(), "sk-server-canary-0001");
    assert_eq!(record.client_key, KeyHash::of(b"one"));
    assert_eq!(
        (record.name.as_str(), record.kind.as_str()),
        ("B", "gemini")
    );
    let proxy = record.proxy_url.as_ref().map(ExposeSecret::expose_secret);
    assert_eq!(proxy, Some("http://u:proxy-canary-0001@proxy:1"));
    assert_eq!(record.limits, update().limits);
    assert_eq!(record.protocols, None);
    assert!(!record.enabled && record.updated_at >= record.created_at);

    let keys = ProviderUpdate {
        server_key: Some(SecretString::from("")),
        personalized_key: Some(SecretString::from("two")),
        ..update()
    };
    let record = store.update_provider(id, keys, None).await.unwrap();
    assert_eq!(record.server_key.expose_secret(), "");
    assert_eq!(record.client_key, KeyHash::of(b"two"));
}

#[tokio::test]
async fn a_sealed_key_does_not_open_in_another_row() {
    let place = Place::new();
    let store = place.open().await;
    for key in ["one", "two"] {
        store.insert_provider(new_provider("A", key)).await.unwrap();
    }
    let swap = "UPDATE providers SET server_key =
        (SELECT server_key FROM providers WHERE id = 1) WHERE id = 2";
    store
        .write(move |connection| Ok(connection.execute_batch(swap)?))
        .await
        .unwrap();
    let error = store.load().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreInvalid);
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
