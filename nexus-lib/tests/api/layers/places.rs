//! What layers see, change, answer and refuse.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use nexus_lib::call::Reply;
use nexus_lib::testing::{Answer, RawRequest, openai};
use nexus_lib::wire::{ChatChunk, ChatCompletion, Usage};
use nexus_lib::{ChatRequest, Error, ErrorKind};
use serde_json::{Value, json};
use tower::layer::layer_fn;
use tower::{ServiceExt, service_fn};

use super::{attempts, calls, replies};
use crate::support::{KEY, MODEL, PLAIN, Rig, STREAM, STREAM_USAGE, chat};

/// A chat in Anthropic's protocol.
const MESSAGE: &str = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;

fn message(body: &'static str) -> RawRequest {
    RawRequest::post("/v1/messages").bearer(KEY).body(body)
}

#[tokio::test]
async fn every_door_goes_through_every_place_and_the_first_layer_is_outermost() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let rig = Rig::with(|mut builder| {
        for name in ["outer", "inner"] {
            let seen = Arc::clone(&seen);
            builder =
                builder.layer_calls(layer_fn(move |inner: nexus_lib::gateway::CallService| {
                    let seen = Arc::clone(&seen);
                    service_fn(move |call| {
                        seen.lock().unwrap().push(format!("call {name}"));
                        inner.clone().oneshot(call)
                    })
                }));
        }
        for name in ["outer", "inner"] {
            let seen = Arc::clone(&seen);
            builder =
                builder.layer_replies(layer_fn(move |inner: nexus_lib::gateway::ReplyService| {
                    let seen = Arc::clone(&seen);
                    service_fn(move |routed| {
                        seen.lock().unwrap().push(format!("reply {name}"));
                        inner.clone().oneshot(routed)
                    })
                }));
        }
        let seen = Arc::clone(&seen);
        builder.layer_attempts(layer_fn(
            move |inner: nexus_lib::gateway::AttemptService| {
                let seen = Arc::clone(&seen);
                service_fn(move |attempt| {
                    seen.lock().unwrap().push("attempt".to_owned());
                    inner.clone().oneshot(attempt)
                })
            },
        ))
    })
    .await;
    let _down = rig
        .add_upstream(
            "Down",
            0,
            Answer::json(500, r#"{"error":{"message":"down"}}"#),
        )
        .await;
    let _up = rig
        .add_upstream("Up", 1, openai::server(&["a"], 3, 2))
        .await;
    let expected = [
        "call outer",
        "call inner",
        "reply outer",
        "reply inner",
        "attempt",
        "attempt",
    ];

    assert_eq!(rig.chat(PLAIN).await.status, 200);
    assert_eq!(
        std::mem::take(&mut *seen.lock().unwrap()),
        expected,
        "over HTTP"
    );

    let expected = &expected[..5];
    let hello =
        json!({"model": MODEL, "provider_id": 2, "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(
        rig.admin("POST", "/playground/chat", Some(hello))
            .await
            .status,
        200
    );
    assert_eq!(
        std::mem::take(&mut *seen.lock().unwrap()),
        expected,
        "the operator's"
    );

    let request = ChatRequest::new(MODEL).user("hi").key(KEY);
    rig.gateway.chat(request).await.unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(seen[..5], *expected, "without HTTP");
}

#[tokio::test]
async fn a_layer_that_answers_is_on_the_ledger_and_no_provider_is_asked() {
    let rig = Rig::with(|builder| {
        replies(builder, |_, routed| {
            Box::pin(async move {
                let completion = ChatCompletion::of_text("cached", "from the cache");
                let completion = completion.with_usage(Usage::of(3, 4));
                Ok(Reply::completion(&routed, completion)?.answered_by("cache"))
            })
        })
    })
    .await;
    let upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    for request in [chat(PLAIN), chat(STREAM_USAGE), message(MESSAGE)] {
        let response = rig.send(&request).await.response().await;
        let text = response.body.text();
        assert_eq!(response.status, 200, "{text}");
        assert!(text.contains("from the cache"), "{text}");
        assert_eq!(response.header("x-nexus-answered-by"), Some("cache"));
        assert_eq!(response.header("x-nexus-provider"), None);
        let row = rig.row(&response.head).await;
        assert_eq!(row["answered_by"], "cache");
        let figures = json!([
            row["state"],
            row["status"],
            row["attempts"],
            row["total_tokens"]
        ]);
        assert_eq!(figures, json!(["completed", 200, 0, 7]), "{row}");
        let one = rig
            .read(&format!(
                "/stats/requests/{}",
                row["request_id"].as_str().unwrap()
            ))
            .await;
        assert_eq!(
            (&one["tries"], &one["upstream_status"]),
            (&json!([]), &Value::Null)
        );
    }
    let request = ChatRequest::new(MODEL).user("hi").key(KEY);
    let reply = rig.gateway.chat(request).await.unwrap();
    assert_eq!(
        (&*reply.provider, reply.completion.text()),
        ("cache", "from the cache".into())
    );
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn what_a_layer_answers_without_figures_costs_nothing() {
    let rig = Rig::with(|builder| {
        replies(builder, |_, routed| {
            Box::pin(async move { Reply::completion(&routed, ChatCompletion::of_text("m", "no")) })
        })
    })
    .await;
    let _upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    let response = rig.send(&chat(PLAIN)).await.response().await;
    assert_eq!(
        response.header("x-nexus-answered-by"),
        Some("layer"),
        "it gave no name"
    );
    let row = rig.row(&response.head).await;
    assert_eq!(
        json!([row["usage_source"], row["total_tokens"]]),
        json!(["none", 0]),
        "{row}"
    );
}

#[tokio::test]
async fn a_refusal_says_status_and_code_in_the_clients_protocol() {
    let rig = Rig::with(|builder| {
        replies(builder, |_, _| {
            Box::pin(async {
                let refusal = Error::refused(
                    StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
                    "content_filter",
                    "not here",
                );
                Err(refusal.answered_by("guardrail"))
            })
        })
    })
    .await;
    let upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    for request in [chat(PLAIN), chat(STREAM), message(MESSAGE)] {
        let response = rig.send(&request).await.response().await;
        assert_eq!(response.status, 451);
        let body = response.body.json();
        assert_eq!(body["error"]["message"], "not here", "{body}");
        if body["type"] != "error" {
            assert_eq!(body["error"]["code"], "content_filter");
            assert_eq!(body["error"]["type"], "invalid_request_error");
        }
        let row = rig.row(&response.head).await;
        assert_eq!(row["answered_by"], "guardrail");
        let figures = json!([
            row["state"],
            row["status"],
            row["attempts"],
            row["usage_source"],
            row["error"]
        ]);
        assert_eq!(
            figures,
            json!(["failed", 451, 0, "none", "content_filter: not here"]),
            "{row}"
        );
    }
    let request = ChatRequest::new(MODEL).user("hi").key(KEY);
    let error = rig.gateway.chat(request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Refused, "content_filter")
    );
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn tokens_of_answers_that_a_layer_throws_away_are_on_the_ledger() {
    let rig = Rig::with(|builder| {
        replies(builder, |inner, routed| {
            Box::pin(async move {
                // Twice, and then neither.
                inner.answer(routed.clone()).await?;
                let second = inner.answer(routed).await?;
                drop(second);
                Err(Error::refused(
                    StatusCode::FORBIDDEN,
                    "content_filter",
                    "not this answer",
                ))
            })
        })
    })
    .await;
    let _upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    let response = rig.send(&chat(PLAIN)).await.response().await;
    assert_eq!(response.status, 403);
    let row = rig.row(&response.head).await;
    let figures = json!([
        row["state"],
        row["status"],
        row["attempts"],
        row["total_tokens"],
        row["usage_source"]
    ]);
    assert_eq!(figures, json!(["failed", 403, 2, 10, "reported"]), "{row}");
}

#[tokio::test]
async fn a_refusal_of_a_call_has_no_row() {
    let rig = Rig::with(|builder| {
        calls(builder, |_, _| {
            Box::pin(async {
                Err(Error::refused(
                    StatusCode::TOO_MANY_REQUESTS,
                    "slow_down",
                    "later",
                ))
            })
        })
    })
    .await;
    let _upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    let response = rig.send(&chat(PLAIN)).await.response().await;
    assert_eq!(
        (response.status, &response.body.json()["error"]["type"]),
        (429, &json!("rate_limit_error"))
    );
    assert_eq!(rig.rows().await.len(), 0);
}

#[tokio::test]
async fn a_call_is_rewritten_before_it_is_routed_and_behind_it() {
    let rig = Rig::with(|builder| {
        let builder = calls(builder, |inner, call| {
            Box::pin(async move {
                let body = String::from_utf8(call.body.bytes().to_vec()).unwrap();
                inner
                    .answer(call.with_body(body.replace("alias", "m"))?)
                    .await
            })
        });
        let builder = replies(builder, |inner, routed| {
            Box::pin(async move {
                let body = String::from_utf8(routed.body().bytes().to_vec()).unwrap();
                assert!(
                    routed
                        .rewritten(body.replace("\"m\"", "\"other\""))
                        .is_err(),
                    "its model stays"
                );
                let rewritten = routed.rewritten(body.replace("secret", "******"))?;
                assert_eq!(rewritten.as_chat()?.messages[0].text(), "a ******");
                inner.answer(rewritten).await
            })
        });
        attempts(builder, |inner, attempt| {
            Box::pin(async move {
                let mut body: Value = serde_json::from_slice(attempt.body().bytes()).unwrap();
                body["user"] = json!("gateway");
                inner.answer(attempt.rewritten(body.to_string())?).await
            })
        })
    })
    .await;
    let upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    let body = r#"{"model":"alias","messages":[{"role":"user","content":"a secret"}]}"#;
    assert_eq!(rig.chat(body).await.status, 200);
    let sent = upstream.requests()[0].json();
    assert_eq!(sent["messages"][0]["content"], "a ******");
    assert_eq!(
        (&sent["model"], &sent["user"]),
        (&json!("m"), &json!("gateway"))
    );
}

#[tokio::test]
async fn every_clients_request_is_read_as_a_chat() {
    let rig = Rig::with(|builder| {
        replies(builder, |_, routed| {
            Box::pin(async move {
                let asked = routed.as_chat()?;
                let said: Vec<_> = asked
                    .messages
                    .iter()
                    .map(|message| message.text())
                    .collect();
                Reply::completion(&routed, ChatCompletion::of_text("m", said.join("|")))
            })
        })
    })
    .await;
    let _upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    for (path, body) in [
        (
            "/v1/chat/completions",
            r#"{"model":"m","messages":[{"role":"system","content":"brief"},{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#,
        ),
        (
            "/v1/messages",
            r#"{"model":"m","max_tokens":9,"system":"brief","messages":[{"role":"user","content":"hi"}]}"#,
        ),
        (
            "/v1/responses",
            r#"{"model":"m","instructions":"brief","input":"hi"}"#,
        ),
    ] {
        let request = RawRequest::post(path).bearer(KEY).body(body);
        let response = rig.send(&request).await.response().await;
        let text = response.body.text();
        assert_eq!(response.status, 200, "{text}");
        assert!(text.contains("brief|hi"), "{path}: {text}");
    }
}

#[tokio::test]
async fn chunks_are_told_in_every_clients_protocol_whole_or_streamed() {
    let rig = Rig::with(|builder| {
        replies(builder, |_, routed| {
            Box::pin(async move {
                let chunks = [
                    ChatChunk::of_text("Hel"),
                    ChatChunk::of_text("lo"),
                    ChatChunk::finished("stop"),
                    ChatChunk::of_usage(Usage::of(3, 2)),
                ];
                let chunks = futures_util::stream::iter(chunks.map(Ok));
                Ok(Reply::chunks(&routed, chunks).await?.answered_by("layer"))
            })
        })
    })
    .await;
    let _upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    for (path, body, whole) in [
        ("/v1/chat/completions", PLAIN, r#""content":"Hello""#),
        ("/v1/messages", MESSAGE, r#""text":"Hello""#),
        (
            "/v1/responses",
            r#"{"model":"m","input":"hi"}"#,
            r#""text":"Hello""#,
        ),
    ] {
        let request = RawRequest::post(path).bearer(KEY).body(body);
        let response = rig.send(&request).await.response().await;
        let text = response.body.text();
        assert!(text.contains(whole), "{path}: {text}");
        assert_eq!(rig.row(&response.head).await["total_tokens"], 5, "{path}");

        let body = body.replacen('{', r#"{"stream":true,"#, 1);
        let request = RawRequest::post(path).bearer(KEY).body(body);
        let response = rig.send(&request).await.response().await;
        let text = response.body.text();
        assert!(
            text.contains("Hel") && !text.contains(whole) || path == "/v1/responses",
            "{path}: {text}"
        );
        assert!(!text.contains(r#""error":{"#), "{path}: {text}");
        let row = rig.row(&response.head).await;
        assert_eq!(
            json!([row["state"], row["total_tokens"]]),
            json!(["completed", 5]),
            "{path}"
        );
        if path == "/v1/chat/completions" {
            assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
            assert!(!text.contains("usage"), "it was not asked for: {text}");
        }
    }
}

#[tokio::test]
async fn layers_of_attempts_see_retries_and_decide_what_counts() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let rig = Rig::with(|builder| {
        attempts(builder, |inner, attempt| {
            Box::pin(async move {
                if ASKED.fetch_add(1, Ordering::SeqCst) == 0 {
                    return Err(Error::new(
                        ErrorKind::UpstreamUnreachable,
                        "the canary is dead",
                    ));
                }
                inner.answer(attempt).await
            })
        })
    })
    .await;
    let upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 200);
    assert_eq!(
        (ASKED.load(Ordering::SeqCst), upstream.requests().len()),
        (2, 1)
    );
    assert_eq!(rig.row(&response.head).await["attempts"], 2);
}

#[tokio::test]
async fn what_a_layer_redacts_is_redacted_in_every_protocol_whole_and_streamed() {
    let rig = Rig::with(|builder| {
        replies(builder, |inner, routed| {
            Box::pin(async move {
                let clean = |text: &str| text.replace("secret", "******");
                let routed = routed.edit_texts(clean)?;
                let reply = inner.answer(routed.clone()).await?;
                Ok(reply.edit_texts(&routed, "secret".len(), clean))
            })
        })
    })
    .await;
    let words = ["a se", "cr", "et, and ", "sec"];
    let upstream = rig
        .add_upstream("Up", 0, openai::server(&words, 3, 2))
        .await;
    for (path, body) in [
        (
            "/v1/chat/completions",
            r#"{"model":"m","messages":[{"role":"user","content":"my secret"}]}"#,
        ),
        (
            "/v1/messages",
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"my secret"}]}"#,
        ),
        ("/v1/responses", r#"{"model":"m","input":"my secret"}"#),
    ] {
        for is_stream in [false, true] {
            let body = match is_stream {
                true => body.replacen('{', r#"{"stream":true,"#, 1),
                false => body.to_owned(),
            };
            let request = RawRequest::post(path).bearer(KEY).body(body);
            let response = rig.send(&request).await.response().await;
            let text = response.body.text();
            assert_eq!(response.status, 200, "{text}");
            let said: String = match is_stream {
                false => text.to_string(),
                true => text
                    .lines()
                    .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
                    .filter_map(|event: Value| {
                        let delta = &event["delta"];
                        let said = event["choices"][0]["delta"]["content"].as_str();
                        let said = said.or(delta["text"].as_str()).or(delta.as_str());
                        said.map(str::to_owned)
                    })
                    .collect(),
            };
            assert!(said.contains("a ******, and sec"), "{path}: {said}\n{text}");
            assert!(!text.contains("secret"), "{path}: {text}");
            let row = rig.row(&response.head).await;
            assert_eq!(
                json!([row["state"], row["total_tokens"]]),
                json!(["completed", 5]),
                "{row}"
            );
        }
    }
    for sent in upstream.requests() {
        assert!(!String::from_utf8_lossy(&sent.body).contains("secret"));
    }
}
