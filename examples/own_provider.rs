//! A custom provider: a model in this very process, together with those that are reached over a
//! network.
//!
//! It answers in capitals. The gateway does the rest: keys, routing, failover, the ledger.
//!
//! `cargo run -p nexus-examples --example own_provider`. With `-- --once` it asks itself one
//! question and ends. `cargo test -p nexus-examples --example own_provider` checks it against the
//! contract of its trait.

use std::error::Error;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use nexus_lib::call::{Attempt, Reply};
use nexus_lib::wire::{ChatChunk, TimeRange, Usage};
use nexus_lib::{ChatRequest, Gateway, NewModel, Provider, ProviderSpec, SqliteStore};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const MODEL: &str = "shout-1";
const KEY: &str = "a-key-for-our-clients";

/// A model that repeats the last message in capitals, one token per word.
struct Shout;

#[async_trait]
impl Provider for Shout {
    fn kind(&self) -> &'static str {
        "shout"
    }

    async fn send(&self, attempt: Attempt) -> nexus_lib::Result<Reply> {
        let asked = attempt.as_chat()?;
        let heard = asked.messages.last().map(|message| message.text());
        let words: Vec<String> = heard
            .unwrap_or_default()
            .split_inclusive(' ')
            .map(str::to_uppercase)
            .collect();
        let tokens = u64::try_from(words.len()).unwrap_or(u64::MAX);
        // A model that takes its time would yield each chunk as soon as it is there.
        let said = words.into_iter().map(ChatChunk::of_text).chain([
            ChatChunk::finished("stop"),
            // The ledger gets it in any case; the client sees it if it asked.
            ChatChunk::of_usage(Usage::of(tokens, tokens)),
        ]);
        let chunks: Vec<_> = said.map(Ok).collect();
        // Whole where no stream was asked for.
        Reply::chunks(&attempt, stream::iter(chunks)).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A real program uses a permanent folder.
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let nexus = Gateway::builder(store).provider(Shout).build().await?;
    // It is found by its kind; the address is only informational.
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
