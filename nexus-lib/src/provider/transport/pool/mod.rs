//! Connections to upstreams, kept for the requests that follow.
//!
//! A request takes the connection to its origin, by its way there, that was used last, or opens one. Its answer's body
//! holds the connection ([`Lease`]) and gives it back once it was read to its end; dropped before
//! that, it closes the connection, since the rest of the answer would be in the way of the next. An
//! HTTP/2 connection is shared and never taken away.
//!
//! Why not a client library's pool: giving back by whoever has read the body costs no task for each
//! request, and a provider's own proxies and timers have their place here.

mod connection;
mod shelf;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::task::AbortHandle;

use crate::error::BoxError;
use crate::wire::{Endpoint, Origin, ProxyList};
use connection::Connection;
pub(super) use connection::Connector;
use shelf::Shelf;

/// How often connections are looked for that nobody uses.
const SWEEP: Duration = Duration::from_secs(15);

/// After how many sweeps an idle connection is closed: a minute, as servers close theirs after about
/// as long.
const IDLE_SWEEPS: u64 = 4;

/// Connections by origin and by the way there. A clone shares them.
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
    /// Closes what has been idle for too long; there is one while anything is idle.
    sweeper: Option<AbortHandle>,
}

/// Why there is no answer.
pub(super) enum Failure {
    /// No connection could be made.
    Connect(BoxError),
    /// The connection broke, or the upstream spoke no HTTP.
    Exchange(hyper::Error),
}

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        let idle = Mutex::default();
        Self {
            inner: Arc::new(Inner { connector, idle }),
        }
    }

    /// Sends `request`, whose URL is filled in here, and awaits the head of the answer. A new connection
    /// must stand within `connect_timeout`, or each proxy give a tunnel.
    ///
    /// # Cancel safety
    /// Dropped, it closes the connection that the request is on.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        proxies: Option<&Arc<ProxyList>>,
        mut request: Request<Full<Bytes>>,
        connect_timeout: Duration,
    ) -> Result<(Response<Incoming>, Lease), Failure> {
        let origin = endpoint.origin();
        while let Some(mut connection) = self.inner.take(origin, proxies) {
            // An upstream may close a connection just when it is taken: a request of which nothing was
            // sent goes over the next one.
            match connection.send(endpoint, request).await {
                Ok(response) => return Ok((response, self.lease(origin, proxies, connection))),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Failure::Exchange(failed.into_error())),
                },
            }
        }
        // Boxed, so that the many requests that need none carry no room for it.
        let connector = &self.inner.connector;
        let connected = connector.connect(endpoint, proxies, connect_timeout);
        let mut connection = Box::pin(connected).await?;
        if let Some(shared) = connection.shared() {
            self.inner.put(origin, proxies, shared);
        }
        match connection.send(endpoint, request).await {
            Ok(response) => Ok((response, self.lease(origin, proxies, connection))),
            Err(failed) => Err(Failure::Exchange(failed.into_error())),
        }
    }

    fn lease(
        &self,
        origin: &Origin,
        proxies: Option<&Arc<ProxyList>>,
        connection: Connection,
    ) -> Lease {
        if connection.is_shared() {
            return Lease(None);
        }
        Lease(Some(Leased {
            pool: Arc::clone(&self.inner),
            origin: origin.clone(),
            proxies: proxies.cloned(),
            connection,
        }))
    }
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        // No code panics while it holds the lock, and the data is whole between statements.
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

/// A connection that an answer's body comes on.
pub(super) struct Lease(Option<Leased>);

struct Leased {
    pool: Arc<Inner>,
    origin: Origin,
    proxies: Option<Arc<ProxyList>>,
    connection: Connection,
}

impl Lease {
    /// Gives the connection back: the body was read to its end.
    pub(super) fn release(&mut self) {
        if let Some(leased) = self.0.take() {
            let proxies = leased.proxies.as_ref();
            leased.pool.put(&leased.origin, proxies, leased.connection);
        }
    }
}
