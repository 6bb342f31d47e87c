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

/// A request with a longer head gets 431; so does one with more headers than hyper's own limit of
/// 100. Setting that limit explicitly would move each request's headers to the heap.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How much unsent data the kernel accepts for a client. By default it is megabytes, and a slow
/// client would lag that far behind what the upstream was asked for and is paid for.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 16 * 1024;
/// How long to wait after a connection could not be accepted, usually for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long requests that are cut off have to send their error.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// The phase of the server's life; it only advances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Serving,
    /// No new connections; open requests may finish.
    Draining,
    /// Open requests are cut off.
    Cutting,
}

/// A port's limits for its clients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The maximum number of connections. Further ones wait to be accepted until one is closed.
    pub(crate) connections: usize,
    /// The time limit for the head of a request, and for an idle connection.
    pub(crate) head: Duration,
    /// How long a client may accept no byte of a pending answer.
    pub(crate) write_stall: Duration,
    /// Whether the service gets the address of each request's client, which costs an allocation.
    pub(crate) reports_clients: bool,
}

impl Limits {
    /// This many connections, and the default timeouts.
    pub(crate) fn connections(connections: usize) -> Self {
        Self {
            connections,
            head: Duration::from_secs(30),
            // Much longer than seems necessary: Linux only reports room once a whole packet of up
            // to 64 KiB was read, so a client that reads 1 KB/s seems to accept nothing for two
            // minutes.
            write_stall: Duration::from_secs(300),
            reports_clients: false,
        }
    }
}

/// A bound port that does not accept connections yet.
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

    /// The address that was actually bound.
    pub(crate) fn addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves connections through all phases, and returns when none is left.
    ///
    /// # Cancel safety
    /// If dropped, every connection is cut off.
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
                        let service = FromClient::new(service.clone(), limits.reports_clients.then(|| client.ip()));
                        connections.spawn(connection(stream, service, limits, phase.clone()));
                    }
                    Err(error) if concerns_one_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!(port = self.name, %error, "connections cannot be accepted");
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
        // Awaits them, so that every call that was cut off has been settled when this returns.
        connections.shutdown().await;
    }
}

/// Resolves when requests that were cut off have had time to send their error.
pub(crate) async fn cut(phase: &mut watch::Receiver<Phase>) {
    reached(phase, Phase::Cutting).await;
    tokio::time::sleep(CUT_GRACE).await;
}

/// Resolves once `phase` has reached `wanted`, or can no longer change.
pub(crate) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}

/// Serves one connection to its end; while draining, to the end of the open request.
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
    // Without this an event of a stream can wait 40 ms for the client's acknowledgement of the
    // previous one.
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
        // Checked once, it wakes this task by itself: checking it for each request costs more than
        // routing does.
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
                // Polled once more, open requests see that they are cut off, and send their error.
                () = reached(&mut watched, Phase::Cutting) => connection.await,
            }
        }
    };
    // Clients disconnect in every possible way, which is of no interest to the operator.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Whether an accept failed because of the connection, not of this process.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionAborted | K::ConnectionRefused | K::ConnectionReset | K::Interrupted
    )
}

#[cfg(test)]
mod tests;
