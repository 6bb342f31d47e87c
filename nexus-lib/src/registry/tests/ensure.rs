use super::{is_known, registry, spec};
use crate::registry::{ModelSpec, ProviderSpec};

fn names(registry: &crate::Registry) -> Vec<(String, Vec<String>)> {
    let snapshot = registry.snapshot();
    let providers = snapshot.providers().iter().map(|provider| {
        let models = snapshot.models_of(provider.id);
        let models = models.map(|model| model.model_name.clone()).collect();
        (provider.fields.name.clone(), models)
    });
    providers.collect()
}

#[tokio::test]
async fn set_up_that_runs_at_each_start_doubles_nothing() {
    let (_folder, _, registry) = registry().await;
    let first = registry.ensure(spec("one"), ["a", "b"]).await.unwrap();
    let revision = registry.snapshot().revision();
    let again = registry.ensure(spec("one"), ["a", "b"]).await.unwrap();
    assert_eq!((again.id, again.updated_at), (first.id, first.updated_at));
    assert_eq!(
        registry.snapshot().revision(),
        revision,
        "nothing is written"
    );
    let expected = vec![("A".to_owned(), vec!["a".to_owned(), "b".to_owned()])];
    assert_eq!(names(&registry), expected);
}

#[tokio::test]
async fn set_up_changes_what_differs_and_keeps_the_rest() {
    let (_folder, _, registry) = registry().await;
    let first = registry.ensure(spec("one"), ["a"]).await.unwrap();
    let renamed = ModelSpec::new("a").upstream_model("a-2").description("new");
    let changed = spec("two").priority(3);
    let record = registry.ensure(changed, [renamed]).await.unwrap();
    assert_eq!((record.id, record.fields.priority), (first.id, 3));
    assert!(is_known(&registry, "two") && !is_known(&registry, "one"));
    let snapshot = registry.snapshot();
    let models: Vec<_> = snapshot.models_of(record.id).collect();
    assert_eq!(models.len(), 1);
    assert_eq!(models[0].upstream_model.as_deref(), Some("a-2"));
    // Another model is added; keys that are not set stay.
    let kept = spec("three").priority(3).keep_keys();
    registry.ensure(kept, ["b"]).await.unwrap();
    assert!(is_known(&registry, "two"));
    assert_eq!(names(&registry)[0].1, ["a", "b"]);
}

#[tokio::test]
async fn two_that_set_up_the_same_at_once_add_it_once() {
    let (_folder, _, registry) = registry().await;
    let set_up = || registry.ensure(spec("one"), ["a", "b", "c"]);
    let (one, two, three) = tokio::join!(set_up(), set_up(), set_up());
    let ids = [one, two, three].map(|record| record.unwrap().id);
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(names(&registry).len(), 1);
    assert_eq!(names(&registry)[0].1.len(), 3);
}

#[tokio::test]
async fn set_up_that_makes_no_sense_names_its_field() {
    let (_folder, _, registry) = registry().await;
    let wrong = ProviderSpec::new("A", "no URL", "", "key");
    let error = registry.ensure(wrong, ["a"]).await.unwrap_err();
    assert_eq!(error.param(), Some("server_url"));
    assert!(registry.snapshot().providers().is_empty());
}
