//! Each clause, broken by a provider that fulfils all others.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{FutureExt, StreamExt, stream};

use super::ProviderContract;
use crate::call::{Attempt, Observed, Operation, Piece, Reply, ReplyBody, ReplyStream};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::{DemoProvider, HttpProvider, OpenAi, Provider, Transport};
use crate::testing::openai;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Kind,
    Speaks,
    NoUsage,
    NotFinished,
    WholeForStream,
    HalfEvents,
    NoTerminal,
    NoDone,
    Collects,
    RefusalIsErr,
    FatalWhenUnreachable,
    NamesTheAddress,
    HidesACut,
    Outlives,
    OneAtATime,
    OnlyOnce,
    Panics,
}

/// A correct provider with one fault.
struct Faulty<P> {
    inner: std::sync::Arc<P>,
    fault: Fault,
    one: tokio::sync::Mutex<()>,
    was_asked: AtomicBool,
}

#[async_trait]
impl<P: Provider> Provider for Faulty<P> {
    fn kind(&self) -> &'static str {
        match self.fault {
            Fault::Kind => "Faulty",
            _ => "faulty",
        }
    }

    fn speaks(&self, operation: Operation) -> bool {
        self.fault != Fault::Speaks && operation == Operation::ChatCompletion
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply> {
        let url = attempt.target().provider.base_url.as_str().to_owned();
        if self.fault == Fault::OnlyOnce && self.was_asked.swap(true, Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::UpstreamUnreachable, "gone"));
        }
        let is_readable = serde_json::from_slice::<crate::ChatRequest>(attempt.body().bytes());
        if self.fault == Fault::Panics {
            is_readable.as_ref().unwrap();
        }
        let _turn = match self.fault {
            Fault::OneAtATime => Some(self.one.lock().await),
            _ => None,
        };
        let sent = match self.fault {
            Fault::Outlives => {
                let inner = std::sync::Arc::clone(&self.inner);
                tokio::spawn(async move { inner.send(attempt).await })
                    .await
                    .unwrap()
            }
            _ => self.inner.send(attempt).await,
        };
        let mut reply = sent.map_err(|error| match self.fault {
            Fault::FatalWhenUnreachable if error.is_retryable() => {
                Error::new(ErrorKind::Internal, "what now?")
            }
            Fault::NamesTheAddress => Error::new(error.kind(), format!("{url} is away")),
            _ => error,
        })?;
        if self.fault == Fault::RefusalIsErr && !reply.status.is_success() {
            return Err(Error::new(ErrorKind::UpstreamInvalid, "refused"));
        }
        reply.body = match reply.body {
            ReplyBody::Full { bytes, observed } => ReplyBody::Full {
                bytes,
                observed: changed(self.fault, observed),
            },
            ReplyBody::Stream(events) => streamed(self.fault, events).await,
        };
        Ok(reply)
    }
}

fn changed(fault: Fault, mut observed: Observed) -> Observed {
    match fault {
        Fault::NoUsage => observed.usage = None,
        Fault::NotFinished => observed.finished = false,
        Fault::NoTerminal => observed.terminal = false,
        _ => {}
    }
    observed
}

async fn streamed(fault: Fault, mut events: ReplyStream) -> ReplyBody {
    match fault {
        Fault::Collects | Fault::WholeForStream => {
            let (mut bytes, mut observed) = (BytesMut::new(), Observed::default());
            while let Some(Ok(piece)) = events.next().await {
                bytes.extend_from_slice(&piece.bytes);
                observed.merge(piece.observed);
            }
            let bytes = bytes.freeze();
            match fault {
                Fault::Collects => {
                    let all = Ok(Piece { bytes, observed });
                    ReplyBody::Stream(stream::iter([all]).boxed())
                }
                _ => ReplyBody::Full { bytes, observed },
            }
        }
        Fault::HidesACut => {
            let until_cut = events.take_while(|next| std::future::ready(next.is_ok()));
            ReplyBody::Stream(until_cut.boxed())
        }
        Fault::HalfEvents => ReplyBody::Stream(events.flat_map(in_halves).boxed()),
        _ => ReplyBody::Stream(Box::pin(Changed { fault, events })),
    }
}

fn in_halves(next: Result<Piece>) -> impl Stream<Item = Result<Piece>> {
    let halves: Vec<_> = match next {
        Ok(Piece { bytes, observed }) => {
            let half = bytes.len() / 2;
            let first = Piece {
                bytes: bytes.slice(..half),
                ..Piece::default()
            };
            let bytes = bytes.slice(half..);
            vec![Ok(first), Ok(Piece { bytes, observed })]
        }
        error => vec![error],
    };
    stream::iter(halves)
}

struct Changed {
    fault: Fault,
    events: ReplyStream,
}

impl Stream for Changed {
    type Item = Result<Piece>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let fault = self.fault;
        self.events.as_mut().poll_next(cx).map_ok(|piece| {
            let is_done = piece.bytes.ends_with(b"data: [DONE]\n\n");
            let bytes = match fault {
                Fault::NoDone if is_done => Bytes::new(),
                _ => piece.bytes,
            };
            let observed = changed(fault, piece.observed);
            Piece { bytes, observed }
        })
    }
}

fn with<P: Provider>(inner: P, fault: Fault) -> ProviderContract {
    ProviderContract::of(Faulty {
        inner: std::sync::Arc::new(inner),
        fault,
        one: tokio::sync::Mutex::default(),
        was_asked: AtomicBool::new(false),
    })
}

fn over_http(fault: Fault) -> ProviderContract {
    let transport = Transport::builder().build().unwrap();
    let provider = HttpProvider::new(OpenAi, transport);
    with(provider, fault)
        .upstream(openai::answers())
        .patience(Duration::from_secs(2))
}

/// The verdict of the suite.
async fn verdict(contract: ProviderContract) -> String {
    let checked = std::panic::AssertUnwindSafe(contract.check());
    match checked.catch_unwind().await {
        Ok(()) => "kept".to_owned(),
        Err(panic) => *panic.downcast::<String>().unwrap(),
    }
}

#[tokio::test]
async fn every_broken_clause_is_reported() {
    for (fault, clause) in [
        (Fault::Kind, "lower-case"),
        (Fault::Speaks, "must speak chat completions"),
        (Fault::NoUsage, "the observed usage"),
        (Fault::NotFinished, "observed as finished"),
        (Fault::WholeForStream, "is answered with one"),
        (Fault::HalfEvents, "whole events"),
        (Fault::NoTerminal, "observed as terminal"),
        (Fault::Collects, "not collected"),
        (Fault::OnlyOnce, "answered with its first event"),
    ] {
        let said = verdict(with(DemoProvider, fault)).await;
        assert!(said.contains(clause), "{fault:?}: {said}");
    }
}

#[tokio::test]
async fn every_broken_clause_is_reported_over_http() {
    let checks = [
        (Fault::NoDone, "the last event of its protocol"),
        (Fault::Collects, "the rest is still to come"),
        (Fault::RefusalIsErr, "an answer with an error status"),
        (Fault::FatalWhenUnreachable, "the next candidate"),
        (Fault::NamesTheAddress, "neither key nor address"),
        (Fault::HidesACut, "a stream that is cut"),
        (Fault::Outlives, "when the client disconnects"),
        (Fault::OneAtATime, "concurrently"),
        (Fault::Panics, "malformed request"),
    ];
    let checks = checks.map(|(fault, clause)| async move {
        let said = verdict(over_http(fault)).await;
        assert!(said.contains(clause), "{fault:?}: {said}");
    });
    futures_util::future::join_all(checks).await;
}
