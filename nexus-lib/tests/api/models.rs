//! `GET /v1/models`: the models available to a key.

use nexus_lib::testing::{RawRequest, openai};
use serde_json::json;

use crate::support::{KEY, Rig, fields};

#[tokio::test]
async fn the_list_has_openais_shape_and_only_what_the_key_may_call() {
    let rig = Rig::start().await;
    let one = rig.add_provider("One", "http://127.0.0.1:9/v1", 0).await;
    rig.add_provider("Spare", "http://127.0.0.1:9/v1", 5).await;
    rig.create(
        "/provider_models",
        json!({"provider_id": one, "model_name": "a-model"}),
    )
    .await;
    let other = json!({
        "name": "Other", "server_url": "http://127.0.0.1:9", "server_key": "", "personalized_key": "k2",
    });
    let other = rig.create("/providers", other).await;
    rig.create(
        "/provider_models",
        json!({"provider_id": other, "model_name": "hidden"}),
    )
    .await;

    for path in ["/v1/models", "/models"] {
        let response = rig.ask(&RawRequest::get(path).bearer(KEY)).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("application/json"));
        let list = response.body.json();
        assert_eq!(fields(&list), ["data", "object"]);
        assert_eq!(list["object"], "list");
        let data = list["data"].as_array().unwrap();
        let names: Vec<_> = data
            .iter()
            .map(|model| model["id"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["a-model", "m"], "each once");
        for model in data {
            assert_eq!(fields(model), ["created", "id", "object", "owned_by"]);
            assert_eq!(model["object"], "model");
            assert_eq!(model["owned_by"], "One");
            assert!(model["created"].as_i64().unwrap() > 1_700_000_000);
        }
    }
}

#[tokio::test]
async fn models_of_a_disabled_provider_are_not_listed() {
    let (rig, upstream) = Rig::over(openai::server(&["x"], 1, 1)).await;
    let update = json!({"name": "Fake", "server_url": upstream.url(), "enabled": false});
    assert_eq!(
        rig.admin("PUT", "/providers/1", Some(update)).await.status,
        200
    );
    let response = rig.ask(&RawRequest::get("/v1/models").bearer(KEY)).await;
    // It is not specified whether a key without any enabled provider is valid; the model must be
    // gone.
    assert!(
        !response.body.text().contains("\"m\""),
        "{}",
        response.body.text()
    );
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A gateway with a key for `a/b c`, `m` and `n`.
async fn three() -> Rig {
    let rig = Rig::start().await;
    let one = rig.add_provider("One", "http://127.0.0.1:9/v1", 0).await;
    for name in ["n", "a/b c"] {
        let model = json!({"provider_id": one, "model_name": name});
        rig.create("/provider_models", model).await;
    }
    rig
}

fn get(path: &str) -> RawRequest {
    RawRequest::get(path).bearer(KEY)
}

#[tokio::test]
async fn one_model_is_told_by_its_name() {
    let rig = three().await;
    for (path, name) in [
        ("/v1/models/m", "m"),
        ("/models/m", "m"),
        ("/v1/models/a/b%20c", "a/b c"),
        ("/v1/models/a%2Fb%20c", "a/b c"),
    ] {
        let response = rig.ask(&get(path)).await;
        assert_eq!(response.status, 200, "{path}");
        let model = response.body.json();
        assert_eq!(fields(&model), ["created", "id", "object", "owned_by"]);
        assert_eq!(
            (&model["id"], &model["object"]),
            (&json!(name), &json!("model"))
        );
    }
    let response = rig.ask(&get("/v1/models/other")).await;
    assert_eq!(response.status, 404);
    assert_eq!(response.body.json()["error"]["code"], "model_not_found");
    let response = rig.ask(&RawRequest::get("/v1/models/m")).await;
    assert_eq!(response.status, 401);
}

#[tokio::test]
async fn anthropics_clients_are_told_models_in_its_shape() {
    let rig = three().await;
    let ask = async |path: &str| {
        let request = RawRequest::get(path)
            .header("x-api-key", KEY)
            .header("anthropic-version", "2023-06-01");
        let response = rig.ask(&request).await;
        (response.status, response.body.json())
    };
    let names = |list: &serde_json::Value| -> Vec<String> {
        let data = list["data"].as_array().unwrap().iter();
        data.map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    for path in ["/v1/models", "/models"] {
        let (status, list) = ask(path).await;
        assert_eq!(status, 200);
        assert_eq!(fields(&list), ["data", "first_id", "has_more", "last_id"]);
        assert_eq!(names(&list), ["a/b c", "m", "n"]);
        assert_eq!(
            (&list["first_id"], &list["last_id"]),
            (&json!("a/b c"), &json!("n"))
        );
        assert_eq!(list["has_more"], false);
        let model = &list["data"][1];
        assert_eq!(fields(model), ["created_at", "display_name", "id", "type"]);
        assert_eq!(model["type"], "model");
        assert!(model["created_at"].as_str().unwrap().ends_with('Z'));
    }
    for (query, expected, has_more) in [
        ("limit=2", &["a/b c", "m"][..], true),
        ("limit=1000", &["a/b c", "m", "n"], false),
        ("limit=1&after_id=a%2Fb%20c", &["m"], true),
        ("after_id=m&limit=1", &["n"], false),
        ("before_id=n&limit=1", &["m"], true),
        ("before_id=a%2Fb%20c", &[], false),
    ] {
        let (status, list) = ask(&format!("/v1/models?{query}")).await;
        assert_eq!(
            (status, names(&list).as_slice()),
            (200, &*owned(expected)),
            "{query}"
        );
        assert_eq!(list["has_more"], has_more, "{query}");
    }
    let (status, error) = ask("/v1/models?limit=0").await;
    assert_eq!(
        (status, &error["error"]["type"]),
        (400, &json!("invalid_request_error"))
    );
    let (status, model) = ask("/v1/models/a/b%20c").await;
    assert_eq!(
        (status, &model["id"], &model["type"]),
        (200, &json!("a/b c"), &json!("model"))
    );
    let (status, error) = ask("/v1/models/other").await;
    assert_eq!((status, &error["type"]), (404, &json!("error")));
    assert_eq!(error["error"]["type"], "not_found_error");
}
