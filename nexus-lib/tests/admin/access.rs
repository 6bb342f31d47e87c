use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Empty;

use crate::client::{Admin, Answer};

async fn get(admin: &Admin, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    admin
        .send(request.body(Empty::<Bytes>::new()).unwrap())
        .await
}

#[tokio::test]
async fn with_a_token_everything_but_probes_and_the_page_asks_for_it() {
    let admin = Admin::with_token(Some("canary-token")).await;
    for path in [
        "/metrics",
        "/providers",
        "/providers/1/test",
        "/stats/total",
        "/settings",
        "/nope",
    ] {
        for headers in [
            [("host", "localhost"), ("x", "")],
            [("host", "localhost"), ("authorization", "Bearer wrong")],
            [("host", "localhost"), ("authorization", "canary-token")],
            [
                ("host", "localhost"),
                ("authorization", "Basic canary-token"),
            ],
        ] {
            let answer = get(&admin, path, &headers).await;
            answer.assert_error(401, "invalid_admin_token", None);
            assert_eq!(answer.json()["error"]["type"], "authentication_error");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
    for path in ["/healthz", "/readyz", "/healthz/", "/", "/console/main.js"] {
        assert_eq!(get(&admin, path, &[]).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn with_the_token_any_host_and_page_may_ask() {
    let admin = Admin::with_token(Some("canary-token")).await;
    let headers = [
        ("authorization", "Bearer canary-token"),
        ("host", "nexus.example.com"),
        ("origin", "https://console.example.com"),
    ];
    assert_eq!(get(&admin, "/providers", &headers).await.status, 200);
    let unknown = get(&admin, "/nope", &headers).await;
    unknown.assert_error(404, "not_found", None);
}

#[tokio::test]
async fn without_a_token_only_this_machine_may_ask() {
    let admin = Admin::new().await;
    for host in ["localhost", "127.0.0.1:8000", "[::1]:8000", "a.localhost:1"] {
        assert_eq!(
            get(&admin, "/providers", &[("host", host)]).await.status,
            200
        );
    }
    for host in [
        "nexus.example.com",
        "localhost.example.com",
        "10.0.0.1:8000",
    ] {
        for path in ["/", "/providers", "/nope", "/stats/total"] {
            let answer = get(&admin, path, &[("host", host)]).await;
            answer.assert_error(403, "forbidden", None);
        }
    }
    let answer = get(&admin, "/providers", &[]).await;
    answer.assert_error(403, "forbidden", None);
}

#[tokio::test]
async fn without_a_token_no_page_of_another_server_may_drive_it() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    for origin in [
        "https://evil.example",
        "http://evil.example",
        "null",
        "http://localhost:3000",
        "http://127.0.0.1:8000",
    ] {
        let request = Request::builder()
            .method(Method::DELETE)
            .uri("/providers/1")
            .header("host", "localhost:8000")
            .header("origin", origin)
            .body(Empty::<Bytes>::new())
            .unwrap();
        let answer = admin.send(request).await;
        answer.assert_error(403, "forbidden", None);
    }
    assert_eq!(
        admin.get("/providers/1").await.status,
        200,
        "nothing deleted"
    );
    let own = [
        ("host", "localhost:8000"),
        ("origin", "http://localhost:8000"),
    ];
    assert_eq!(get(&admin, "/providers", &own).await.status, 200);
}
