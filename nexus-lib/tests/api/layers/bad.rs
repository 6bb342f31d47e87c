//! Layers that misbehave: the call is settled, the client has an error, the gateway lives.

use std::future::pending;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use nexus_lib::call::{MeteredBody, ReplyBody};
use nexus_lib::testing::{FakeUpstream, RawRequest, openai};
use nexus_lib::{GatewayBuilder, Result};
use serde_json::{Value, json};

use super::{Inner, Through, attempts, calls, replies};
use crate::support::{PLAIN, Rig, STREAM, chat};

const PLACES: [&str; 3] = ["calls", "replies", "attempts"];

/// A gateway with the same layer in one of the three places, and an upstream that answers.
async fn rig(place: &str, bad: Bad) -> (Rig, FakeUpstream) {
    let rig = Rig::with(|builder| bad.put(place, builder)).await;
    let upstream = rig
        .add_upstream("Up", 0, openai::server(&["a", "b"], 3, 2))
        .await;
    (rig, upstream)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bad {
    Panics,
    PanicsBehind,
    NeverAnswers,
    DropsIt,
}

impl Bad {
    fn put(self, place: &str, builder: GatewayBuilder) -> GatewayBuilder {
        match place {
            "calls" => calls(builder, self.through()),
            "replies" => replies(builder, self.through()),
            _ => attempts(builder, self.through()),
        }
    }

    fn through<Req: Send + 'static, Res: Send + 'static>(self) -> Through<Req, Res> {
        match self {
            Self::Panics => panics,
            Self::PanicsBehind => panics_behind,
            Self::NeverAnswers => never_answers,
            Self::DropsIt => drops_it,
        }
    }
}

fn panics<Req: Send + 'static, Res: 'static>(
    _: Inner<Req, Res>,
    _: Req,
) -> BoxFuture<'static, Result<Res>> {
    panic!("as the test wants")
}

fn panics_behind<Req: Send + 'static, Res: Send + 'static>(
    inner: Inner<Req, Res>,
    request: Req,
) -> BoxFuture<'static, Result<Res>> {
    Box::pin(async move {
        let _reply = inner.answer(request).await?;
        panic!("as the test wants")
    })
}

fn never_answers<Req: Send + 'static, Res: Send + 'static>(
    _: Inner<Req, Res>,
    request: Req,
) -> BoxFuture<'static, Result<Res>> {
    Box::pin(async move {
        let _request = request;
        pending().await
    })
}

fn drops_it<Req: Send + 'static, Res: Send + 'static>(
    _: Inner<Req, Res>,
    request: Req,
) -> BoxFuture<'static, Result<Res>> {
    drop(request);
    Box::pin(async {
        let cause = std::io::Error::other("the layer lost it");
        Err(
            nexus_lib::Error::new(nexus_lib::ErrorKind::Internal, "the layer lost it")
                .with_source(cause),
        )
    })
}

/// That a gateway goes on, and has no row open.
async fn assert_alive(rig: &Rig) {
    assert_eq!(rig.admin("GET", "/readyz", None).await.status, 200);
    for row in rig.rows().await {
        assert_ne!(row["state"], "open", "{row}");
    }
}

#[tokio::test]
async fn a_layer_that_panics_costs_its_request_a_500() {
    for place in PLACES {
        for bad in [Bad::Panics, Bad::PanicsBehind, Bad::DropsIt] {
            for body in [PLAIN, STREAM] {
                let (rig, upstream) = rig(place, bad).await;
                let response = rig.send(&chat(body)).await.response().await;
                assert_eq!(response.status, 500, "{place} {bad:?}");
                assert_eq!(response.body.json()["error"]["code"], "internal_error");
                let was_asked = bad == Bad::PanicsBehind;
                assert_eq!(
                    upstream.requests().len(),
                    usize::from(was_asked),
                    "{place} {bad:?}"
                );
                if place != "calls" {
                    let row = rig.row(&response.head).await;
                    let figures = json!([row["state"], row["status"]]);
                    assert_eq!(figures, json!(["failed", 500]), "{place} {bad:?}");
                    // What was spent is known, where the whole answer was there.
                    if place == "replies" && was_asked && body == PLAIN {
                        assert_eq!(row["total_tokens"], 5, "{row}");
                    }
                } else if was_asked && body == STREAM {
                    let row = rig.settled().await;
                    assert_eq!(row["state"], "cancelled", "nobody takes the answer: {row}");
                }
                let health = &rig.provider("Up").await["health"];
                assert_eq!(health["recent_errors"], 0, "it is not the provider's fault");
                assert_alive(&rig).await;
            }
        }
    }
}

#[tokio::test]
async fn a_layer_that_never_answers_ends_at_the_deadline() {
    for place in PLACES {
        let (rig, _upstream) = rig(place, Bad::NeverAnswers).await;
        let request = chat(PLAIN).header("x-request-timeout-ms", "50");
        let response = rig.send(&request).await.response().await;
        assert_eq!(response.status, 504, "{place}");
        assert_eq!(response.body.json()["error"]["code"], "deadline_exceeded");
        assert_eq!(rig.rows().await.len(), usize::from(place != "calls"));
        assert_alive(&rig).await;
    }
}

#[tokio::test]
async fn a_layer_that_never_answers_ends_when_the_client_leaves() {
    for place in ["replies", "attempts"] {
        let (rig, _upstream) = rig(place, Bad::NeverAnswers).await;
        let client = rig.send(&chat(PLAIN)).await;
        // It is on the ledger while it waits.
        while rig.rows().await.is_empty() {
            tokio::task::yield_now().await;
        }
        drop(client);
        let row = rig.settled().await;
        assert_eq!(row["state"], "cancelled", "{place}: {row}");
        assert_alive(&rig).await;
    }
}

#[tokio::test]
async fn a_layer_that_asks_twice_is_one_row_with_the_tokens_of_both() {
    let twice = |builder| {
        replies(builder, |inner, routed| {
            Box::pin(async move {
                let first = inner.answer(routed.clone()).await?;
                let second = inner.answer(routed).await?;
                drop(first);
                Ok(second)
            })
        })
    };
    for (body, tokens) in [(PLAIN, 10), (STREAM, 5)] {
        let rig = Rig::with(twice).await;
        let upstream = rig
            .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
            .await;
        let response = rig.chat(body).await;
        assert_eq!(response.status, 200);
        let row = rig.row(&response.head).await;
        // A stream that was thrown away before its end has not said what it took.
        let figures = json!([row["state"], row["attempts"], row["total_tokens"]]);
        assert_eq!(figures, json!(["completed", 2, tokens]), "{row}");
        assert_eq!(upstream.requests().len(), 2);
        assert_eq!(rig.rows().await.len(), 1);
    }
}

#[tokio::test]
async fn a_layer_of_attempts_that_asks_twice_is_one_attempt() {
    let rig = Rig::with(|builder| {
        attempts(builder, |inner, attempt| {
            Box::pin(async move {
                inner.answer(attempt.clone()).await?;
                inner.answer(attempt).await
            })
        })
    })
    .await;
    let upstream = rig
        .add_upstream("Up", 0, openai::server(&["a"], 3, 2))
        .await;
    let response = rig.chat(PLAIN).await;
    let row = rig.row(&response.head).await;
    assert_eq!(
        json!([row["state"], row["attempts"]]),
        json!(["completed", 1]),
        "{row}"
    );
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_stream_that_a_layer_breaks_is_cut_and_settled() {
    type Break = fn(GatewayBuilder) -> GatewayBuilder;
    let breaks: [(Break, &str); 3] = [
        (
            |builder| {
                replies(builder, |inner, routed| {
                    Box::pin(async move {
                        let mut reply = inner.answer(routed).await?;
                        if let ReplyBody::Stream(events) = reply.body {
                            let broken = stream::once(async { panic!("as the test wants") });
                            reply.body = ReplyBody::Stream(events.take(1).chain(broken).boxed());
                        }
                        Ok(reply)
                    })
                })
            },
            "internal_error",
        ),
        (
            |builder| {
                replies(builder, |inner, routed| {
                    Box::pin(async move {
                        let mut reply = inner.answer(routed).await?;
                        if let ReplyBody::Stream(events) = reply.body {
                            let refusal = nexus_lib::Error::refused(
                                http::StatusCode::FORBIDDEN,
                                "content_filter",
                                "enough",
                            );
                            let refusal =
                                stream::once(async { Err(refusal.answered_by("guardrail")) });
                            reply.body = ReplyBody::Stream(events.take(1).chain(refusal).boxed());
                        }
                        Ok(reply)
                    })
                })
            },
            "content_filter",
        ),
        (
            |builder| {
                calls(builder, |inner, call| {
                    Box::pin(async move {
                        let mut metered = inner.answer(call).await?;
                        if let MeteredBody::Stream(events) = metered.body {
                            let broken = stream::once(async { panic!("as the test wants") });
                            metered.body =
                                MeteredBody::Stream(events.take(1).chain(broken).boxed());
                        }
                        Ok(metered)
                    })
                })
            },
            "internal_error",
        ),
    ];
    for (broken, code) in breaks {
        let rig = Rig::with(broken).await;
        let _upstream = rig
            .add_upstream("Up", 0, openai::server(&["a", "b"], 3, 2))
            .await;
        let response = rig.send(&chat(STREAM)).await.response().await;
        let text = response.body.text();
        assert!(text.contains(code), "{text}");
        assert!(!text.contains("[DONE]"), "{text}");
        let row = rig.settled().await;
        assert_ne!(row["state"], "completed", "{row}");
        assert_alive(&rig).await;
    }
}

#[tokio::test]
async fn a_stream_of_calls_that_stops_ends_at_the_deadline() {
    let rig = Rig::with(|builder| {
        calls(builder, |inner, call| {
            Box::pin(async move {
                let mut metered = inner.answer(call).await?;
                if let MeteredBody::Stream(events) = metered.body {
                    metered.body =
                        MeteredBody::Stream(events.take(1).chain(stream::pending()).boxed());
                }
                Ok(metered)
            })
        })
    })
    .await;
    let _upstream = rig
        .add_upstream("Up", 0, openai::server(&["a", "b"], 3, 2))
        .await;
    let request: RawRequest = chat(STREAM).header("x-request-timeout-ms", "100");
    let response = rig.send(&request).await.response().await;
    assert!(
        response.body.text().contains("deadline_exceeded"),
        "{}",
        response.body.text()
    );
    let row: Value = rig.settled().await;
    assert_ne!(row["state"], "open");
    assert_alive(&rig).await;
}
