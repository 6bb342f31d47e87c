use secrecy::{ExposeSecret, SecretString};

use super::{URL, is_known, model, registry, spec};
use crate::error::ErrorKind;
use crate::registry::ProviderSpec;
use crate::store::RegistryStore;
use crate::wire::{ModelId, ProviderId};

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
        shown.personalized_key = Some(record.client_key.mask.into());
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
            change(|spec| spec.proxy_url = Some("ftp://p".into())),
        ),
        (
            "proxy_url",
            change(|spec| spec.proxy_url = Some("http://u:***@p".into())),
        ),
        ("server_url", change(|spec| spec.server_url.clear())),
        (
            "server_url",
            change(|spec| spec.server_url = "ftp://llm.example".into()),
        ),
        (
            "server_url",
            change(|spec| spec.server_url = "llm.example/v1".into()),
        ),
        ("priority", change(|spec| spec.priority = 1001)),
        ("priority", change(|spec| spec.priority = -1001)),
        ("weight", change(|spec| spec.weight = 0)),
        ("weight", change(|spec| spec.weight = 1001)),
        ("kind", change(|spec| spec.kind = Some("gemini".into()))),
        (
            "kind",
            change(|spec| spec.server_url = "https://api.anthropic.com".into()),
        ),
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
    widest.proxy_url = Some(" ".into());
    widest.kind = Some("openai-compatible".into());
    let record = registry.add_provider(widest).await.unwrap();
    assert_eq!(record.fields.kind, "openai");
    assert!(record.proxy_url.is_none());
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
