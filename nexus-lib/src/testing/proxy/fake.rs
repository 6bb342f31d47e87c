use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection;
use crate::testing::deadline::within;

/// What a [`FakeProxy`] does with new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyConduct {
    /// Opens tunnels.
    Serve,
    /// Accepts no credentials: 407 to `CONNECT`, and no authentication method in SOCKS.
    Refuse,
    /// Reports that the upstream cannot be reached: 502, and failure 4 in SOCKS.
    Unreachable,
    /// Accepts the connection, and sends nothing.
    Hang,
    /// Accepts the connection, and closes it.
    Close,
    /// Sends bytes in no protocol.
    Babble,
}

/// The protocol between a client and a [`FakeProxy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyProtocol {
    /// `CONNECT`.
    Http,
    /// SOCKS 5.
    Socks5,
}

/// A tunnel that was requested from a [`FakeProxy`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyRequest {
    /// The protocol of the request.
    pub protocol: ProxyProtocol,
    /// The requested destination: `host:port`. An IPv6 address has brackets.
    pub target: String,
    /// The user and password that were sent.
    pub credentials: Option<(String, String)>,
}

impl ProxyRequest {
    /// Of a tunnel to `target`, without credentials.
    pub fn new(protocol: ProxyProtocol, target: impl Into<String>) -> Self {
        Self {
            protocol,
            target: target.into(),
            credentials: None,
        }
    }
}

/// A proxy on a loopback port that speaks HTTP's `CONNECT` and SOCKS 5, whichever the client uses,
/// and records the requests.
///
/// Its tasks, including tunnels, end with it: they are aborted on drop, and have ended when
/// [`stop`](Self::stop) resolves.
#[derive(Debug)]
pub struct FakeProxy {
    addr: SocketAddr,
    state: watch::Sender<State>,
    tasks: JoinSet<()>,
}

/// What it has observed, and what it does.
#[derive(Debug)]
pub(super) struct State {
    pub(super) conduct: ProxyConduct,
    pub(super) credentials: Option<(String, String)>,
    pub(super) leads_to: Option<SocketAddr>,
    pub(super) connections: usize,
    pub(super) requests: Vec<ProxyRequest>,
}

impl FakeProxy {
    /// Listens on a free port of 127.0.0.1, and serves everyone.
    ///
    /// # Panics
    /// When no port is available.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Listens at `addr`, where an earlier one was.
    ///
    /// # Panics
    /// When the port is not available.
    pub async fn start_at(addr: SocketAddr) -> Self {
        let listener = TcpListener::bind(addr).await.expect("a free port");
        let addr = listener.local_addr().expect("a bound address");
        let state = watch::Sender::new(State {
            conduct: ProxyConduct::Serve,
            credentials: None,
            leads_to: None,
            connections: 0,
            requests: Vec::new(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, state.clone()));
        Self { addr, state, tasks }
    }

    /// Requires `user` and `password` from now on.
    #[must_use]
    pub fn with_credentials(self, user: &str, password: &str) -> Self {
        let credentials = Some((user.to_owned(), password.to_owned()));
        self.state
            .send_modify(|state| state.credentials = credentials);
        self
    }

    /// Opens all tunnels to `addr`, whatever was requested: names need not be resolvable.
    #[must_use]
    pub fn leading_to(self, addr: SocketAddr) -> Self {
        self.state.send_modify(|state| state.leads_to = Some(addr));
        self
    }

    /// Treats new connections like this from now on.
    pub fn conduct(&self, conduct: ProxyConduct) {
        self.state.send_modify(|state| state.conduct = conduct);
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its URL with `scheme`, without credentials.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.addr)
    }

    /// The tunnels requested so far, including rejected ones.
    pub fn requests(&self) -> Vec<ProxyRequest> {
        self.state.borrow().requests.clone()
    }

    /// How many connections it has accepted so far.
    pub fn connections(&self) -> usize {
        self.state.borrow().connections
    }

    /// Waits until it has accepted `count` connections.
    ///
    /// # Panics
    /// When they do not come within [`DEADLINE`](crate::testing::DEADLINE).
    pub async fn connected(&self, count: usize) {
        let mut state = self.state.subscribe();
        let what = format!("connection {count} to the proxy");
        let reached = within(&what, state.wait_for(|state| state.connections >= count)).await;
        reached.expect("the sender lives in self");
    }

    /// Closes the port and all tunnels, and waits until they are closed.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Owns the connections' tasks: they are aborted with it.
async fn accept(listener: TcpListener, state: watch::Sender<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                state.send_modify(|state| state.connections += 1);
                connections.spawn(connection::serve(stream, state.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
