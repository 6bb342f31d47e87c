use std::time::Duration;

use super::*;

const CHAT: &str = "/v1/chat/completions";

fn post(body: &'static str) -> RawRequest {
    RawRequest::post(CHAT).body(body)
}

#[tokio::test]
async fn records_a_request_to_the_byte() {
    let upstream = FakeUpstream::start(Answer::json(200, "{}")).await;
    let mut client = RawClient::connect(upstream.addr()).await;
    let sent = b"POST /a?b=%20c HTTP/1.1\r\nHost: x\r\nX-Odd:  spaced \r\nX-Odd: again\r\nContent-Length: 5\r\n\r\n\xff\x00{}\n";
    client.send(sent).await;
    client.response().await;
    let request = upstream.request(0).await;
    assert_eq!(request.raw_head, sent[..sent.len() - 5]);
    assert_eq!((&*request.method, &*request.target), ("POST", "/a?b=%20c"));
    assert_eq!(
        request.headers[1],
        ("X-Odd".to_owned(), "spaced".to_owned())
    );
    assert_eq!(request.header("x-odd"), Some("spaced"));
    assert_eq!(
        request.header_names(),
        ["content-length", "host", "x-odd", "x-odd"]
    );
    assert_eq!(request.body, &b"\xff\x00{}\n"[..]);
}

#[tokio::test]
async fn serves_one_request_after_the_other_on_one_connection() {
    let script = Script::each([Answer::json(200, "1"), Answer::events(&["a\n\n"]).end()]);
    let upstream = FakeUpstream::start(script).await;
    let mut client = RawClient::connect(upstream.addr()).await;
    let statuses_and_bodies = [(200, "1"), (200, "a\n\n"), (599, "")];
    for (status, body) in statuses_and_bodies {
        client.send(&post("{}").to_bytes()).await;
        let response = client.response().await;
        assert_eq!(response.status, status);
        assert!(response.body.text().starts_with(body));
        assert_eq!(response.body.ending, Ending::Complete);
    }
    assert_eq!(upstream.requests().len(), 3);
    assert_eq!(upstream.connections(), 1);
    assert!(!upstream.is_closed(2));
}

#[tokio::test]
async fn reads_a_body_in_chunks() {
    let upstream = FakeUpstream::start(Answer::json(200, "{}")).await;
    let mut client = RawClient::connect(upstream.addr()).await;
    let head = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    client
        .send(format!("{head}3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n").as_bytes())
        .await;
    assert_eq!(client.response().await.status, 200);
    assert_eq!(upstream.request(0).await.body, "abcd");
}

#[tokio::test]
async fn shows_a_body_with_and_without_its_chunks() {
    let upstream = FakeUpstream::start(Answer::events(&["data: x\n\n", "y"]).end()).await;
    let response = RawClient::exchange(upstream.addr(), &post("{}")).await;
    assert_eq!(
        response.header("Content-Type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(response.body.content, "data: x\n\ny");
    assert_eq!(response.body.raw, "9\r\ndata: x\n\n\r\n1\r\ny\r\n0\r\n\r\n");
}

#[tokio::test]
async fn holds_an_answer_at_a_gate() {
    let gate = Gate::new();
    let answer = Answer::events(&["data: 1\r\n\r\ndata: 2\n\n"])
        .pause(&gate)
        .sse(&["data: 3"]);
    let upstream = FakeUpstream::start(answer.end()).await;
    let mut client = RawClient::connect(upstream.addr()).await;
    client.send(&post("{}").to_bytes()).await;
    client.head().await;
    assert_eq!(client.event().await.unwrap(), "data: 1\r\n\r\n");
    assert_eq!(client.event().await.unwrap(), "data: 2\n\n");
    gate.reached().await;
    let early = tokio::time::timeout(Duration::from_millis(20), client.event()).await;
    assert!(early.is_err(), "nothing may pass a closed gate");
    gate.open();
    assert_eq!(client.event().await.unwrap(), "data: 3");
    assert_eq!(client.event().await, None);
    assert_eq!(client.ending(), Some(Ending::Complete));
}

#[tokio::test]
async fn cuts_and_resets() {
    let begun = Answer::events(&["data: 1\n\n"]);
    let gate = Gate::new();
    let script = Script::each([begun.clone().cut(), begun.pause(&gate).reset()]);
    let upstream = FakeUpstream::start(script).await;
    let cut = RawClient::exchange(upstream.addr(), &post("{}")).await;
    assert_eq!(
        (cut.body.ending, cut.body.text()),
        (Ending::Closed, "data: 1\n\n")
    );

    let mut client = RawClient::connect(upstream.addr()).await;
    client.send(&post("{}").to_bytes()).await;
    client.head().await;
    client.event().await.unwrap();
    gate.open();
    assert_eq!(client.event().await, None);
    assert_eq!(client.ending(), Some(Ending::Reset));
    assert!(!upstream.is_closed(1), "this side closed, not the peer");
}

#[tokio::test]
async fn sees_the_peer_leave_at_any_step() {
    let gate = Gate::new();
    let script = Script::each([
        Answer::new().hang(),
        Answer::events(&["data: 1\n\n"]).pause(&gate),
        Answer::json(200, "{}"),
    ]);
    let upstream = FakeUpstream::start(script).await;
    for index in 0..3 {
        let mut client = RawClient::connect(upstream.addr()).await;
        client.send(&post("{}").to_bytes()).await;
        upstream.request(index).await;
        assert!(!upstream.is_closed(index));
        if index == 1 {
            client.reset();
        } else {
            client.close();
        }
        upstream.closed(index).await;
        assert!(upstream.is_closed(index));
    }
}

#[tokio::test]
async fn stop_closes_the_port_and_what_is_open() {
    let upstream = FakeUpstream::start(Answer::new().hang()).await;
    let addr = upstream.addr();
    let mut client = RawClient::connect(addr).await;
    client.send(&post("{}").to_bytes()).await;
    upstream.request(0).await;
    upstream.stop().await;
    client.closed().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
    assert!(
        tokio::net::TcpStream::connect(refused_addr().await)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_openai_server_does_as_it_is_asked() {
    let upstream = FakeUpstream::start(openai::server(&["Hel", "lo"], 3, 2)).await;
    let plain = RawClient::exchange(upstream.addr(), &post(r#"{"model":"m"}"#)).await;
    assert_eq!(
        plain.body.json()["choices"][0]["message"]["content"],
        "Hello"
    );
    assert_eq!(plain.body.json()["usage"]["total_tokens"], 5);

    let unasked = RawClient::exchange(upstream.addr(), &post(r#"{"stream":true}"#)).await;
    assert!(!unasked.body.text().contains("usage"));
    assert!(unasked.body.text().ends_with("data: [DONE]\n\n"));

    let body = r#"{"stream":true,"stream_options":{"include_usage":true}}"#;
    let asked = RawClient::exchange(upstream.addr(), &post(body)).await;
    let text = asked.body.text();
    assert_eq!(text.matches("data: ").count(), 5);
    assert_eq!(text.matches(r#""usage":null"#).count(), 3);
    assert_eq!(text.matches(r#""total_tokens":5"#).count(), 1);
}
