use std::net::SocketAddr;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::{Connection, Log};
use super::deadline::within;
use super::{RecordedRequest, Script};

/// An upstream on a loopback port that answers with a [`Script`] and records what it was sent.
///
/// Its tasks end with it: they are aborted on drop, and have ended when [`stop`](Self::stop)
/// resolves.
#[derive(Debug)]
pub struct FakeUpstream {
    addr: SocketAddr,
    log: watch::Sender<Log>,
    tasks: JoinSet<()>,
}

impl FakeUpstream {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port is available.
    pub async fn start(script: impl Into<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("a bound address");
        let log = watch::Sender::new(Log::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, log.clone(), script.into()));
        Self { addr, log, tasks }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base URL for OpenAI's protocol: ends in `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Waits for request number `index`, from 0, and returns it.
    ///
    /// # Panics
    /// When it does not come within [`DEADLINE`](super::DEADLINE).
    pub async fn request(&self, index: usize) -> RecordedRequest {
        let mut log = self.log.subscribe();
        let what = format!("request {index} to the upstream");
        let log = within(&what, log.wait_for(|log| log.requests.len() > index)).await;
        log.expect("the sender lives in self").requests[index].clone()
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.log.borrow().requests.clone()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.log.borrow().closed.len()
    }

    /// Waits for request number `index` and then until its peer has closed the connection; returns
    /// when it did.
    ///
    /// # Panics
    /// When either does not happen within [`DEADLINE`](super::DEADLINE).
    pub async fn closed(&self, index: usize) -> Instant {
        let connection = self.request(index).await.connection;
        let mut log = self.log.subscribe();
        let what = format!("the peer to close the connection of request {index}");
        let log = within(&what, log.wait_for(|log| log.closed[connection].is_some())).await;
        let log = log.expect("the sender lives in self");
        log.closed[connection].expect("just seen")
    }

    /// Whether the connection of request `index` is known to be closed by its peer.
    pub fn is_closed(&self, index: usize) -> bool {
        let log = self.log.borrow();
        let request = log.requests.get(index);
        request.is_some_and(|request| log.closed[request.connection].is_some())
    }

    /// Closes the port and all connections, and waits until they are closed.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// A loopback address where nothing listens.
///
/// # Panics
/// When no port is available.
pub async fn refused_addr() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("a bound address")
}

/// Owns the connections' tasks: they are aborted with it.
async fn accept(listener: TcpListener, log: watch::Sender<Log>, script: Script) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let mut index = 0;
                log.send_modify(|log| {
                    index = log.closed.len();
                    log.closed.push(None);
                });
                let connection = Connection::new(index, stream, log.clone(), script.clone());
                connections.spawn(connection.serve());
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
