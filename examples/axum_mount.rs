//! A gateway inside an axum application: chat under `/llm`, administration under `/admin`.
//!
//! `cargo run -p nexus-examples --example axum_mount`, then
//! `curl http://ADDRESS/admin/stats/total`. With `-- --once` it asks itself one question and ends.

use std::error::Error;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use nexus_lib::{Gateway, NewModel, ProviderSpec, SqliteStore};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A real application uses a permanent folder.
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let nexus = Gateway::builder(store).build().await?;

    // The built-in model, so that this runs without a network. A real provider is
    // `ProviderSpec::new("OpenAI", "https://api.openai.com/v1", "sk-…", "a-key-for-our-clients")`.
    let spec = ProviderSpec::new("demo", "http://demo.invalid", "", "demo-key").kind("demo");
    let demo = nexus.registry().add_provider(spec).await?;
    nexus
        .registry()
        .add_model(NewModel::new(demo.id, "nexus-echo"))
        .await?;

    let app = Router::new()
        .route("/", get(async || "An application with a gateway in it.\n"))
        .nest_service("/llm", nexus.api())
        // Without an admin token it only answers to loopback names.
        .nest_service("/admin", nexus.admin());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}");
    // Without it a write of a stream can wait 40 ms for an acknowledgement.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));

    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        // Dropping it is the signal.
        let _ = stopped.await;
    });
    let (served, asked) = tokio::join!(server.into_future(), async {
        let asked = nexus_examples::until_done(
            &format!("{url}/llm/v1/chat/completions"),
            "nexus-echo",
            "demo-key",
        )
        .await;
        drop(stop);
        asked
    });
    served?;

    // Last: no call is in progress any more, and queued ledger rows get written.
    nexus.close().await?;
    asked
}
