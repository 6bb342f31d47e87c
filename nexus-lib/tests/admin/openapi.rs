//! The port's OpenAPI document. The client of all tests checks that answers match it.

use http::Method;

use crate::client::Admin;

#[tokio::test]
async fn the_document_is_sound() {
    let admin = Admin::new().await;
    let document = admin.document().await;
    document.check_form();
    let answer = admin.get("/openapi.json").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.json(), document.0);
}

#[tokio::test]
async fn the_document_needs_the_token() {
    let admin = Admin::with_token(Some("token")).await;
    let answer = admin.get("/openapi.json").await;
    answer.assert_error(401, "invalid_admin_token", None);
}

#[tokio::test]
async fn each_path_accepts_exactly_the_documented_methods() {
    let admin = Admin::new().await;
    for (path, operations) in admin.document().await.operations() {
        let path = path.replace("{path}", "main.js").replace("{id}", "1");
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let answer = admin
                .request(method.parse::<Method>().unwrap(), &path, "")
                .await;
            assert!(!answer.text.contains("no such route"), "{path}");
            let asked = if method == "HEAD" { "GET" } else { method };
            let told = operations.iter().any(|(known, _)| known == asked);
            assert_eq!(answer.status != 405, told, "{method} {path}");
        }
    }
}
