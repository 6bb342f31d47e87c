//! Answers that are compressed although this was not requested.

use nexus_lib::testing::{Answer, encoded, openai};
use serde_json::{Value, json};

use super::{Chat, FACES, Messages, Responses, chunk, over};

const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// Headers that only describe the coded bytes.
fn headers(coding: &str) -> [(&str, &str); 5] {
    [
        ("content-type", "application/json"),
        ("content-encoding", coding),
        ("etag", "\"1\""),
        ("content-md5", "x"),
        ("digest", "sha-256=x"),
    ]
}

fn assert_plain(response: &nexus_lib::testing::RawResponse) {
    for name in ["content-encoding", "etag", "content-md5", "digest"] {
        assert_eq!(response.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn envoyproxy_ai_gateway_2554_a_compressed_error_is_decoded() {
    let refused = openai::error("max_tokens: too many", "invalid_request_error", "x").to_string();
    for coding in CODINGS {
        let body = encoded(coding, &[refused.as_bytes()]).concat();
        for face in FACES {
            let (rig, _upstream) =
                over("chat", Answer::fixed(400, &headers(coding), body.clone())).await;
            let response = rig.ask(&face.request(true)).await;
            assert_eq!(response.status, 400);
            assert_plain(&response);
            assert_eq!(
                response.body.json()["error"]["message"],
                "max_tokens: too many"
            );
            assert_eq!(rig.rows().await[0]["error"], "max_tokens: too many");
        }
    }
}

#[tokio::test]
async fn agentgateway_621_a_compressed_answer_is_decoded() {
    let whole = openai::completion("Hello", 4, 2).to_string();
    for coding in CODINGS {
        let body = encoded(coding, &[whole.as_bytes()]).concat();
        for face in FACES {
            let (rig, upstream) =
                over("chat", Answer::fixed(200, &headers(coding), body.clone())).await;
            let response = rig.ask(&face.request(false)).await;
            assert_plain(&response);
            assert_eq!(face.words(&response), "Hello");
            if face == Chat {
                assert_eq!(response.body.text(), whole);
            }
            assert_eq!(rig.rows().await[0]["total_tokens"], 6);
            let sent = upstream.request(0).await;
            assert_eq!(sent.header("accept-encoding"), Some("identity"));
        }
    }
    let twice = encoded("br", &[&encoded("gzip", &[whole.as_bytes()]).concat()]).concat();
    let (rig, _upstream) = over("chat", Answer::fixed(200, &headers("gzip, br"), twice)).await;
    assert_eq!(rig.ask(&Chat.request(false)).await.body.text(), whole);
}

#[tokio::test]
async fn agentgateway_621_a_compressed_stream_flows_event_by_event() {
    let events = [
        chunk(json!({"content": "He"}), Value::Null),
        chunk(json!({"content": "llo"}), Value::Null),
        chunk(json!({}), json!("stop")),
    ]
    .map(|chunk| format!("data: {chunk}\n\n"));
    let pieces: Vec<&[u8]> = events
        .iter()
        .map(String::as_bytes)
        .chain([&b"data: [DONE]\n\n"[..]])
        .collect();
    for coding in CODINGS {
        for face in [Chat, Messages, Responses] {
            let gate = nexus_lib::testing::Gate::new();
            let chunks = encoded(coding, &pieces);
            let mut answer = Answer::new().head(
                200,
                &[
                    ("content-type", "text/event-stream"),
                    ("content-encoding", coding),
                    ("transfer-encoding", "chunked"),
                ],
            );
            answer = answer.chunk(&chunks[0]).pause(&gate);
            for chunk in &chunks[1..] {
                if !chunk.is_empty() {
                    answer = answer.chunk(chunk);
                }
            }
            let (rig, _upstream) = over("chat", answer.end()).await;
            let mut client = rig.send(&face.request(true)).await;
            let head = client.head().await;
            assert_eq!(head.header("content-encoding"), None);
            // The first words arrive although nothing follows them yet.
            let mut first = String::new();
            while !first.contains("He") {
                first += str::from_utf8(&client.event().await.unwrap()).unwrap();
            }
            gate.open();
            let rest = client.body().await;
            assert!(
                rest.text().contains("llo") && rest.text().contains(face.last()),
                "{coding}"
            );
        }
    }
}

#[tokio::test]
async fn a_coding_that_is_unknown_or_broken_is_a_failed_attempt() {
    for (coding, body) in [
        ("compress", &b"x"[..]),
        ("gzip", &b"\x1f\x8b\x08broken"[..]),
        ("br", &b"\xff\xff\xff"[..]),
    ] {
        super::hands_over(
            "chat",
            Chat,
            false,
            &Answer::fixed(200, &headers(coding), body),
        )
        .await;
        super::hands_over(
            "chat",
            Messages,
            true,
            &Answer::fixed(200, &headers(coding), body),
        )
        .await;
    }
    // Some declare a coding that they did not apply.
    let whole = openai::completion("Hello", 4, 2).to_string();
    let (rig, _upstream) = over("chat", Answer::fixed(200, &headers("gzip"), whole.clone())).await;
    assert_eq!(rig.ask(&Chat.request(false)).await.body.text(), whole);
}
