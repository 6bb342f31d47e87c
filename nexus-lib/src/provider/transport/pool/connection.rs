use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::Service;

use super::Failure;
use crate::provider::transport::http1::Http1;
use crate::provider::transport::proxy::Proxies;
use crate::provider::transport::resolver::Tcp;
use crate::wire::{Endpoint, ProxyList};

/// How often an HTTP/2 connection is pinged.
const PING: Duration = Duration::from_secs(20);

type Stream = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// A connection to an upstream.
pub(super) enum Connection {
    Exclusive(Exclusive),
    Shared(Shared),
}

/// One that serves one request at a time. Boxed, since it is passed around.
pub(super) type Exclusive = Box<Http1<Stream>>;

/// The sending half of one that serves many requests at once. The other half is a task that ends
/// when the last of these is dropped and no answer is in progress.
pub(super) type Shared = http2::SendRequest<Full<Bytes>>;

impl Connection {
    /// Whether it is known to be unusable.
    pub(super) fn is_closed(&mut self) -> bool {
        match self {
            Self::Exclusive(connection) => connection.is_closed(),
            Self::Shared(sender) => sender.is_closed(),
        }
    }

    /// The same connection again, if it can be shared.
    pub(super) fn shared(&self) -> Option<Self> {
        match self {
            Self::Exclusive(_) => None,
            Self::Shared(sender) => Some(Self::Shared(sender.clone())),
        }
    }
}

/// Opens connections: TCP or a tunnel through a proxy, with TLS for https.
#[derive(Clone)]
pub(in crate::provider::transport) struct Connector {
    direct: HttpsConnector<Tcp>,
    proxies: Proxies,
    tls: Arc<ClientConfig>,
}

impl Connector {
    pub(in crate::provider::transport) fn new(
        tcp: Tcp,
        tls: Arc<ClientConfig>,
        proxies: Proxies,
    ) -> Self {
        let direct = HttpsConnector::from((tcp, Arc::clone(&tls)));
        Self {
            direct,
            proxies,
            tls,
        }
    }

    /// Connects directly without `proxies`, and never directly with them.
    ///
    /// # Cancel safety
    /// If dropped, the connection is dropped.
    pub(super) async fn connect(
        &self,
        endpoint: &Endpoint,
        proxies: Option<&Arc<ProxyList>>,
        timeout: Duration,
    ) -> Result<Connection, Failure> {
        let uri = endpoint.uri().clone();
        // All parts of the connectors are always ready.
        let (stream, turns) = match proxies {
            None => (self.direct.clone().call(uri), 1),
            Some(list) => {
                let tunnels = self.proxies.through(Arc::clone(list), timeout);
                let mut connector = HttpsConnector::from((tunnels, Arc::clone(&self.tls)));
                // TLS to the upstream has a timeout of its own.
                (connector.call(uri), list.count() + 1)
            }
        };
        let stream = tokio::time::timeout(timeout.saturating_mul(turns), stream).await;
        let stream = stream
            .unwrap_or_else(|elapsed| Err(elapsed.into()))
            .map_err(Failure::Connect)?;
        if stream.connected().is_negotiated_h2() {
            let handshake = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .adaptive_window(true)
                .keep_alive_interval(PING)
                .handshake(stream);
            let (sender, connection) = handshake
                .await
                .map_err(|error| Failure::Exchange(error.into()))?;
            drive(connection);
            return Ok(Connection::Shared(sender));
        }
        let connection = Http1::new(TokioIo::new(stream));
        Ok(Connection::Exclusive(Box::new(connection)))
    }
}

/// Owned by the [`Shared`] connection: the task ends with it.
fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    // Not an async block: that would reserve space for the connection twice.
    tokio::spawn(connection.map(|ended| {
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection to an upstream ended");
        }
    }));
}
