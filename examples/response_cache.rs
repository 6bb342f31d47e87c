//! An exact response cache: the same request of the same client is answered from memory, whole or
//! as a stream.
//!
//! A layer between the ledger and the providers. What it answers is on the ledger, with no provider
//! asked and no tokens spent, and says so to its client: `x-nexus-answered-by: cache`.
//!
//! `cargo run -p nexus-examples --example response_cache`. Add `-- --once` to have it ask itself
//! one question and end.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, StatusCode};
use nexus_lib::call::{Observed, Operation, Piece, Reply, ReplyBody, ReplyStream, Routed};
use nexus_lib::secret::KeyHash;
use nexus_lib::{ChatRequest, Gateway, NewModel, ProviderSpec, SqliteStore};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::{Layer, Service};

const MODEL: &str = "nexus-echo";
const KEY: &str = "demo-key";

/// How many answers are kept.
const MAX_ANSWERS: usize = 1000;

/// The longest answer that is kept, in bytes.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// Who asked what: no client gets another one's answer.
type Question = (KeyHash, Operation, Bytes);

/// An answer as it went out.
#[derive(Clone)]
struct Kept {
    headers: HeaderMap,
    is_stream: bool,
    pieces: Vec<Bytes>,
}

impl Kept {
    /// The answer once more. Nothing was spent: so no usage is observed, and none is on the ledger.
    fn reply(self) -> Reply {
        let last = self.pieces.len().saturating_sub(1);
        let mut pieces = self.pieces.into_iter().enumerate().map(move |(at, bytes)| {
            let observed = if at == last {
                Observed::ended()
            } else {
                Observed::default()
            };
            Piece::new(bytes, observed)
        });
        let body = if self.is_stream {
            ReplyBody::Stream(stream::iter(pieces.map(Ok)).boxed())
        } else {
            let Piece {
                bytes, observed, ..
            } = pieces.next().unwrap_or_default();
            ReplyBody::Full { bytes, observed }
        };
        Reply::new(StatusCode::OK, self.headers, body).answered_by("cache")
    }
}

/// The layer. A clone is the same cache.
#[derive(Clone, Default)]
struct Cache(Arc<Mutex<Answers>>);

#[derive(Default)]
struct Answers {
    by_question: HashMap<Question, Kept>,
    /// The oldest first.
    order: VecDeque<Question>,
}

impl Cache {
    fn find(&self, question: &Question) -> Option<Kept> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.by_question.get(question).cloned()
    }

    fn keep(&self, question: Question, answer: Kept) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers
            .by_question
            .insert(question.clone(), answer)
            .is_none()
        {
            answers.order.push_back(question);
        }
        if answers.order.len() > MAX_ANSWERS
            && let Some(oldest) = answers.order.pop_front()
        {
            answers.by_question.remove(&oldest);
        }
    }
}

impl<S> Layer<S> for Cache {
    type Service = Cached<S>;

    fn layer(&self, inner: S) -> Cached<S> {
        let cache = self.clone();
        Cached { cache, inner }
    }
}

#[derive(Clone)]
struct Cached<S> {
    cache: Cache,
    inner: S,
}

impl<S> Service<Routed> for Cached<S>
where
    S: Service<Routed, Response = Reply, Error = nexus_lib::Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Reply;
    type Error = nexus_lib::Error;
    type Future = BoxFuture<'static, nexus_lib::Result<Reply>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<nexus_lib::Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, routed: Routed) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let cache = self.cache.clone();
        Box::pin(async move {
            let call = routed.call();
            let question = (
                call.principal.identity(),
                call.operation,
                routed.body().bytes().clone(),
            );
            if let Some(kept) = cache.find(&question) {
                return Ok(kept.reply());
            }
            let mut reply = inner.call(routed).await?;
            if reply.status != StatusCode::OK {
                return Ok(reply);
            }
            let mut kept = Kept {
                headers: reply.headers.clone(),
                is_stream: false,
                pieces: Vec::new(),
            };
            reply.body = match reply.body {
                ReplyBody::Full { bytes, observed } => {
                    if bytes.len() <= MAX_ANSWER_BYTES && observed.error.is_none() {
                        kept.pieces.push(bytes.clone());
                        cache.keep(question, kept);
                    }
                    ReplyBody::Full { bytes, observed }
                }
                ReplyBody::Stream(events) => {
                    kept.is_stream = true;
                    ReplyBody::Stream(Box::pin(Keeping {
                        events,
                        left: MAX_ANSWER_BYTES,
                        kept: Some((question, kept)),
                        cache,
                    }))
                }
            };
            Ok(reply)
        })
    }
}

/// Keeps a stream that passes, once it has come to its end.
struct Keeping {
    events: ReplyStream,
    left: usize,
    /// `None` where it is not to be kept.
    kept: Option<(Question, Kept)>,
    cache: Cache,
}

impl Stream for Keeping {
    type Item = nexus_lib::Result<Piece>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.events.as_mut().poll_next(cx));
        if let Some(Ok(piece)) = &item
            && piece.observed.error.is_none()
            && piece.bytes.len() <= self.left
        {
            self.left -= piece.bytes.len();
            if let Some((_, kept)) = &mut self.kept {
                kept.pieces.push(piece.bytes.clone());
            }
            if piece.observed.terminal
                && let Some((question, kept)) = self.kept.take()
            {
                self.cache.keep(question, kept);
            }
        } else {
            self.kept = None;
        }
        Poll::Ready(item)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A real program names a folder that lasts.
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let nexus = Gateway::builder(store)
        .layer_replies(Cache::default())
        .build()
        .await?;
    // The built-in model, so that this runs without a network.
    let spec = ProviderSpec::new("demo", "http://demo.invalid", "", KEY).kind("demo");
    let demo = nexus.registry().add_provider(spec).await?;
    nexus
        .registry()
        .add_model(NewModel::new(demo.id, MODEL))
        .await?;

    let question = ChatRequest::new(MODEL).user("are you new?").key(KEY);
    for expected in ["demo", "cache"] {
        let reply = nexus.chat(question.clone()).await?;
        println!("{}: {}", reply.provider, reply.completion.text());
        assert_eq!(reply.provider, expected);
        let mut chunks = nexus.chat_stream(question.clone()).await?;
        let mut text = String::new();
        while let Some(chunk) = chunks.next().await {
            text.push_str(chunk?.text().unwrap_or_default());
        }
        println!("streamed: {text}");
        assert_eq!(text, reply.completion.text());
    }
    let totals = nexus.ledger().totals(Default::default()).await?;
    println!(
        "{} tokens for {} requests",
        totals.total_tokens, totals.requests
    );

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1/chat/completions", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let app = axum::Router::new().fallback_service(nexus.api());
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let (served, asked) = tokio::join!(server.into_future(), async {
        let asked = nexus_examples::until_done(&url, MODEL, KEY).await;
        drop(stop);
        asked
    });
    served?;
    nexus.close().await?;
    asked
}
