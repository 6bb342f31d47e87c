//! Keys and projects.

use super::{Place, SqliteStore, new_provider};
use crate::error::ErrorKind;
use crate::secret::KeyHash;
use crate::store::{
    KeyFields, KeyOrigin, KeyRecord, KeySecret, LedgerStore, ProjectFields, RegistryStore,
};
use crate::wire::{KeyId, ProjectId, ProviderId, Timestamp};

fn secret(text: &str) -> KeySecret {
    KeySecret {
        hash: KeyHash::of(text.as_bytes()),
        mask: "nx-…wxyz".to_owned(),
    }
}

async fn keys(store: &SqliteStore) -> Vec<KeyRecord> {
    store.load().await.unwrap().keys
}

#[tokio::test]
async fn a_key_is_kept_as_given_changed_and_deleted() {
    let place = Place::new();
    let store = place.open().await;
    let project = store.insert_project(ProjectFields::new("search")).await;
    let project = project.unwrap();
    let mut fields = KeyFields::new("mobile app");
    fields.project_id = Some(project.id);
    fields.models = Some(vec!["gpt-4o".to_owned(), "claude-*".to_owned()]);
    fields.providers = Some(vec![ProviderId(2), ProviderId(7)]);
    fields.enabled = false;
    fields.expires_at = Some(Timestamp::from_micros(12));
    fields.tags.insert("team".to_owned(), "search".to_owned());
    let made = store
        .insert_key(fields.clone(), secret("one"))
        .await
        .unwrap();
    assert_eq!((&made.fields, &made.secret), (&fields, &secret("one")));
    assert_eq!(
        (made.origin, made.identity),
        (KeyOrigin::Key, KeyHash::of(b"one"))
    );
    assert_eq!(keys(&store).await, std::slice::from_ref(&made));

    let fields = KeyFields::new("other");
    let changed = store.update_key(made.id, fields.clone(), Some(made.version()));
    let changed = changed.await.unwrap();
    assert_eq!((&changed.fields, &changed.secret), (&fields, &made.secret));
    assert_ne!(changed.version(), made.version());
    let late = store
        .update_key(made.id, fields.clone(), Some(made.version()))
        .await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    let late = store.delete_key(made.id, Some(made.version())).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::PreconditionFailed);

    store
        .delete_key(made.id, Some(changed.version()))
        .await
        .unwrap();
    assert!(keys(&store).await.is_empty());
    let gone = store.update_key(made.id, fields.clone(), None).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    let next = store.insert_key(fields, secret("one")).await.unwrap();
    assert!(next.id > made.id, "ids are never used again");
}

#[tokio::test]
async fn one_text_is_one_key() {
    let place = Place::new();
    let store = place.open().await;
    let key = store.insert_key(KeyFields::new("a"), secret("own")).await;
    key.unwrap();
    let revision = store.load().await.unwrap().revision;
    let twice = store.insert_key(KeyFields::new("b"), secret("own")).await;
    let twice = twice.unwrap_err();
    assert_eq!(
        (twice.kind(), twice.param()),
        (ErrorKind::Conflict, Some("key"))
    );
    let carried = store.insert_provider(new_provider("A", "own")).await;
    let carried = carried.unwrap_err();
    assert_eq!(
        (carried.kind(), carried.param()),
        (ErrorKind::Conflict, Some("personalized_key"))
    );
    let records = store.load().await.unwrap();
    assert_eq!((records.revision, records.providers.len()), (revision, 0));
}

#[tokio::test]
async fn a_providers_key_is_made_with_the_first_and_goes_with_the_last() {
    let place = Place::new();
    let store = place.open().await;
    let first = store
        .insert_provider(new_provider("A", "shared"))
        .await
        .unwrap();
    let second = store
        .insert_provider(new_provider("B", "shared"))
        .await
        .unwrap();
    assert_eq!(first.key_id, second.key_id);
    let made = keys(&store).await;
    assert_eq!((made.len(), made[0].origin), (1, KeyOrigin::Provider));
    assert_eq!(
        (made[0].fields.name.as_str(), made[0].id),
        ("A", first.key_id)
    );

    let taken = store.delete_key(first.key_id, None).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    store.delete_provider(first.id, None).await.unwrap();
    assert_eq!(keys(&store).await.len(), 1);

    // Another text is another key; nobody carries the one before.
    let update = super::registry::update().with_client_key("own");
    let moved = store
        .update_provider(second.id, update, None)
        .await
        .unwrap();
    assert_ne!(moved.key_id, second.key_id);
    let left = keys(&store).await;
    assert_eq!((left.len(), left[0].id), (1, moved.key_id));
    assert_eq!(left[0].secret.hash, KeyHash::of(b"own"));
    store.delete_provider(second.id, None).await.unwrap();
    assert!(keys(&store).await.is_empty());
}

#[tokio::test]
async fn a_project_goes_when_it_has_no_keys() {
    let place = Place::new();
    let store = place.open().await;
    let project = store.insert_project(ProjectFields::new("p")).await.unwrap();
    let renamed = store.update_project(project.id, ProjectFields::new("q"), None);
    let renamed = renamed.await.unwrap();
    assert_eq!(renamed.fields.name, "q");
    let projects = store.load().await.unwrap().projects;
    assert_eq!(projects, std::slice::from_ref(&renamed));
    let late = store
        .delete_project(project.id, Some(project.version()))
        .await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::PreconditionFailed);

    let mut fields = KeyFields::new("k");
    fields.project_id = Some(project.id);
    let key = store
        .insert_key(fields.clone(), secret("one"))
        .await
        .unwrap();
    let needed = store.delete_project(project.id, None).await.unwrap_err();
    assert_eq!(needed.kind(), ErrorKind::Conflict);
    store.delete_key(key.id, None).await.unwrap();
    store.delete_project(project.id, None).await.unwrap();
    let gone = store.insert_key(fields, secret("one")).await.unwrap_err();
    assert_eq!(
        (gone.kind(), gone.param()),
        (ErrorKind::NotFound, Some("project_id"))
    );
    assert_eq!(
        store
            .delete_project(ProjectId(9), None)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        store.delete_key(KeyId(9), None).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn no_text_of_a_key_is_in_the_database() {
    let place = Place::new();
    let store = place.open().await;
    let text = "nx-canary-0123456789-canary";
    store
        .insert_key(KeyFields::new("a"), secret(text))
        .await
        .unwrap();
    store
        .insert_provider(new_provider("A", "client-canary-0123456789"))
        .await
        .unwrap();
    store.close().await.unwrap();
    let bytes = std::fs::read(place.path()).unwrap();
    for canary in ["canary-0123456789", "sk-server-canary"] {
        assert!(memchr::memmem::find(&bytes, canary.as_bytes()).is_none());
    }
}
