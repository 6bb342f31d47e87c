use serde_json::{Value, json};

use crate::client::{Admin, openai};

#[tokio::test]
async fn created_provider_has_its_defaults_and_masked_keys() {
    let admin = Admin::new().await;
    let answer = admin.post("/providers", &openai()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["content-type"], "application/json");
    let mut created = answer.json();
    for time in ["created_at", "updated_at"] {
        let time = created.as_object_mut().unwrap().remove(time).unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    }
    let expected = json!({
        "id": 1,
        "name": "OpenAI",
        "kind": "openai",
        "server_url": "https://api.openai.com/v1",
        "server_key": "sk-…wxyz",
        "personalized_key": "you…-key",
        "description": "",
        "proxy_url": null,
        "protocols": null,
        "enabled": true,
        "priority": 0,
        "weight": 1,
        "max_concurrency": null,
        "timeouts": {"connect_ms": null, "first_event_ms": null, "idle_ms": null},
        "health": {"state": "ok", "until": null, "recent_errors": 0, "latency_ms": null},
        "open_requests": 0,
    });
    assert_eq!(created, expected);
}

#[tokio::test]
async fn keys_are_never_shown() {
    let admin = Admin::new().await;
    let mut texts = vec![admin.post("/providers", &openai()).await.text];
    texts.push(admin.get("/providers").await.text);
    texts.push(admin.get("/providers/1").await.text);
    texts.push(admin.put("/providers/1", &openai()).await.text);
    for text in texts {
        assert!(text.contains('…') && !text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn kind_is_derived_from_the_host() {
    let admin = Admin::new().await;
    let mut body = openai();
    body["server_url"] = "https://api.x.ai/v1".into();
    assert_eq!(admin.post("/providers", &body).await.json()["kind"], "xai");
    body["kind"] = "openai-compatible".into();
    assert_eq!(
        admin.post("/providers", &body).await.json()["kind"],
        "openai"
    );
}

#[tokio::test]
async fn providers_are_listed_by_id() {
    let admin = Admin::new().await;
    assert_eq!(admin.get("/providers").await.text, r#"{"providers":[]}"#);
    let ids = [admin.provider("b").await, admin.provider("a").await];
    let list = admin.get("/providers").await.json();
    let listed: Vec<_> = list["providers"].as_array().unwrap().iter().collect();
    assert_eq!(listed.len(), 2);
    for (id, provider) in ids.iter().zip(listed) {
        assert_eq!(provider["id"], *id);
        assert_eq!(
            admin.get(&format!("/providers/{id}")).await.json(),
            *provider
        );
    }
}

#[tokio::test]
async fn update_replaces_all_but_keys_that_are_absent() {
    let admin = Admin::new().await;
    let mut body = openai();
    body["description"] = "first".into();
    body["priority"] = 5.into();
    admin.post("/providers", &body).await;

    let update = json!({"name": "Renamed", "server_url": "https://other.example/v1",
        "enabled": false, "weight": 3});
    let answer = admin.put("/providers/1", &update).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let updated = answer.json();
    assert_eq!(updated["name"], "Renamed");
    assert_eq!(updated["description"], "");
    assert_eq!(updated["priority"], 0);
    assert_eq!(updated["enabled"], false);
    assert_eq!(updated["weight"], 3);
    assert_eq!(updated["server_key"], "sk-…wxyz");
    assert_eq!(updated["personalized_key"], "you…-key");
    assert_eq!(admin.get("/providers/1").await.json(), updated);
    let key = b"your-canary-0123456-key";
    assert!(admin.registry.authenticate(key).is_ok(), "in force at once");
}

#[tokio::test]
async fn shown_provider_can_be_put_back() {
    let admin = Admin::new().await;
    admin.post("/providers", &openai()).await;
    let shown = admin.get("/providers/1").await.json();
    let mut put = admin.put("/providers/1", &shown).await.json();
    put["updated_at"] = shown["updated_at"].clone();
    assert_eq!(put, shown);
    let key = b"your-canary-0123456-key";
    assert!(admin.registry.authenticate(key).is_ok());
}

#[tokio::test]
async fn new_key_is_in_force_for_the_next_request() {
    let admin = Admin::new().await;
    admin.post("/providers", &openai()).await;
    let mut body = openai();
    body["personalized_key"] = "another".into();
    body["server_key"] = "".into();
    let updated = admin.put("/providers/1", &body).await.json();
    assert_eq!(updated["personalized_key"], "…");
    assert_eq!(updated["server_key"], "");
    assert!(admin.registry.authenticate(b"another").is_ok());
    let old = admin.registry.authenticate(b"your-canary-0123456-key");
    assert_eq!(old.unwrap_err().status(), 401);
}

#[tokio::test]
async fn delete_takes_models_along() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    admin
        .post(
            "/provider_models",
            &json!({"provider_id": 1, "model_name": "m"}),
        )
        .await;
    let answer = admin.delete("/providers/1").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    for path in ["/providers/1", "/providers/1/models", "/provider_models/1"] {
        admin.get(path).await.assert_error(404, "not_found", None);
    }
    let again = admin.delete("/providers/1").await;
    again.assert_error(404, "not_found", None);
}

#[tokio::test]
async fn unknown_provider_is_not_found() {
    let admin = Admin::new().await;
    for id in ["7", "x", "-1", "1e1", "0"] {
        let path = format!("/providers/{id}");
        admin.get(&path).await.assert_error(404, "not_found", None);
        let put = admin.put(&path, &openai()).await;
        put.assert_error(404, "not_found", None);
        let delete = admin.delete(&path).await;
        delete.assert_error(404, "not_found", None);
    }
}

#[tokio::test]
async fn required_fields_are_named() {
    let admin = Admin::new().await;
    for field in ["name", "server_url", "server_key", "personalized_key"] {
        for absent in [None, Some(Value::Null)] {
            let mut body = openai();
            match absent {
                None => drop(body.as_object_mut().unwrap().remove(field)),
                Some(null) => body[field] = null,
            }
            let answer = admin.post("/providers", &body).await;
            answer.assert_error(422, "invalid_field", Some(field));
        }
    }
    admin.provider("a").await;
    for field in ["name", "server_url"] {
        let mut body = openai();
        body.as_object_mut().unwrap().remove(field);
        let answer = admin.put("/providers/1", &body).await;
        answer.assert_error(422, "invalid_field", Some(field));
    }
}

#[tokio::test]
async fn values_out_of_range_are_named() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    let cases = [
        ("name", json!("")),
        ("name", json!(" \n")),
        ("name", json!(5)),
        ("server_url", json!("ftp://canary.example/")),
        ("server_url", json!("api.openai.com")),
        ("server_url", json!("")),
        ("server_url", json!({"host": "canary"})),
        ("server_key", json!(12345)),
        ("server_key", json!("canary\nX-Header: 1")),
        ("personalized_key", json!("")),
        ("personalized_key", json!("canary canary")),
        ("personalized_key", json!("c".repeat(513))),
        ("kind", json!("canary")),
        ("kind", json!([])),
        ("description", json!(["canary"])),
        ("proxy_url", json!("ftp://user:canary@proxy.example")),
        ("proxy_url", json!("http://user:canary@proxy.example/x")),
        ("proxy_url", json!("user:canary@proxy.example")),
        ("proxy_url", json!("http://proxy.example,")),
        ("proxy_url", json!("http://user:***@proxy.example")),
        ("proxy_url", json!(["http://user:canary@proxy.example"])),
        ("protocols", json!(["grpc"])),
        ("protocols", json!([])),
        ("protocols", json!("chat")),
        ("enabled", json!("canary")),
        ("priority", json!(1.5)),
        ("priority", json!("canary")),
        ("weight", json!(0)),
        ("weight", json!(-1)),
        ("weight", json!(5_000_000_000_u64)),
    ];
    for (field, value) in cases {
        let mut body = openai();
        body[field] = value;
        let answer = admin.post("/providers", &body).await;
        answer.assert_error(422, "invalid_field", Some(field));
        let answer = admin.put("/providers/1", &body).await;
        answer.assert_error(422, "invalid_field", Some(field));
    }
    let list = admin.get("/providers").await.json();
    assert_eq!(list["providers"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_have_pages_and_can_be_searched() {
    let admin = Admin::new().await;
    for name in ["alpha", "beta", "Alphabet", "gamma", "alpha 2"] {
        admin.provider(name).await;
    }
    for model in ["m-1", "m-2", "other"] {
        let body = json!({"provider": "alpha", "model_name": model});
        assert_eq!(admin.post("/provider_models", &body).await.status, 201);
    }
    let page = async |path: &str, list: &str| {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let page = answer.json();
        let ids = page[list].as_array().unwrap().iter();
        let ids = ids.map(|item| item["id"].as_i64().unwrap());
        (ids.collect::<Vec<_>>(), page.get("next").cloned())
    };
    let providers = "providers";
    for (query, ids, next) in [
        ("", vec![1, 2, 3, 4, 5], None),
        ("?limit=2", vec![1, 2], Some(json!(2))),
        ("?limit=2&after=2", vec![3, 4], Some(json!(4))),
        ("?limit=2&after=4", vec![5], Some(json!(null))),
        ("?limit=5", vec![1, 2, 3, 4, 5], Some(json!(null))),
        ("?q=ALPHA", vec![1, 3, 5], None),
        ("?q=alpha&limit=2", vec![1, 3], Some(json!(3))),
        ("?q=alpha&limit=2&after=3", vec![5], Some(json!(null))),
        ("?q=nothing&limit=2", vec![], Some(json!(null))),
    ] {
        let read = page(&format!("/providers{query}"), providers).await;
        assert_eq!(read, (ids, next), "{query}");
    }
    for (query, ids, next) in [
        ("", vec![1, 2, 3], None),
        ("?limit=1&after=1", vec![2], Some(json!(2))),
        ("?q=m-&limit=1000", vec![1, 2], Some(json!(null))),
    ] {
        let read = page(&format!("/providers/1/models{query}"), "models").await;
        assert_eq!(read, (ids, next), "{query}");
    }
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("after=x", "after"),
        ("q=a&q=b", "q"),
    ] {
        for path in ["/providers", "/providers/1/models"] {
            let answer = admin.get(&format!("{path}?{query}")).await;
            answer.assert_error(422, "invalid_field", Some(param));
        }
    }
}
