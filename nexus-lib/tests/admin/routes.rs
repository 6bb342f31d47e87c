use http::Method;
use nexus_lib::store::LedgerStore;
use serde_json::{Value, json};

use crate::client::Admin;

#[tokio::test]
async fn a_wrong_method_gets_the_allowed_ones() {
    let admin = Admin::new().await;
    for (path, allow) in [
        ("/", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/providers", "GET, HEAD, POST"),
        ("/providers/1", "GET, HEAD, PUT, DELETE"),
        ("/providers/1/models", "GET, HEAD"),
        ("/provider_models", "POST"),
        ("/provider_models/1", "GET, HEAD, PUT, DELETE"),
        ("/stats/total", "GET, HEAD"),
        ("/stats/conversation/c", "GET, HEAD"),
        ("/stats/requests", "GET, HEAD"),
        ("/stats/conversations", "GET, HEAD"),
        ("/console/main.js", "GET, HEAD"),
        ("/settings", "GET, HEAD"),
        ("/providers/1/upstream_models", "GET, HEAD"),
        ("/providers/1/test", "POST"),
        ("/playground/chat", "POST"),
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let sent = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = admin.request(sent, path, "").await;
            let allowed = allow.split(", ").any(|known| known == method);
            assert_eq!(answer.status != 405, allowed, "{method} {path}");
            if !allowed {
                assert_eq!(answer.headers["allow"], allow, "{method} {path}");
                if method != "HEAD" {
                    answer.assert_error(405, "method_not_allowed", None);
                }
            }
        }
    }
}

#[tokio::test]
async fn unknown_route_is_not_found() {
    let admin = Admin::new().await;
    for path in [
        "/nope",
        "/providers/1/models/2",
        "/Providers",
        "/providers//",
        "/stats",
    ] {
        admin.get(path).await.assert_error(404, "not_found", None);
    }
}

#[tokio::test]
async fn slash_at_the_end_makes_no_difference() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    for path in [
        "/providers",
        "/providers/1",
        "/providers/1/models",
        "/stats/total",
        "/healthz",
    ] {
        let plain = admin.get(path).await;
        let slashed = admin.get(&format!("{path}/")).await;
        // Everything except the time of reading.
        let told = |text: &str| {
            let mut told: Value = serde_json::from_str(text).unwrap();
            told.as_object_mut().unwrap().remove("now");
            told
        };
        assert_eq!(plain.status, 200);
        assert_eq!(told(&plain.text), told(&slashed.text));
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let admin = Admin::new().await;
    for path in [
        "/",
        "/healthz",
        "/providers",
        "/stats/total",
        "/providers/7",
    ] {
        let get = admin.get(path).await;
        let head = admin.request(Method::HEAD, path, "").await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.text, "");
        let length = get.text.len().to_string();
        assert_eq!(head.headers["content-length"], length.as_str(), "{path}");
    }
}

#[tokio::test]
async fn probes_report_whether_the_store_answers() {
    let admin = Admin::new().await;
    for path in ["/healthz", "/readyz"] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), json!({"status": "ok"}));
    }
    admin.store.close().await.unwrap();
    assert_eq!(admin.get("/healthz").await.status, 200);
    let answer = admin.get("/readyz").await;
    answer.assert_error(503, "store_unavailable", None);
}
