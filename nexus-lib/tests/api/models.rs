//! `GET /v1/models`: what a key may call.

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
    // Whether a key without any enabled provider is known or not is not promised; the model must be gone.
    assert!(
        !response.body.text().contains("\"m\""),
        "{}",
        response.body.text()
    );
}
