//! Connections to upstreams: reused where possible, and never where not.

use nexus_lib::Transport;
use nexus_lib::testing::{Answer, Gate, Script, openai};
use serde_json::json;

use crate::support::{HttpsUpstream, PLAIN, Rig, STREAM, chat};

#[tokio::test]
async fn one_connection_serves_one_answer_after_the_other() {
    let (rig, upstream) = Rig::over(openai::server(&["hi"], 1, 1)).await;
    for body in [PLAIN, STREAM, PLAIN, STREAM] {
        assert_eq!(rig.chat(body).await.status, 200);
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn answers_at_the_same_time_have_connections_of_their_own() {
    let gate = Gate::new();
    let body = openai::completion("hi", 1, 1).to_string();
    let length = body.len().to_string();
    let answer = Answer::new()
        .pause(&gate)
        .head(200, &[("content-length", &length)])
        .bytes(body);
    let (rig, upstream) = Rig::over(answer).await;
    let both_are_there = async {
        upstream.request(1).await;
        gate.open();
    };
    let (first, second, ()) = tokio::join!(rig.chat(PLAIN), rig.chat(PLAIN), both_are_there);
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(upstream.connections(), 2);
    // Both were kept, and one of them is enough now.
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_the_upstream_closes_is_not_used_again() {
    let body = openai::completion("hi", 1, 1).to_string();
    let length = body.len().to_string();
    let answer = Answer::new()
        .head(200, &[("connection", "close"), ("content-length", &length)])
        .bytes(body)
        .cut();
    let (rig, upstream) = Rig::over(answer).await;
    for _ in 0..5 {
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        assert_eq!(rig.row(&response).await["attempts"], json!(1));
    }
    assert_eq!(upstream.connections(), 5);
}

#[tokio::test]
async fn an_answer_that_was_left_takes_its_connection_along() {
    let script = Script::by(|request| match request.index {
        0 => Answer::events(&[&openai::delta_event("some words")]).hang(),
        _ => Answer::json(200, openai::completion("hi", 1, 1).to_string()),
    });
    let (rig, upstream) = Rig::over(script).await;
    let mut client = rig.send(&chat(STREAM)).await;
    client.head().await;
    client.event().await.unwrap();
    client.close();
    upstream.closed(0).await;
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn https_upstreams_are_spoken_to_in_the_version_that_they_offer() {
    for (alpn, version) in [
        (&[&b"h2"[..], b"http/1.1"][..], "HTTP/2.0"),
        (&[], "HTTP/1.1"),
    ] {
        let upstream = HttpsUpstream::start(alpn).await;
        let transport = Transport::builder().tls_config(upstream.trust.clone());
        let rig = Rig::with(|builder| builder.transport(transport.build().unwrap())).await;
        rig.add_provider("TLS", &upstream.url, 0).await;
        for _ in 0..3 {
            let response = rig.chat(PLAIN).await;
            assert_eq!(response.status, 200, "{}", response.body.text());
            let answer = response.body.json();
            assert_eq!(answer["choices"][0]["message"]["content"], version);
        }
        assert_eq!(upstream.connections(), 1, "{version}");
        if version == "HTTP/2.0" {
            let (first, second) = tokio::join!(rig.chat(PLAIN), rig.chat(PLAIN));
            assert_eq!((first.status, second.status), (200, 200));
            assert_eq!(upstream.connections(), 1);
        }
    }
}
