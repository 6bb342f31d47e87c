//! A change to an outdated version is rejected: `ETag` and `If-Match`.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::client::{Admin, Answer, openai};

async fn change(admin: &Admin, method: Method, path: &str, tag: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:8000")
        .header("content-type", "application/json")
        .header("if-match", tag)
        .body(Full::new(Bytes::from(body.to_string())));
    admin.send(request.unwrap()).await
}

fn tag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

/// For providers and models alike: changes what is at `path` with `body`.
async fn later_save_is_refused(admin: &Admin, path: &str, body: &Value) {
    let read = admin.get(path).await;
    let first = tag(&read);
    assert!(first.starts_with('"') && first.ends_with('"'), "{first}");
    assert_eq!(
        tag(&admin.get(path).await),
        first,
        "reading changes nothing"
    );

    // Two tabs have read the same version.
    let saved = change(admin, Method::PUT, path, &first, body).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    let second = tag(&saved);
    assert_ne!(second, first);
    assert_eq!(tag(&admin.get(path).await), second);
    for method in [Method::PUT, Method::DELETE] {
        let late = change(admin, method, path, &first, body).await;
        late.assert_error(412, "precondition_failed", None);
    }
    assert_eq!(tag(&admin.get(path).await), second, "nothing was changed");

    // A weak tag and a foreign one fail; a list with the right one succeeds, and so does `*`.
    let weak = format!("W/{second}");
    for wrong in [weak.as_str(), "\"x\"", "x"] {
        let answer = change(admin, Method::PUT, path, wrong, body).await;
        answer.assert_error(412, "precondition_failed", None);
    }
    let list = format!("\"x\", {second}");
    let saved = change(admin, Method::PUT, path, &list, body).await;
    assert_eq!(saved.status, 200);
    assert_eq!(
        change(admin, Method::PUT, path, "*", body).await.status,
        200
    );
    assert_eq!(
        admin.put(path, body).await.status,
        200,
        "as before without it"
    );
    let last = tag(&admin.get(path).await);
    assert_eq!(
        change(admin, Method::DELETE, path, &last, body)
            .await
            .status,
        204
    );
    let gone = change(admin, Method::PUT, path, &last, body).await;
    gone.assert_error(404, "not_found", None);
}

#[tokio::test]
async fn the_later_save_of_a_provider_is_refused() {
    let admin = Admin::new().await;
    let made = admin.post("/providers", &openai()).await;
    assert_eq!(tag(&made), tag(&admin.get("/providers/1").await));
    later_save_is_refused(&admin, "/providers/1", &openai()).await;
}

#[tokio::test]
async fn the_later_save_of_a_model_is_refused() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    let model = json!({"provider_id": 1, "model_name": "m"});
    let made = admin.post("/provider_models", &model).await;
    assert_eq!(tag(&made), tag(&admin.get("/provider_models/1").await));
    later_save_is_refused(&admin, "/provider_models/1", &model).await;
}

#[tokio::test]
async fn providers_bring_their_models_along_in_one_answer() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    admin.provider("b").await;
    for (provider_id, name) in [(1, "m"), (2, "n"), (2, "o")] {
        let model = json!({"provider_id": provider_id, "model_name": name});
        assert_eq!(admin.post("/provider_models", &model).await.status, 201);
    }
    let list = admin.get("/providers?with=models").await.json();
    let names = |provider: &Value| {
        let models = provider["models"].as_array().unwrap().iter();
        json!(
            models
                .map(|model| model["model_name"].clone())
                .collect::<Vec<_>>()
        )
    };
    let providers = list["providers"].as_array().unwrap();
    let found: Vec<_> = providers.iter().map(names).collect();
    assert_eq!(found, [json!(["m"]), json!(["n", "o"])]);
    let plain = admin.get("/providers").await.json();
    assert_eq!(plain["providers"][0].get("models"), None);
    let wrong = admin.get("/providers?with=canary").await;
    wrong.assert_error(422, "invalid_field", Some("with"));
}
