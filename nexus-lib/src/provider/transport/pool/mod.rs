//! A pool of connections to upstreams.
//!
//! A request takes the most recently used connection to its origin through its proxies, or opens
//! one. Its answer's [`Body`] holds the connection and returns it once it was read to its end. If
//! the body is dropped earlier, the connection is closed, since the rest of the answer would
//! precede the next one. An HTTP/2 connection is shared and stays in the pool.
//!
//! Why not a client library's pool: when the reader of a body returns its connection, no task is
//! needed per request; and a provider's own proxies and timeouts fit in here.

mod body;
mod connection;
mod shelf;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Version, header};
use http_body_util::Full;
use tokio::task::AbortHandle;

use crate::error::BoxError;
use crate::provider::transport::http1;
use crate::wire::{Endpoint, Origin, ProxyList};
pub(super) use body::Body;
use body::Leased;
pub(super) use connection::Connector;
use connection::{Connection, Exclusive, Shared};
use shelf::Shelf;

/// How often unused connections are looked for.
const SWEEP: Duration = Duration::from_secs(15);

/// After how many sweeps an idle connection is closed: a minute, as servers close theirs after
/// about that time.
const IDLE_SWEEPS: u64 = 4;

/// Connections by origin and proxies. A clone shares them.
#[derive(Clone)]
pub(super) struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Connector,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    shelf: Shelf,
    /// Closes connections that were idle for too long; it exists while any is idle.
    sweeper: Option<AbortHandle>,
}

/// Why there is no answer.
pub(super) enum Failure {
    /// No connection could be established.
    Connect(BoxError),
    /// The connection broke, or the answer was not valid HTTP.
    Exchange(BoxError),
}

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        let idle = Mutex::default();
        Self {
            inner: Arc::new(Inner { connector, idle }),
        }
    }

    /// Sends `request`, whose URL is set here, and awaits the head of the answer. `connect_timeout`
    /// applies to a new connection, and to each proxy's tunnel.
    ///
    /// # Cancel safety
    /// If dropped, the connection of the request is closed.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        proxies: Option<&Arc<ProxyList>>,
        request: Request<Bytes>,
        connect_timeout: Duration,
    ) -> Result<Response<Body>, Failure> {
        let origin = endpoint.origin();
        while let Some(connection) = self.inner.take(origin, proxies) {
            // An upstream may close a connection just when it is taken: a request of which nothing
            // was sent uses the next one.
            let sent = match connection {
                Connection::Exclusive(connection) => {
                    self.exchange(endpoint, proxies, connection, &request).await
                }
                Connection::Shared(sender) => Box::pin(share(endpoint, sender, &request)).await,
            };
            match sent {
                Ok(response) => return Ok(response),
                Err(Unanswered::Unsent(_)) => {}
                Err(Unanswered::Broken(cause)) => return Err(Failure::Exchange(cause)),
            }
        }
        // Boxed, so that requests that do not need it do not reserve space for it.
        Box::pin(self.send_anew(endpoint, proxies, &request, connect_timeout)).await
    }

    async fn send_anew(
        &self,
        endpoint: &Endpoint,
        proxies: Option<&Arc<ProxyList>>,
        request: &Request<Bytes>,
        connect_timeout: Duration,
    ) -> Result<Response<Body>, Failure> {
        let connector = &self.inner.connector;
        let connected = connector.connect(endpoint, proxies, connect_timeout);
        let connection = connected.await?;
        if let Some(shared) = connection.shared() {
            self.inner.put(endpoint.origin(), proxies, shared);
        }
        let sent = match connection {
            Connection::Exclusive(connection) => {
                self.exchange(endpoint, proxies, connection, request).await
            }
            Connection::Shared(sender) => share(endpoint, sender, request).await,
        };
        sent.map_err(|(Unanswered::Unsent(cause) | Unanswered::Broken(cause))| {
            Failure::Exchange(cause)
        })
    }

    async fn exchange(
        &self,
        endpoint: &Endpoint,
        proxies: Option<&Arc<ProxyList>>,
        mut connection: Exclusive,
        request: &Request<Bytes>,
    ) -> Result<Response<Body>, Unanswered> {
        let head = match connection.send(endpoint, request).await {
            Ok(head) => head,
            Err(error @ http1::Error::Unsent(_)) => return Err(Unanswered::Unsent(error.into())),
            Err(error) => return Err(Unanswered::Broken(error.into())),
        };
        let leased = Leased {
            pool: Arc::clone(&self.inner),
            origin: endpoint.origin().clone(),
            proxies: proxies.cloned(),
            connection,
        };
        Ok(Response::from_parts(head, Body::Exclusive(Some(leased))))
    }
}

/// Why an answer did not start.
enum Unanswered {
    /// Nothing of the request was sent.
    Unsent(BoxError),
    Broken(BoxError),
}

async fn share(
    endpoint: &Endpoint,
    mut sender: Shared,
    request: &Request<Bytes>,
) -> Result<Response<Body>, Unanswered> {
    let mut request = request.clone().map(Full::new);
    *request.uri_mut() = endpoint.uri().clone();
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().remove(header::HOST);
    match sender.try_send_request(request).await {
        Ok(response) => Ok(response.map(Body::Shared)),
        Err(mut failed) => Err(match failed.take_message() {
            Some(_) => Unanswered::Unsent(failed.into_error().into()),
            None => Unanswered::Broken(failed.into_error().into()),
        }),
    }
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        // No code panics while it holds the lock, and the data is consistent between statements.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, origin: &Origin, proxies: Option<&Arc<ProxyList>>) -> Option<Connection> {
        self.idle().shelf.take(origin, proxies)
    }

    fn put(
        self: &Arc<Self>,
        origin: &Origin,
        proxies: Option<&Arc<ProxyList>>,
        connection: Connection,
    ) {
        let mut idle = self.idle();
        idle.shelf.put(origin, proxies, connection);
        if idle.sweeper.is_none() {
            let sweeper = tokio::spawn(sweep(Arc::downgrade(self)));
            idle.sweeper = Some(sweeper.abort_handle());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(sweeper) = self.idle().sweeper.take() {
            sweeper.abort();
        }
    }
}

/// Ends by itself when nothing is idle any more.
async fn sweep(pool: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        idle.shelf.sweep(IDLE_SWEEPS);
        if idle.shelf.is_empty() {
            idle.sweeper = None;
            return;
        }
    }
}
