//! A guardrail: it refuses questions, and redacts card numbers in questions and answers, streams
//! included.
//!
//! It is a tower layer between the ledger and the providers, so that all that it refuses and
//! changes is on the ledger, and clients of every protocol meet it: OpenAI's, Anthropic's, over
//! WebSocket or in process.
//!
//! `cargo run -p nexus-examples --example guardrail`. Add `-- --once` to have it ask itself one
//! question and end.

use std::error::Error;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use nexus_lib::call::{Reply, Routed};
use nexus_lib::store::RequestFilter;
use nexus_lib::{ChatRequest, Gateway, NewModel, ProviderSpec, SqliteStore};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::{Layer, Service};

const MODEL: &str = "nexus-echo";
const KEY: &str = "demo-key";

/// Digits of a card's number.
const CARD: usize = 16;

/// The layer: it makes a service of the one behind it.
struct GuardrailLayer;

impl<S> Layer<S> for GuardrailLayer {
    type Service = Guardrail<S>;

    fn layer(&self, inner: S) -> Guardrail<S> {
        Guardrail { inner }
    }
}

#[derive(Clone)]
struct Guardrail<S> {
    inner: S,
}

impl<S> Service<Routed> for Guardrail<S>
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
        // The clone that was polled ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            // What is asked, in one form for all protocols. Embeddings and the like are no chats.
            if let Ok(asked) = routed.as_chat()
                && asked
                    .messages
                    .iter()
                    .any(|message| message.text().contains("password"))
            {
                let message = "this gateway answers no questions about passwords";
                let refusal =
                    nexus_lib::Error::refused(StatusCode::FORBIDDEN, "content_filter", message);
                return Err(refusal.answered_by("guardrail"));
            }
            // What the provider gets.
            let routed = routed.edit_texts(without_cards)?;
            let reply = inner.call(routed.clone()).await?;
            // What the client gets. Of a stream, as much is held back as a card's number is long.
            Ok(reply.edit_texts(&routed, CARD, without_cards))
        })
    }
}

/// `text` with sixteen digits in a row replaced.
fn without_cards(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut digits = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            if digits.len() == CARD {
                clean.push_str("[card number]");
                digits.clear();
            }
        } else {
            clean.push_str(&digits);
            digits.clear();
            clean.push(letter);
        }
    }
    clean + &digits
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A real program names a folder that lasts.
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let nexus = Gateway::builder(store)
        .layer_replies(GuardrailLayer)
        .build()
        .await?;
    // The built-in model, so that this runs without a network: it says back what it hears.
    let spec = ProviderSpec::new("demo", "http://demo.invalid", "", KEY).kind("demo");
    let demo = nexus.registry().add_provider(spec).await?;
    nexus
        .registry()
        .add_model(NewModel::new(demo.id, MODEL))
        .await?;

    let ask = |text: &str| ChatRequest::new(MODEL).user(text).key(KEY);
    let reply = nexus
        .chat(ask("my card is 4111111111111111, thanks"))
        .await?;
    println!("whole: {}", reply.completion.text());
    assert_eq!(
        reply.completion.text(),
        "You said: my card is [card number], thanks"
    );
    let mut chunks = nexus
        .chat_stream(ask("once more: 4111111111111111"))
        .await?;
    print!("streamed: ");
    while let Some(chunk) = chunks.next().await {
        print!("{}|", chunk?.text().unwrap_or_default());
    }
    println!();
    let refused = nexus.chat(ask("what is the password?")).await;
    match refused {
        Err(error) => println!("refused: {} {}: {error}", error.status(), error.code()),
        Ok(_) => return Err("the guardrail let a question through".into()),
    }
    let rows = nexus.ledger().requests(RequestFilter::default(), None, 10);
    for row in rows.await? {
        println!(
            "on the ledger: {:?}, status {:?}, {:?}",
            row.state, row.status, row.error
        );
    }

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
    use super::without_cards;

    #[test]
    fn sixteen_digits_are_a_card() {
        assert_eq!(without_cards("a 4111111111111111."), "a [card number].");
        assert_eq!(without_cards("in 2026, 123456789"), "in 2026, 123456789");
    }
}
