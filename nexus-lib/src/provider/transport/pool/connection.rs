use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, Version, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::{Connection as _, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tower::Service;

use super::Failure;
use crate::provider::transport::proxy::Proxies;
use crate::wire::{Endpoint, ProxyList};

type Body = Full<Bytes>;

/// How often an HTTP/2 connection is asked whether it still stands.
const PING: Duration = Duration::from_secs(20);

/// The most that is read at once, and with that the longest head of an answer. While a client reads slowly
/// so much of its answer lies here, and a piece of it keeps the whole of it.
const READ_BYTES: usize = 16 * 1024;

/// The sending half of a connection to an upstream. The other half is a task that ends when the last
/// of these is dropped and no answer is under way on it.
pub(super) enum Connection {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Connection {
    /// Whether it is known to be of no use any more.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }

    /// Whether it takes requests while others are under way.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    /// The same connection once more, if it can be shared.
    pub(super) fn shared(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(sender) => Some(Self::Http2(sender.clone())),
        }
    }

    /// Sends `request` to `endpoint`; the error has the request if nothing of it was sent.
    pub(super) async fn send(
        &mut self,
        endpoint: &Endpoint,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        match self {
            Self::Http1(sender) => {
                *request.uri_mut() = endpoint.path().clone();
                *request.version_mut() = Version::HTTP_11;
                let host = endpoint.host().clone();
                request.headers_mut().insert(header::HOST, host);
                if !sender.is_ready() {
                    // The last answer was read to its end, so this is soon. A failure shows again below.
                    let _ = sender.ready().await;
                }
                sender.try_send_request(request).await
            }
            Self::Http2(sender) => {
                *request.uri_mut() = endpoint.uri().clone();
                *request.version_mut() = Version::HTTP_2;
                request.headers_mut().remove(header::HOST);
                sender.try_send_request(request).await
            }
        }
    }
}

/// Opens connections: TCP or a tunnel through a proxy, and TLS over it for https.
#[derive(Clone)]
pub(in crate::provider::transport) struct Connector {
    direct: HttpsConnector<HttpConnector>,
    proxies: Proxies,
    tls: Arc<ClientConfig>,
}

impl Connector {
    pub(in crate::provider::transport) fn new(
        tcp: HttpConnector,
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

    /// Connects directly without `proxies`, and never so with them.
    ///
    /// # Cancel safety
    /// Dropped, it drops the connection.
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
                // TLS to the upstream has a turn of its own.
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
            let (sender, connection) = handshake.await.map_err(Failure::Exchange)?;
            drive(connection);
            return Ok(Connection::Http2(sender));
        }
        let handshake = http1::Builder::new()
            .max_buf_size(READ_BYTES)
            .handshake(stream)
            .await;
        let (sender, connection) = handshake.map_err(Failure::Exchange)?;
        drive(connection);
        Ok(Connection::Http1(sender))
    }
}

/// Owned by the [`Connection`]: the task ends with it.
fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    // Not an async block: that would have room for the connection twice.
    tokio::spawn(connection.map(|ended| {
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection to an upstream ended");
        }
    }));
}
