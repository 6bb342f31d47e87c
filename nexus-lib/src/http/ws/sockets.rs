use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::counted::CountedIo;
use super::session::Sessions;
use super::settings::SocketSettings;

/// The minimum read size: there may be thousands of sockets.
const READ_BYTES: usize = 4 * 1024;

/// How much is buffered before it is written.
const WRITE_BYTES: usize = 8 * 1024;

/// The maximum buffered output: the longest answer and its frame. At most one waits at a time.
const MAX_WRITE_BYTES: usize = 257 << 20;

/// The WebSockets of a gateway: tasks that it owns. A clone shares them; dropping the last one ends
/// the tasks.
///
/// A server that drains its connections does not see these: they have left HTTP.
#[derive(Clone)]
pub struct Sockets(Arc<Owner>);

opaque_debug!(Sockets);

/// Tasks must not hold this, or they would own themselves.
struct Owner(Arc<Tasks>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.set().abort_all();
    }
}

/// The tasks, and what they share.
pub(crate) struct Tasks {
    set: Mutex<JoinSet<()>>,
    /// Whether new chats are rejected.
    is_draining: watch::Sender<bool>,
    settings: SocketSettings,
    sessions: Sessions,
}

impl Sockets {
    pub(crate) fn new(settings: SocketSettings) -> Self {
        Self(Arc::new(Owner(Arc::new(Tasks {
            set: Mutex::default(),
            is_draining: watch::Sender::new(false),
            settings,
            sessions: Sessions::default(),
        }))))
    }

    pub(crate) fn tasks(&self) -> &Arc<Tasks> {
        &self.0.0
    }

    /// Accepts no new chats: sockets without any close at once, the others after their last chat,
    /// with code 1001.
    pub fn drain(&self) {
        self.tasks().is_draining.send_replace(true);
    }

    /// Resolves when no socket is left.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    pub async fn ended(&self) {
        loop {
            let next = poll_fn(|cx| self.tasks().set().poll_join_next(cx)).await;
            if next.is_none() {
                return;
            }
        }
    }

    /// Ends all of them at once; open chats are settled.
    pub(crate) async fn abort(&self) {
        self.tasks().set().abort_all();
        self.ended().await;
    }
}

impl Tasks {
    pub(super) fn settings(&self) -> SocketSettings {
        self.settings
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(super) fn draining(&self) -> watch::Receiver<bool> {
        self.is_draining.subscribe()
    }

    /// Runs `task` until it ends, or the gateway does.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.set();
        // Finished tasks are removed.
        while set.try_join_next().is_some() {}
        set.spawn(task);
    }

    /// Passes the socket of an upgraded request to `run`.
    pub(crate) fn accept<F>(
        &self,
        upgrade: OnUpgrade,
        run: impl FnOnce(WebSocketStream<CountedIo<TokioIo<Upgraded>>>) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send,
    {
        let config = config(self.settings.max_frame_bytes);
        self.spawn(async move {
            match upgrade.await {
                Ok(upgraded) => {
                    let (io, role) = (CountedIo::new(TokioIo::new(upgraded)), Role::Server);
                    let socket = WebSocketStream::from_raw_socket(io, role, Some(config)).await;
                    run(socket).await;
                }
                Err(error) => tracing::debug!(%error, "a WebSocket upgrade failed"),
            }
        });
    }

    fn set(&self) -> MutexGuard<'_, JoinSet<()>> {
        // No code panics while it holds the lock, and the data is consistent between statements.
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn config(max_frame_bytes: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_write_buffer_size(MAX_WRITE_BYTES)
        .max_message_size(Some(max_frame_bytes))
        .max_frame_size(Some(max_frame_bytes))
}
