//! Requests with content codings.

use nexus_lib::testing::{Answer, RawRequest, RawResponse, encoded, openai};
use serde_json::json;

use crate::support::{KEY, PLAIN, Rig, assert_error};

fn coded(route: &str, codings: &str, body: Vec<u8>) -> RawRequest {
    RawRequest::post(route)
        .bearer(KEY)
        .header("content-encoding", codings)
        .body(body)
}

fn in_coding(coding: &str, body: &[u8]) -> Vec<u8> {
    encoded(coding, &[body]).concat()
}

#[track_caller]
fn refused(answer: &RawResponse, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body.text());
    let kind = match status {
        503 => "server_error",
        _ => "invalid_request_error",
    };
    assert_error(&answer.body.json(), kind, code);
}

#[tokio::test]
async fn cc_switch_cli_469_coded_request_is_decoded_and_passes_without_its_coding() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 3, 1)).await;
    let mut index = 0;
    for (name, coding) in [
        ("gzip", "gzip"),
        ("X-GZIP", "gzip"),
        ("deflate", "deflate"),
        ("deflate", "bare deflate"),
        ("br", "br"),
        ("zstd", "zstd"),
    ] {
        let body = in_coding(coding, PLAIN.as_bytes());
        let answer = rig.ask(&coded("/v1/chat/completions", name, body)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body.text());
        let sent = upstream.request(index).await;
        assert_eq!(sent.body, PLAIN.as_bytes(), "{name}");
        assert_eq!(sent.header("content-encoding"), None, "{name}");
        let length = PLAIN.len().to_string();
        assert_eq!(sent.header("content-length"), Some(&*length), "{name}");
        index += 1;
    }
    // Several codings, in the order in which they were applied.
    let twice = in_coding("br", &in_coding("gzip", PLAIN.as_bytes()));
    let answer = rig
        .ask(&coded("/v1/chat/completions", "gzip, br", twice))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body.text());
    assert_eq!(upstream.request(index).await.body, PLAIN.as_bytes());
    let plain = PLAIN.as_bytes().to_vec();
    let answer = rig
        .ask(&coded("/v1/chat/completions", "identity", plain))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body.text());
}

#[tokio::test]
async fn every_post_of_both_ports_takes_codings() {
    let answer = Answer::json(200, openai::completion("ok", 3, 1).to_string());
    let (rig, upstream) = Rig::over(answer).await;
    let message = json!({"model": "m", "max_tokens": 5,
        "messages": [{"role": "user", "content": "hi"}]});
    let response = json!({"model": "m", "input": "hi", "store": false});
    let embedding = json!({"model": "m", "input": "hi"});
    for (route, body) in [
        ("/v1/messages", message.clone()),
        ("/v1/messages/count_tokens", message),
        ("/v1/responses", response),
        ("/v1/embeddings", embedding.clone()),
        ("/v1/moderations", embedding),
    ] {
        let body = in_coding("zstd", body.to_string().as_bytes());
        let answer = rig.ask(&coded(route, "zstd", body)).await;
        assert_eq!(answer.status, 200, "{route}: {}", answer.body.text());
    }
    for sent in upstream.requests() {
        assert_eq!(sent.header("content-encoding"), None);
        assert!(sent.body.starts_with(b"{"));
    }
    let provider = json!({"name": "Coded", "server_url": "http://127.0.0.1:1", "server_key": "",
        "personalized_key": "key"});
    let body = in_coding("gzip", provider.to_string().as_bytes());
    let request = coded("/providers", "gzip", body);
    let answer = nexus_lib::testing::RawClient::exchange(rig.admin, &request).await;
    assert_eq!(answer.status, 201, "{}", answer.body.text());
}

#[tokio::test]
async fn coding_that_is_not_known_is_415_and_one_that_is_broken_400() {
    let (rig, upstream) = Rig::over(openai::server(&["ok"], 3, 1)).await;
    for unknown in ["snappy", "gzip, lzma", "gzip,gzip,gzip,gzip,gzip"] {
        let request = coded("/v1/chat/completions", unknown, PLAIN.into());
        let answer = rig.ask(&request).await;
        refused(&answer, 415, "unsupported_media_type");
    }
    let whole = in_coding("gzip", PLAIN.as_bytes());
    let cut = whole[..whole.len() - 12].to_vec();
    for (coding, body) in [
        ("gzip", cut),
        ("br", PLAIN.into()),
        ("zstd", in_coding("zstd", PLAIN.as_bytes())[..10].to_vec()),
    ] {
        let answer = rig.ask(&coded("/v1/chat/completions", coding, body)).await;
        refused(&answer, 400, "invalid_request");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_few_bytes_that_stand_for_many_are_413() {
    let rig = Rig::with(|builder| builder.max_body_bytes(1 << 20)).await;
    let upstream = rig
        .add_upstream("Fake", 0, openai::server(&["ok"], 3, 1))
        .await;
    let bomb = vec![b' '; 64 << 20];
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let body = in_coding(coding, &bomb);
        assert!(body.len() < 1 << 20, "{coding}: {}", body.len());
        let answer = rig.ask(&coded("/v1/chat/completions", coding, body)).await;
        refused(&answer, 413, "request_too_large");
    }
    let twice = in_coding("gzip", &in_coding("gzip", &bomb));
    let answer = rig
        .ask(&coded("/v1/chat/completions", "gzip, gzip", twice))
        .await;
    refused(&answer, 413, "request_too_large");
    assert!(upstream.requests().is_empty());
}
