//! Requests whose end two readers could see in different places, with another request after them.

use std::net::SocketAddr;

use nexus_lib::testing::{FakeUpstream, RawClient, RawResponse, openai};
use serde_json::json;

use crate::server::{Home, Server};

const POST: &str = "POST /v1/chat/completions HTTP/1.1";

fn message(text: &str) -> String {
    json!({"model": "m", "messages": [{"role": "user", "content": text}]}).to_string()
}

/// A chat with a valid key, framed by `headers`.
fn chat(line: &str, headers: &str, body: &str) -> String {
    format!("{line}\r\nhost: localhost\r\nauthorization: Bearer key\r\n{headers}\r\n{body}")
}

fn smuggled() -> String {
    let body = message("smuggled");
    chat(POST, &format!("content-length: {}\r\n", body.len()), &body)
}

/// Sends `first` followed by a whole chat; asserts that there is only one answer, and that the
/// connection is closed after it.
async fn only_answer(addr: SocketAddr, name: &str, first: &str) -> RawResponse {
    let mut client = RawClient::connect(addr).await;
    client
        .send(format!("{first}{}", smuggled()).as_bytes())
        .await;
    let answer = client.response().await;
    client.closed().await;
    let second = client.try_head().await;
    assert!(second.is_none(), "{name}: a second answer, {second:?}");
    let connection = answer.head.header("connection");
    assert_eq!(connection, Some("close"), "{name}: {answer:?}");
    answer
}

async fn chats() -> (Server, FakeUpstream, Home) {
    let home = Home::new();
    let upstream = FakeUpstream::start(openai::server(&["hi"], 3, 1)).await;
    let server = home.start(&[], &[]);
    server.register(&upstream.url(), "", "key", "m").await;
    (server, upstream, home)
}

async fn rows(server: &Server) -> usize {
    let page = server.admin_json("/stats/requests").await;
    page["requests"].as_array().unwrap().len()
}

#[tokio::test]
async fn message_whose_end_is_not_certain_is_refused_and_nothing_behind_it_is_read() {
    let (server, upstream, _home) = chats().await;
    let body = message("outer");
    let n = body.len();
    let chunks = format!("{n:x}\r\n{body}\r\n0\r\n\r\n");
    let huge = "x".repeat(20_000);
    let http10 = "POST /v1/chat/completions HTTP/1.0";
    let chunked = "transfer-encoding: chunked\r\n";
    let cases = [
        (
            "a length, then a coding",
            POST,
            format!("content-length: {n}\r\n{chunked}"),
            chunks.clone(),
        ),
        (
            "a coding, then a length",
            POST,
            format!("{chunked}content-length: {n}\r\n"),
            chunks.clone(),
        ),
        (
            "two lengths",
            POST,
            format!("content-length: {n}\r\ncontent-length: 5\r\n"),
            body.clone(),
        ),
        (
            "the same length twice",
            POST,
            format!("content-length: {n}\r\ncontent-length: {n}\r\n"),
            body.clone(),
        ),
        (
            "a list of lengths",
            POST,
            format!("content-length: {n}, {n}\r\n"),
            body.clone(),
        ),
        (
            "a plus",
            POST,
            format!("content-length: +{n}\r\n"),
            body.clone(),
        ),
        (
            "a minus",
            POST,
            format!("content-length: -{n}\r\n"),
            body.clone(),
        ),
        (
            "a length in hex",
            POST,
            "content-length: 0x10\r\n".to_owned(),
            body.clone(),
        ),
        (
            "no digits",
            POST,
            "content-length:\r\n".to_owned(),
            body.clone(),
        ),
        (
            "a length with a gap",
            POST,
            "content-length: 1 0\r\n".to_owned(),
            body.clone(),
        ),
        (
            "a length over 64 bits",
            POST,
            "content-length: 18446744073709551616\r\n".to_owned(),
            body.clone(),
        ),
        (
            "chunked not last",
            POST,
            "transfer-encoding: chunked, identity\r\n".to_owned(),
            chunks.clone(),
        ),
        (
            "chunked twice",
            POST,
            "transfer-encoding: chunked, chunked\r\n".to_owned(),
            chunks.clone(),
        ),
        (
            "a coding under chunks",
            POST,
            "transfer-encoding: gzip, chunked\r\n".to_owned(),
            chunks.clone(),
        ),
        (
            "codings on two lines",
            POST,
            format!("transfer-encoding: identity\r\n{chunked}"),
            chunks.clone(),
        ),
        (
            "an unknown coding",
            POST,
            "transfer-encoding: xchunked\r\n".to_owned(),
            chunks.clone(),
        ),
        (
            "a vertical tab",
            POST,
            "transfer-encoding: \x0bchunked\r\n".to_owned(),
            chunks.clone(),
        ),
        (
            "a coding in HTTP/1.0",
            http10,
            format!("{chunked}connection: keep-alive\r\n"),
            chunks.clone(),
        ),
        (
            "a chunk's length in C",
            POST,
            chunked.to_owned(),
            format!("0x{chunks}"),
        ),
        (
            "a chunk's length with a minus",
            POST,
            chunked.to_owned(),
            format!("-{chunks}"),
        ),
        (
            "a chunk over 64 bits",
            POST,
            chunked.to_owned(),
            format!("fffffffffffffffff\r\n{chunks}"),
        ),
        (
            "a chunk's length behind a bare LF",
            POST,
            chunked.to_owned(),
            chunks.replacen("\r\n", "\n", 1),
        ),
        (
            "a chunk longer than it says",
            POST,
            chunked.to_owned(),
            format!("1\r\n{body}\r\n0\r\n\r\n"),
        ),
        (
            "a huge extension",
            POST,
            chunked.to_owned(),
            format!("{n:x};{huge}\r\n{body}\r\n0\r\n\r\n"),
        ),
        (
            "a bare LF",
            POST,
            format!("x: y\ncontent-length: {n}\r\n"),
            body.clone(),
        ),
        (
            "a bare CR",
            POST,
            format!("x: y\rcontent-length: {n}\r\n"),
            body.clone(),
        ),
        (
            "a folded line",
            POST,
            format!("x: y\r\n z\r\ncontent-length: {n}\r\n"),
            body.clone(),
        ),
        (
            "a space before the colon",
            POST,
            format!("content-length : {n}\r\n"),
            body.clone(),
        ),
        (
            "a NUL",
            POST,
            format!("x: a\0b\r\ncontent-length: {n}\r\n"),
            body.clone(),
        ),
    ];
    for (name, line, headers, body) in cases {
        let answer = only_answer(server.api, name, &chat(line, &headers, &body)).await;
        assert_eq!(answer.head.status, 400, "{name}");
        let error = &answer.body.json()["error"];
        assert_eq!(error["type"], "invalid_request_error", "{name}: {error}");
        assert_eq!(upstream.requests().len(), 0, "{name}");
    }
    assert_eq!(rows(&server).await, 0);
}

#[tokio::test]
async fn a_refusal_names_the_problem_in_the_usual_shape() {
    let (server, _upstream, _home) = chats().await;
    let first = chat(POST, "content-length: 5\r\ncontent-length: 5\r\n", "12345");
    let answer = only_answer(server.api, "the same length twice", &first).await;
    let error = &answer.body.json()["error"];
    assert_eq!(error["type"], "invalid_request_error");
    assert_eq!(error["code"], "invalid_request");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("content-length"),
        "{error}"
    );
}

#[tokio::test]
async fn chunked_chat_is_served_as_the_last_of_its_connection() {
    let (server, upstream, _home) = chats().await;
    let body = message("outer");
    let (first, second) = body.split_at(10);
    let end = format!("\r\n{:x}\r\n{second}\r\n0\r\n", second.len());
    let cases = [
        ("chunks", format!("a\r\n{first}{end}\r\n")),
        ("an extension", format!("a;name=value\r\n{first}{end}\r\n")),
        (
            "a trailer",
            format!("a\r\n{first}{end}content-length: 5\r\n\r\n"),
        ),
    ];
    for (index, (name, chunks)) in cases.into_iter().enumerate() {
        let request = chat(POST, "Transfer-Encoding: Chunked\r\n", &chunks);
        let answer = only_answer(server.api, name, &request).await;
        assert_eq!(answer.head.status, 200, "{name}: {}", answer.body.text());
        let sent = upstream.requests();
        assert_eq!(sent.len(), index + 1, "{name}");
        assert_eq!(sent[index].body, body, "{name}");
    }
    assert_eq!(rows(&server).await, 3);
}

#[tokio::test]
async fn admin_port_refuses_them_too() {
    let home = Home::new();
    let server = home.start(&[], &[]);
    let body =
        json!({"name": "p", "server_url": "http://h", "server_key": "", "personalized_key": "k"});
    let body = body.to_string();
    let headers = format!(
        "content-length: {}\r\ntransfer-encoding: chunked\r\n",
        body.len()
    );
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let request = chat("POST /providers HTTP/1.1", &headers, &chunks);
    let answer = only_answer(server.admin, "both", &request).await;
    assert_eq!(answer.head.status, 400);
    assert_eq!(
        server.admin_json("/providers").await,
        json!({"providers": []})
    );
}

#[tokio::test]
async fn request_without_a_host_or_with_two_is_refused() {
    let (server, upstream, _home) = chats().await;
    let body = message("hi");
    let length = format!("content-length: {}", body.len());
    let send = async |addr: SocketAddr, line: &str, hosts: &str| {
        let mut client = RawClient::connect(addr).await;
        let head = format!("{line}\r\n{hosts}authorization: Bearer key\r\n{length}\r\n\r\n");
        client.send(format!("{head}{body}").as_bytes()).await;
        client.response().await
    };
    let get = "GET /healthz HTTP/1.1";
    for hosts in [
        "",
        "host: localhost\r\nhost: localhost\r\n",
        "host: localhost\r\nHost: other\r\n",
        "host: localhost, other\r\n",
        "host: localhost other\r\n",
        "host: user@localhost\r\n",
        "host: localhost/path\r\n",
    ] {
        for (addr, line) in [(server.api, POST), (server.api, get), (server.admin, get)] {
            let answer = send(addr, line, hosts).await;
            assert_eq!(answer.status, 400, "{line} {hosts:?}");
            assert_eq!(answer.header("connection"), Some("close"), "{hosts:?}");
            let text = answer.body.text();
            assert!(text.contains("`Host`"), "{hosts:?}: {text}");
        }
    }
    assert!(upstream.requests().is_empty());
    assert_eq!(rows(&server).await, 0);
    // Old clients may leave it out.
    let old = "POST /v1/chat/completions HTTP/1.0";
    for (line, hosts) in [
        (POST, "host: localhost\r\n"),
        (POST, "host: [::1]:5231\r\n"),
        (POST, "host:\r\n"),
        (old, ""),
    ] {
        let answer = send(server.api, line, hosts).await;
        assert_eq!(answer.status, 200, "{line} {hosts:?}");
    }
}
