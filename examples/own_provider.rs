//! A provider of one's own: a model in this very process, beside those that are reached over a network.
//!
//! It answers in capitals. The gateway does the rest: keys, routing, failover, the ledger.
//!
//! `cargo run -p nexus-examples --example own_provider`. Add `-- --once` to have it ask itself one
//! question and end. `cargo test -p nexus-examples --example own_provider` checks it against the
//! contract of its trait.

use std::error::Error;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use nexus_lib::call::{Attempt, Observed, Piece, Reply, ReplyBody};
use nexus_lib::wire::{TimeRange, Usage};
use nexus_lib::{
    ChatRequest, ErrorKind, Gateway, NewModel, Provider, ProviderSpec, SqliteStore, sse,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const MODEL: &str = "shout-1";
const KEY: &str = "a-key-for-our-clients";

/// A model that repeats the last message in capitals, a token a word.
struct Shout;

#[async_trait]
impl Provider for Shout {
    fn kind(&self) -> &'static str {
        "shout"
    }

    async fn send(&self, attempt: Attempt) -> nexus_lib::Result<Reply> {
        let call = attempt.call();
        let request: ChatRequest = serde_json::from_slice(call.body.bytes()).map_err(|cause| {
            nexus_lib::Error::new(ErrorKind::InvalidRequest, "the messages cannot be read")
                .with_param("messages")
                .with_source(cause)
        })?;
        let heard = request
            .messages
            .last()
            .map(|message| message.text())
            .unwrap_or_default();
        let words: Vec<String> = heard
            .split_inclusive(' ')
            .map(|word| word.to_uppercase())
            .collect();
        let answer = Answer {
            id: format!("chatcmpl-{}", call.id),
            model: attempt.target().model_sent().to_owned(),
            usage: Usage {
                prompt_tokens: count(&words),
                completion_tokens: count(&words),
                total_tokens: 2 * count(&words),
                ..Usage::default()
            },
            words,
        };
        Ok(if call.body.is_stream() {
            let pieces = stream::iter(answer.pieces(call.body.fields().include_usage).map(Ok));
            reply("text/event-stream", ReplyBody::Stream(pieces.boxed()))
        } else {
            reply("application/json", answer.whole())
        })
    }
}

fn count(words: &[String]) -> u64 {
    u64::try_from(words.len()).unwrap_or(u64::MAX)
}

fn reply(content_type: &'static str, body: ReplyBody) -> Reply {
    let content_type = HeaderValue::from_static(content_type);
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
    Reply {
        status: StatusCode::OK,
        headers,
        body,
    }
}

/// What the model says, before it is written as one object or as events.
struct Answer {
    id: String,
    model: String,
    words: Vec<String>,
    usage: Usage,
}

impl Answer {
    fn whole(&self) -> ReplyBody {
        let message = json!({"role": "assistant", "content": self.words.concat()});
        let completion = json!({
            "id": self.id, "object": "chat.completion", "created": 0, "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": self.figures(),
        });
        // What is not observed is not on the ledger: this line is what makes the tokens count.
        let observed = Observed {
            usage: Some(self.usage),
            finished: true,
            ..Observed::default()
        };
        ReplyBody::Full {
            bytes: Bytes::from(completion.to_string()),
            observed,
        }
    }

    /// One piece for each event. A model that takes its time would send each as soon as it is there.
    fn pieces(self, shows_usage: bool) -> impl Iterator<Item = Piece> + Send {
        let words: Vec<Piece> = self
            .words
            .iter()
            .map(|word| self.event(json!([{"index": 0, "delta": {"content": word}}])))
            .collect();
        let end = self.event(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]));
        let end = Piece {
            observed: Observed {
                finished: true,
                ..Observed::default()
            },
            ..end
        };

        // The ledger gets the usage in any case; the client sees it if it asked.
        let mut usage = Piece {
            observed: Observed {
                usage: Some(self.usage),
                ..Observed::default()
            },
            ..Piece::default()
        };
        if shows_usage {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = self.figures();
            usage.bytes = sse::encode_data(chunk.to_string().as_bytes());
        }

        let done = Piece {
            bytes: sse::encode_data(b"[DONE]"),
            observed: Observed {
                terminal: true,
                ..Observed::default()
            },
        };
        words.into_iter().chain([end, usage, done])
    }

    fn event(&self, choices: Value) -> Piece {
        let bytes = sse::encode_data(self.chunk(choices).to_string().as_bytes());
        Piece {
            bytes,
            observed: Observed::default(),
        }
    }

    fn chunk(&self, choices: Value) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": 0, "model": self.model,
            "choices": choices,
        })
    }

    fn figures(&self) -> Value {
        json!({
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "total_tokens": self.usage.total_tokens,
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A real program names a folder that lasts.
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let nexus = Gateway::builder(store).provider(Shout).build().await?;
    // It is reached by its kind; the address is for people.
    let spec = ProviderSpec::new("Shout", "http://shout.invalid", "", KEY).kind("shout");
    let shout = nexus.registry().add_provider(spec).await?;
    nexus
        .registry()
        .add_model(NewModel::new(shout.id, MODEL))
        .await?;

    // Without HTTP: whole, and as a stream.
    let question = ChatRequest::new(MODEL).user("can you hear me?").key(KEY);
    let reply = nexus.chat(question.clone()).await?;
    println!("{}: {}", reply.provider, reply.completion.text());
    let mut chunks = nexus.chat_stream(question).await?;
    while let Some(chunk) = chunks.next().await {
        print!("{}|", chunk?.text().unwrap_or_default());
    }
    let totals = nexus.ledger().totals(TimeRange::default()).await?;
    println!(
        "\n{} tokens in {} requests",
        totals.total_tokens, totals.requests
    );

    // And over HTTP, like any other provider.
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

#[cfg(test)]
mod tests {
    use nexus_lib::testing::ProviderContract;

    use super::Shout;

    #[tokio::test]
    async fn it_keeps_the_contract() {
        ProviderContract::of(Shout).check().await;
    }
}
