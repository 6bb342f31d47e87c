//! The gateway inside a unit test: code that asks a model, tested without a network, a file, a
//! key or a mock.
//!
//! `cargo test -p nexus-examples --example in_unit_test` runs the tests below;
//! `cargo run -p nexus-examples --example in_unit_test` shows what is tested.

use std::error::Error;

use nexus_lib::{ChatRequest, Gateway, NewModel, ProviderSpec, SqliteStore};

const KEY: &str = "key-of-this-application";

/// The code under test: it asks a model for a title.
struct Titles {
    nexus: Gateway,
    model: String,
}

impl Titles {
    async fn of(&self, text: &str) -> nexus_lib::Result<String> {
        let request = ChatRequest::new(&*self.model)
            .system("Answer with a title of at most five words.")
            .user(text)
            .key(KEY);
        Ok(self.nexus.chat(request).await?.completion.text())
    }
}

/// A gateway with the built-in model, which says back what it hears.
async fn gateway() -> nexus_lib::Result<Gateway> {
    let store = SqliteStore::in_memory().await?;
    let nexus = Gateway::builder(store).build().await?;
    let spec = ProviderSpec::new("demo", "http://demo.invalid", "", KEY).kind("demo");
    let demo = nexus.registry().add_provider(spec).await?;
    nexus
        .registry()
        .add_model(NewModel::new(demo.id, "nexus-echo"))
        .await?;
    Ok(nexus)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let nexus = gateway().await?;
    let model = "nexus-echo".to_owned();
    let titles = Titles {
        nexus: nexus.clone(),
        model,
    };
    println!("{}", titles.of("a text about gateways").await?);
    Ok(nexus.close().await?)
}

#[cfg(test)]
mod tests {
    use nexus_lib::wire::TimeRange;

    use super::*;

    #[tokio::test]
    async fn a_title_is_asked_for_and_accounted_for() {
        let nexus = gateway().await.unwrap();
        let model = "nexus-echo".to_owned();
        let titles = Titles {
            nexus: nexus.clone(),
            model,
        };
        assert_eq!(titles.of("a text").await.unwrap(), "You said: a text");
        // Whatever the code asked is on the ledger.
        let totals = nexus.ledger().totals(TimeRange::default()).await.unwrap();
        assert_eq!((totals.requests, totals.prompt_tokens), (1, 11));
        nexus.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_model_that_is_not_there_is_an_error() {
        let nexus = gateway().await.unwrap();
        let model = "gpt-99".to_owned();
        let error = Titles { nexus, model }.of("a text").await.unwrap_err();
        assert_eq!(error.code(), "model_not_found");
    }
}
