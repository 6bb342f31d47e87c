//! A gateway served by hyper alone: an accept loop, a timeout for slow heads, and a drain.
//!
//! `cargo run -p nexus-examples --example plain_hyper`. With `-- --once` it asks itself one
//! question and ends.

use std::error::Error;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use nexus_lib::{Gateway, NewModel, ProviderSpec, SqliteStore};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A real program uses a permanent folder.
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let nexus = Gateway::builder(store).build().await?;
    let spec = ProviderSpec::new("demo", "http://demo.invalid", "", "demo-key").kind("demo");
    let demo = nexus.registry().add_provider(spec).await?;
    nexus
        .registry()
        .add_model(NewModel::new(demo.id, "nexus-echo"))
        .await?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}");

    let (stop, stopped) = oneshot::channel::<()>();
    let (served, asked) = tokio::join!(serve(listener, &nexus, stopped), async {
        let asked = nexus_examples::until_done(
            &format!("{url}/v1/chat/completions"),
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

/// Serves until `stopped` resolves, then lets open requests finish.
async fn serve(
    listener: TcpListener,
    nexus: &Gateway,
    mut stopped: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let mut builder = Builder::new(TokioExecutor::new());
    // hyper's timeout for a request's head is off unless a timer is set.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10));
    builder.http2().timer(TokioTimer::new());

    let drain = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            _ = &mut stopped => break,
            // So that the set does not keep closed connections.
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // A client that disconnected before it was accepted is no reason to stop.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            },
        };
        // Without it a write of a stream can wait 40 ms for an acknowledgement.
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(nexus.api());
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        connections.spawn(drain.watch(connection));
    }
    drop(listener);
    drain.shutdown().await;
    Ok(())
}
