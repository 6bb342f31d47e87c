use http::{HeaderValue, Request};

use super::*;

fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn head(method: Method, uri: &'static str, pairs: &[(HeaderName, &str)]) -> Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    (head.method, head.uri) = (method, Uri::from_static(uri));
    head.headers = headers(pairs);
    head
}

fn loopback(pairs: &[(HeaderName, &str)]) -> bool {
    let head = head(Method::GET, "/", pairs);
    Guard::Loopback.check(&head, None, false).is_ok()
}

#[test]
fn hosts_of_this_machine_pass() {
    for host in [
        "localhost",
        "LocalHost:8000",
        "nexus.localhost:8000",
        "127.0.0.1",
        "127.8.9.10:1",
        "[::1]",
        "[::1]:8000",
    ] {
        assert!(loopback(&[(HOST, host)]), "{host}");
    }
}

#[test]
fn other_hosts_are_refused() {
    for host in [
        "example.com",
        "localhost.example.com",
        "evillocalhost",
        ".localhost",
        "127.0.0.1.example.com",
        "127.0.0.1@example.com",
        "localhost:80@example.com",
        "localhost:x",
        "128.0.0.1",
        "192.168.1.1:8000",
        "0.0.0.0:8000",
        "[::]:8000",
        "[::2]",
        "[::1]x",
        "",
    ] {
        assert!(!loopback(&[(HOST, host)]), "{host}");
    }
    assert!(!loopback(&[]));
    assert!(!loopback(&[(HOST, "localhost"), (HOST, "localhost")]));
    let foreign = head(Method::GET, "http://example.com/", &[(HOST, "localhost")]);
    assert!(Guard::Loopback.check(&foreign, None, false).is_err());
}

#[test]
fn only_pages_of_this_server_pass() {
    let page = |origin| loopback(&[(HOST, "localhost:8000"), (ORIGIN, origin)]);
    assert!(page("http://localhost:8000"));
    for origin in [
        "null",
        "http://localhost",
        "http://localhost:8001",
        "http://127.0.0.1:8000",
        "https://localhost:8000",
        "http://example.com",
        "http://localhost:8000.example.com",
        "",
    ] {
        assert!(!page(origin), "{origin}");
    }
    assert!(loopback(&[
        (HOST, "localhost"),
        (ORIGIN, "http://localhost:80")
    ]));
}

#[test]
fn token_is_asked_of_all_but_probes() {
    let guard = Guard::new(Some(&"s3cret".into()));
    let check = |value: &str, probe| {
        let head = head(Method::GET, "/", &[(AUTHORIZATION, value)]);
        guard.check(&head, None, probe)
    };
    assert!(check("Bearer s3cret", false).is_ok());
    assert!(check("bearer  s3cret", false).is_ok());
    assert!(check("Basic s3cret", true).is_ok());
    for wrong in [
        "Bearer s3cre",
        "Bearer s3crets",
        "Bearer",
        "Basic s3cret",
        "s3cret",
    ] {
        let error = check(wrong, false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidAdminToken, "{wrong}");
    }
}

#[test]
fn what_a_browser_sends_for_another_site_is_refused_without_an_origin() {
    let from = |site: &str| loopback(&[(HOST, "localhost"), (SEC_FETCH_SITE, site)]);
    assert!(from("same-origin") && from("none"));
    for site in [
        "cross-site",
        "same-site",
        "",
        "same-origin, none",
        "Same-Origin",
    ] {
        assert!(!from(site), "{site}");
    }
    let own = [
        (HOST, "localhost"),
        (ORIGIN, "http://localhost"),
        (SEC_FETCH_SITE, "cross-site"),
    ];
    assert!(!loopback(&own), "whatever the origin");
    let link = |method, open, mode, dest| {
        let pairs = [
            (HOST, "localhost"),
            (SEC_FETCH_SITE, "cross-site"),
            (SEC_FETCH_MODE, mode),
            (SEC_FETCH_DEST, dest),
        ];
        let head = head(method, "/", &pairs);
        Guard::Loopback.check(&head, None, open).is_ok()
    };
    assert!(link(Method::GET, true, "navigate", "document"));
    assert!(!link(Method::GET, true, "navigate", "iframe"));
    assert!(!link(Method::GET, true, "no-cors", "script"));
    assert!(!link(Method::GET, false, "navigate", "document"));
    assert!(!link(Method::POST, true, "navigate", "document"));
}

#[test]
fn without_a_token_bodies_are_json_or_of_no_browser() {
    let sent = |method: Method, media: &str, more: &[(HeaderName, &str)]| {
        let pairs = [&[(HOST, "localhost"), (CONTENT_TYPE, media)], more].concat();
        let checked = Guard::Loopback.check(&head(method, "/", &pairs), None, false);
        checked.err().map(|error| error.status().as_u16())
    };
    let page = [
        (ORIGIN, "http://localhost"),
        (SEC_FETCH_SITE, "same-origin"),
    ];
    for method in [Method::POST, Method::PUT] {
        for media in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
            "",
        ] {
            assert_eq!(sent(method.clone(), media, &page), None, "{media}");
        }
        let form = "application/x-www-form-urlencoded";
        assert_eq!(sent(method.clone(), form, &[]), None, "curl -d");
        assert_eq!(sent(method.clone(), form, &page), Some(415));
        assert_eq!(sent(method.clone(), form, &page[1..]), Some(415));
        for media in [
            "text/plain",
            "Text/Plain;charset=UTF-8",
            "multipart/form-data; boundary=x",
        ] {
            assert_eq!(sent(method.clone(), media, &[]), Some(415), "{media}");
        }
    }
    assert_eq!(sent(Method::DELETE, "text/plain", &[]), None);
}
