use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Empty;
use nexus_lib::http::ClientAddr;

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

#[tokio::test]
async fn without_a_token_a_browser_may_not_ask_for_another_site() {
    let admin = Admin::new().await;
    for site in ["cross-site", "same-site"] {
        for path in ["/", "/providers", "/healthz", "/nope"] {
            let headers = [("host", "localhost:8000"), ("sec-fetch-site", site)];
            let answer = get(&admin, path, &headers).await;
            answer.assert_error(403, "forbidden", None);
        }
    }
    for site in ["none", "same-origin"] {
        let headers = [("host", "localhost:8000"), ("sec-fetch-site", site)];
        assert_eq!(get(&admin, "/providers", &headers).await.status, 200);
    }
    // A link to the console may be on any page.
    let link = [
        ("host", "localhost:8000"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(get(&admin, "/", &link).await.status, 200);
    assert_eq!(get(&admin, "/providers", &link).await.status, 403);
}

#[tokio::test]
async fn wrong_tokens_of_one_address_are_limited() {
    let admin = Admin::with_token(Some("canary-token")).await;
    let ask = async |address: &str, token: &str| {
        let address = ClientAddr(address.parse().unwrap());
        let request = Request::get("/providers")
            .header("authorization", format!("Bearer {token}"))
            .extension(address)
            .body(Empty::<Bytes>::new())
            .unwrap();
        admin.send(request).await
    };
    for _ in 0..20 {
        let answer = ask("192.0.2.1", "wrong").await;
        answer.assert_error(401, "invalid_admin_token", None);
    }
    // Its further attempts are not checked, otherwise it could continue guessing.
    for token in ["wrong", "canary-token"] {
        let answer = ask("192.0.2.1", token).await;
        answer.assert_error(429, "too_many_attempts", None);
        let wait: u64 = answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    assert_eq!(ask("192.0.2.2", "canary-token").await.status, 200);
    let probe = get(&admin, "/healthz", &[]).await;
    assert_eq!(probe.status, 200);
}

#[tokio::test]
async fn no_answer_is_to_be_taken_for_another_type() {
    let admin = Admin::new().await;
    for path in [
        "/",
        "/providers",
        "/healthz",
        "/nope",
        "/openapi.json",
        "/stats/total",
    ] {
        let answer = admin.get(path).await;
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        assert!(answer.headers.contains_key("x-request-id"), "{path}");
    }
    let refused = admin.request(Method::POST, "/providers", "{").await;
    assert_eq!(refused.headers["x-content-type-options"], "nosniff");
}
