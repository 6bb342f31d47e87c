use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nexus_lib::http::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::edge::{Finding, Framed, FromClient, Watched};
use crate::failure::Failure;

/// A request's head that is longer gets 431; so does one with more than hyper's own limit of 100 headers.
/// To name that limit would move each request's headers to the heap.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How much the kernel takes for a client beyond what is under way to it. Without this it takes megabytes,
/// and a client that reads slowly is that far behind what the upstream was asked for and is paid for.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 16 * 1024;
/// How long to rest when no connection can be taken, for want of file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long those who are cut off may take to be told so.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// How far the server's life has come; it only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Serving,
    /// No new connections; open requests may finish.
    Draining,
    /// What is still open is cut off.
    Cutting,
}

/// How much a port bears of its clients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many may be connected at once. More are left waiting to be accepted, until one leaves.
    pub(crate) connections: usize,
    /// How long the head of a request may take, and a connection be idle.
    pub(crate) head: Duration,
    /// How long a client may take no byte of what there is for it.
    pub(crate) write_stall: Duration,
    /// Whether the service is told the address of each request's client, which costs an allocation.
    pub(crate) tells_clients: bool,
}

impl Limits {
    /// So many connections, and the usual timers.
    pub(crate) fn connections(connections: usize) -> Self {
        Self {
            connections,
            head: Duration::from_secs(30),
            // Far longer than it seems to need: Linux tells us of room only once a whole packet, which may
            // be of 64 KiB, was read, so that a client that reads 1 KB/s seems to take nothing for two minutes.
            write_stall: Duration::from_secs(300),
            tells_clients: false,
        }
    }
}

/// A bound port that takes no connections yet.
pub(crate) struct Port {
    name: &'static str,
    listener: TcpListener,
}

impl Port {
    pub(crate) async fn bind(name: &'static str, addr: SocketAddr) -> Result<Self, Failure> {
        let listener = TcpListener::bind(addr).await;
        let listener = listener.map_err(|cause| Failure::Listen { name, addr, cause })?;
        Ok(Self { name, listener })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The address that is really bound.
    pub(crate) fn addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves connections through the phases, and returns when none is left.
    ///
    /// # Cancel safety
    /// Dropped, it cuts off every connection.
    pub(crate) async fn serve<S>(
        self,
        service: S,
        limits: Limits,
        mut phase: watch::Receiver<Phase>,
    ) where
        S: tower::Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
    {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = reached(&mut phase, Phase::Draining) => break,
                accepted = self.listener.accept(), if connections.len() < limits.connections => match accepted {
                    Ok((stream, client)) => {
                        let service = FromClient::new(service.clone(), limits.tells_clients.then(|| client.ip()));
                        connections.spawn(connection(stream, service, limits, phase.clone()));
                    }
                    Err(error) if concerns_one_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!(port = self.name, %error, "no connection can be taken");
                        tokio::select! {
                            () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                            () = reached(&mut phase, Phase::Draining) => break,
                        }
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        drop(self.listener);
        tokio::select! {
            () = async { while connections.join_next().await.is_some() {} } => {}
            () = cut(&mut phase) => {}
        }
        // Awaits them, so that every call that is cut off has been settled when this returns.
        connections.shutdown().await;
    }
}

/// Resolves when those who are cut off have had their time to be told so.
pub(crate) async fn cut(phase: &mut watch::Receiver<Phase>) {
    reached(phase, Phase::Cutting).await;
    tokio::time::sleep(CUT_GRACE).await;
}

/// Resolves once `phase` has come to `wanted`, or nobody is left to bring it there.
pub(crate) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}

/// Serves one connection to its end; while draining, to the end of the request that is open.
async fn connection<S>(
    stream: TcpStream,
    service: S,
    limits: Limits,
    mut phase: watch::Receiver<Phase>,
) where
    S: tower::Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    // Without this an event of a stream can wait 40 ms for the client's acknowledgement of the last.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES) {
        tracing::debug!(%error, "TCP_NOTSENT_LOWAT cannot be set");
    }
    let finding = Finding::default();
    let socket = Watched::new(stream, finding.clone(), limits.write_stall);
    let service = Framed::new(service, finding);
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_header_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
            .with_upgrades()
    );
    let mut watched = phase.clone();
    let mut draining = pin!(reached(&mut phase, Phase::Draining));
    let mut is_registered = false;
    let ended = poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(ended));
        }
        // Asked once, it wakes this task by itself: to ask it at each turn of each request costs more
        // than routing does.
        if !is_registered || watched.has_changed().unwrap_or(true) {
            is_registered = true;
            return draining.as_mut().poll(cx).map(|()| None);
        }
        Poll::Pending
    })
    .await;
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                // Polled once more, what is open learns that it was cut off, and says so.
                () = reached(&mut watched, Phase::Cutting) => connection.await,
            }
        }
    };
    // Clients hang up in every way there is: no matter for the operator.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Whether an accept failed for a reason that lies with the connection and not with this process.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionAborted | K::ConnectionRefused | K::ConnectionReset | K::Interrupted
    )
}

#[cfg(test)]
mod tests;
