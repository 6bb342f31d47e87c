use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection;
use crate::testing::deadline::within;

/// What a [`FakeProxy`] does with those who come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyConduct {
    /// It gives tunnels.
    Serve,
    /// It takes no credentials: 407 to `CONNECT`, and no way to authenticate by SOCKS.
    Refuse,
    /// It says that the upstream cannot be reached: 502, and failure 4 by SOCKS.
    Unreachable,
    /// It takes the connection, and says nothing.
    Hang,
    /// It takes the connection, and closes it.
    Close,
    /// It answers in no protocol.
    Babble,
}

/// How a [`FakeProxy`] was spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// `CONNECT`.
    Http,
    /// SOCKS 5.
    Socks5,
}

/// A tunnel that a [`FakeProxy`] was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRequest {
    /// How it was asked.
    pub protocol: ProxyProtocol,
    /// Where the tunnel is to lead, as it was asked: `host:port`. An IPv6 address has brackets.
    pub target: String,
    /// User and password that came along.
    pub credentials: Option<(String, String)>,
}

/// A proxy on a loopback port that speaks HTTP's `CONNECT` and SOCKS 5, whichever it is spoken to in,
/// and records what it was asked for.
///
/// Its tasks, tunnels among them, end with it: at once when it is dropped, and surely when
/// [`stop`](Self::stop) resolves.
#[derive(Debug)]
pub struct FakeProxy {
    addr: SocketAddr,
    state: watch::Sender<State>,
    tasks: JoinSet<()>,
}

/// What it has seen, and what it is to do.
#[derive(Debug)]
pub(super) struct State {
    pub(super) conduct: ProxyConduct,
    pub(super) credentials: Option<(String, String)>,
    pub(super) leads_to: Option<SocketAddr>,
    pub(super) connections: usize,
    pub(super) requests: Vec<ProxyRequest>,
}

impl FakeProxy {
    /// Listens on a free port of 127.0.0.1, and serves everybody.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Listens at `addr`: where one was before.
    ///
    /// # Panics
    /// When the port cannot be had.
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

    /// Asks for `user` and `password` from now on.
    #[must_use]
    pub fn with_credentials(self, user: &str, password: &str) -> Self {
        let credentials = Some((user.to_owned(), password.to_owned()));
        self.state
            .send_modify(|state| state.credentials = credentials);
        self
    }

    /// Leads all tunnels to `addr`, whatever is asked for: names need not be known.
    #[must_use]
    pub fn leading_to(self, addr: SocketAddr) -> Self {
        self.state.send_modify(|state| state.leads_to = Some(addr));
        self
    }

    /// Behaves like this to those who come from now on.
    pub fn conduct(&self, conduct: ProxyConduct) {
        self.state.send_modify(|state| state.conduct = conduct);
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its URL by `scheme`, without credentials.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.addr)
    }

    /// The tunnels that it was asked for so far, those that it refused among them.
    pub fn requests(&self) -> Vec<ProxyRequest> {
        self.state.borrow().requests.clone()
    }

    /// How many connections it has taken so far.
    pub fn connections(&self) -> usize {
        self.state.borrow().connections
    }

    /// Waits until it has taken `count` connections.
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
