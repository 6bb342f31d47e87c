use serde_json::{Value, json};

use crate::client::Admin;

#[tokio::test]
async fn model_lives_its_life() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    let body = json!({"provider_id": 1, "model_name": "gpt-4", "upstream_model": null});
    let answer = admin.post("/provider_models", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let created = answer.json();
    assert_eq!(created["id"], 1);
    assert_eq!(created["provider_id"], 1);
    assert_eq!(created["model_name"], "gpt-4");
    assert_eq!(created["upstream_model"], json!(null));
    assert_eq!(created["description"], "");
    assert!(created["created_at"].is_string() && created["updated_at"].is_string());
    assert_eq!(admin.get("/provider_models/1").await.json(), created);
    let list = admin.get("/providers/1/models").await.json();
    assert_eq!(list, json!({"models": [created]}));

    let update = json!({"model_name": "gpt-5", "upstream_model": "gpt-5-mini", "description": "d"});
    let updated = admin.put("/provider_models/1", &update).await;
    assert_eq!(updated.status, 200, "{}", updated.text);
    assert_eq!(updated.json()["provider_id"], 1, "it keeps its provider");
    assert_eq!(updated.json()["upstream_model"], "gpt-5-mini");
    assert_eq!(admin.get("/provider_models/1").await.json(), updated.json());

    let answer = admin.delete("/provider_models/1").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let gone = admin.get("/provider_models/1").await;
    gone.assert_error(404, "not_found", None);
    let list = admin.get("/providers/1/models").await;
    assert_eq!(list.text, r#"{"models":[]}"#);
}

#[tokio::test]
async fn change_is_in_force_for_the_next_request() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    let offered = |model: &str| {
        let key = b"your-canary-0123456-key";
        let principal = admin.registry.authenticate(key).unwrap();
        principal.grant().targets(model).is_some()
    };
    assert!(!offered("m"));
    let body = json!({"provider_id": 1, "model_name": "m"});
    admin.post("/provider_models", &body).await;
    assert!(offered("m"));
    admin
        .put("/provider_models/1", &json!({"model_name": "n"}))
        .await;
    assert!(!offered("m") && offered("n"));
    admin.delete("/provider_models/1").await;
    assert!(!offered("n"));
}

#[tokio::test]
async fn second_model_of_one_name_is_a_conflict() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    admin.provider("b").await;
    for (provider, model) in [(1, "m"), (1, "n"), (2, "m")] {
        let body = json!({"provider_id": provider, "model_name": model});
        assert_eq!(admin.post("/provider_models", &body).await.status, 201);
    }
    let twice = json!({"provider_id": 1, "model_name": "m"});
    let answer = admin.post("/provider_models", &twice).await;
    answer.assert_error(409, "already_exists", Some("model_name"));
    let answer = admin.put("/provider_models/2", &twice).await;
    answer.assert_error(409, "already_exists", Some("model_name"));
}

#[tokio::test]
async fn unknown_provider_is_not_found() {
    let admin = Admin::new().await;
    let body = json!({"provider_id": 7, "model_name": "m"});
    let answer = admin.post("/provider_models", &body).await;
    answer.assert_error(404, "not_found", Some("provider_id"));
    let list = admin.get("/providers/7/models").await;
    list.assert_error(404, "not_found", None);
    admin.provider("a").await;
    let model = json!({"provider_id": 1, "model_name": "m"});
    admin.post("/provider_models", &model).await;
    let answer = admin.put("/provider_models/1", &body).await;
    answer.assert_error(404, "not_found", Some("provider_id"));
}

#[tokio::test]
async fn unknown_model_is_not_found() {
    let admin = Admin::new().await;
    let body = json!({"model_name": "m"});
    for id in ["7", "x"] {
        let path = format!("/provider_models/{id}");
        for answer in [
            admin.get(&path).await,
            admin.put(&path, &body).await,
            admin.delete(&path).await,
        ] {
            answer.assert_error(404, "not_found", None);
        }
    }
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    for (field, value) in [
        ("provider_id", json!(null)),
        ("provider_id", json!("1")),
        ("provider_id", json!(1.0)),
        ("model_name", json!(null)),
        ("model_name", json!("")),
        ("model_name", json!({})),
        ("upstream_model", json!(1)),
        ("description", json!(false)),
    ] {
        let mut body = json!({"provider_id": 1, "model_name": "m"});
        body[field] = value;
        let answer = admin.post("/provider_models", &body).await;
        answer.assert_error(422, "invalid_field", Some(field));
    }
}

#[tokio::test]
async fn provider_of_a_model_can_be_named() {
    let admin = Admin::new().await;
    for name in ["demo", "OpenAI", "twice", "twice"] {
        admin.provider(name).await;
    }
    let add = async |body: Value| admin.post("/provider_models", &body).await;
    let added = add(json!({"provider": "OpenAI", "model_name": "gpt-4"})).await;
    assert_eq!(
        (added.status.as_u16(), added.json()["provider_id"].clone()),
        (201, json!(2))
    );
    let both = add(json!({"provider": "OpenAI", "provider_id": 2, "model_name": "b"})).await;
    assert_eq!(both.status, 201);
    let differ = add(json!({"provider": "OpenAI", "provider_id": 1, "model_name": "c"})).await;
    differ.assert_error(422, "invalid_field", Some("provider"));
    let twice = add(json!({"provider": "twice", "model_name": "c"})).await;
    twice.assert_error(422, "invalid_field", Some("provider"));
    let none = add(json!({"provider": "openai", "model_name": "c"})).await;
    none.assert_error(404, "not_found", Some("provider"));
    let neither = add(json!({"model_name": "c"})).await;
    neither.assert_error(422, "invalid_field", Some("provider_id"));
}
