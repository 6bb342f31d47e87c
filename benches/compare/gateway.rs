//! The gateway: one provider with one model, its ledger in a file, mounted like in the server.

use std::future::{Future, poll_fn};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nexus_benches::MODEL;
use nexus_lib::gateway::Stack;
use nexus_lib::http::ApiService;
use nexus_lib::registry::ProviderSpec;
use nexus_lib::{Gateway, NewModel, SqliteStore};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Result;
use crate::request::CLIENT_KEY;
use crate::unwritten::Unwritten;

/// Serves on this runtime for as long as it lives; returns its address. Its rows are written to
/// `database`, or discarded.
pub(crate) async fn serve(
    upstream: SocketAddr,
    database: &Path,
    is_written: bool,
) -> Result<SocketAddr> {
    let store = SqliteStore::open(database).await?;
    let builder = match is_written {
        true => Gateway::builder(store),
        false => Gateway::builder(Unwritten(store)),
    };
    let gateway = builder.build().await?;
    let registry = gateway.registry();
    let spec = ProviderSpec::new(
        "bench",
        format!("http://{upstream}/v1"),
        "sk-bench-key-of-the-upstream",
        CLIENT_KEY,
    );
    let provider = registry.add_provider(spec).await?;
    registry
        .add_model(NewModel::new(provider.id, MODEL))
        .await?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        // The server's connections listen for shutdown; here there is none.
        let (_phase, watched) = watch::channel(false);
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, gateway.api(), watched.clone()));
        }
    });
    Ok(address)
}

/// A connection with the server's settings, all of which cost a little.
async fn connection(stream: TcpStream, api: ApiService<Stack>, mut drain: watch::Receiver<bool>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(api))
            .with_upgrades()
    );
    let watched = drain.clone();
    let mut draining = pin!(drain.wait_for(|drain| *drain));
    let mut is_registered = false;
    // A client that disconnects ends it with an error, which is irrelevant.
    poll_fn(|cx| {
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !is_registered || watched.has_changed().unwrap_or(true) {
            is_registered = true;
            return draining.as_mut().poll(cx).map(drop);
        }
        Poll::Pending
    })
    .await;
}
