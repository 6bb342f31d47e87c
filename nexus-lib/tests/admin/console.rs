use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Empty;

use crate::client::Admin;

#[tokio::test]
async fn page_is_served_under_a_policy_that_allows_nothing_foreign_or_inline() {
    let admin = Admin::new().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/console/main.js", "text/javascript; charset=utf-8"),
        (
            "/console/pages/overview.js",
            "text/javascript; charset=utf-8",
        ),
        ("/console/base.css", "text/css; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
        (
            "/console/vendor/uplot.LICENSE.txt",
            "text/plain; charset=utf-8",
        ),
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["content-type"], kind, "{path}");
        assert_eq!(answer.headers["cache-control"], "no-cache", "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        let mut rules: Vec<_> = policy.split(';').map(str::trim).collect();
        rules.sort_unstable();
        let expected = [
            "base-uri 'none'",
            "connect-src 'self'",
            "default-src 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "img-src 'self' data:",
            "script-src 'self'",
            "style-src 'self'",
        ];
        assert_eq!(rules, expected, "{path}");
    }
    let page = admin.get("/").await.text;
    assert!(page.contains(r#"src="console/main.js""#), "{page}");
}

#[tokio::test]
async fn file_that_the_browser_has_is_not_sent_again() {
    let admin = Admin::new().await;
    let first = admin.get("/console/main.js").await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let other = admin.get("/console/base.css").await;
    assert_ne!(other.headers["etag"], tag.as_str());
    for (known, status) in [
        (tag.clone(), 304),
        (format!("\"x\", W/{tag}"), 304),
        ("\"x\"".to_owned(), 200),
    ] {
        let request = Request::builder()
            .uri("/console/main.js")
            .header("host", "localhost")
            .header("if-none-match", &known);
        let answer = admin
            .send(request.body(Empty::<Bytes>::new()).unwrap())
            .await;
        assert_eq!(answer.status, status, "{known}");
        assert_eq!(answer.text.is_empty(), status == 304, "{known}");
        assert_eq!(answer.headers["etag"], tag.as_str(), "{known}");
    }
}

#[tokio::test]
async fn head_of_the_page_has_its_length() {
    let admin = Admin::new().await;
    let page = admin.get("/").await;
    let head = admin.request(Method::HEAD, "/", "").await;
    assert_eq!(head.text, "");
    let length = page.text.len().to_string();
    assert_eq!(head.headers["content-length"], length.as_str());
}

#[tokio::test]
async fn no_path_leads_out_of_the_page() {
    let admin = Admin::new().await;
    for path in [
        "/console",
        "/console/",
        "/console/../main.js",
        "/console/%2e%2e/x",
        "/main.js",
    ] {
        admin.get(path).await.assert_error(404, "not_found", None);
    }
}
