//! Name resolution, with an error that can be recognised behind those of the connector.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiResolver, Name};
use tower::Service;

/// Opens TCP connections.
pub(super) type Tcp = HttpConnector<Resolver>;

/// The system's resolver.
#[derive(Debug, Clone)]
pub(super) struct Resolver(GaiResolver);

/// A name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub(super) struct Unresolved(#[from] io::Error);

impl Resolver {
    pub(super) fn new() -> Self {
        Self(GaiResolver::new())
    }

    /// The addresses of `host`, for a tunnel to `port`.
    ///
    /// # Cancel safety
    /// If dropped, the lookup is abandoned.
    pub(super) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Unresolved> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<GaiAddrs, Unresolved>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        self.0.poll_ready(cx).map_err(Unresolved)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.0.call(name);
        Box::pin(async move { Ok(resolving.await?) })
    }
}
