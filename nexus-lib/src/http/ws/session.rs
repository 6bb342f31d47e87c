//! Chats that outlive their socket.
//!
//! A task reads such a chat and keeps its output. Up to [`MAX_BYTES`] may be unread; beyond that
//! the chat is paused. Within the same limit it also keeps what was sent, since that may have been
//! lost. A socket reads from there. When it is lost, another socket of the same client may continue
//! after the last frame that arrived.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};

use super::chat::{Chat, Said};
use super::frame::invalid;
use super::sockets::Tasks;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::KeyHash;
use crate::wire::RequestId;

/// How much of a chat is kept, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The resumable chats of a gateway, by request.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<RequestId, Arc<Session>>>);

/// One resumable chat.
pub(super) struct Session {
    owner: KeyHash,
    id: Arc<str>,
    log: Mutex<Log>,
    /// Something was read, or the reader has changed.
    changed: Notify,
}

struct Log {
    /// The frames that are still kept, oldest first.
    said: VecDeque<Said>,
    /// The number of the first of `said`. The chat's first frame, which contains its ids, has 0, so
    /// that a chunk has its own `seq`.
    first: u64,
    bytes: usize,
    /// The number of the next frame to read.
    next: u64,
    /// The current reader: the latest one.
    reader: u64,
    is_attached: bool,
    detached_at: Instant,
    is_cancelled: bool,
    waker: Option<Waker>,
}

impl Log {
    fn end(&self) -> u64 {
        self.first + u64::try_from(self.said.len()).unwrap_or(0)
    }

    /// How many bytes are unread.
    fn waiting(&self) -> usize {
        let taken = usize::try_from(self.next.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.said
            .iter()
            .skip(taken)
            .map(|said| said.json.len())
            .sum()
    }

    fn push(&mut self, said: Said) {
        self.bytes += said.json.len();
        self.said.push_back(said);
        while self.bytes > MAX_BYTES && self.first < self.next {
            let Some(oldest) = self.said.pop_front() else {
                break;
            };
            self.bytes -= oldest.json.len();
            self.first += 1;
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Session {
    fn log(&self) -> MutexGuard<'_, Log> {
        // No code panics while it holds the lock, and the data is consistent between statements.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the chat, upstream too.
    pub(super) fn cancel(&self) {
        self.log().is_cancelled = true;
        self.changed.notify_one();
    }
}

impl Sessions {
    fn all(&self) -> MutexGuard<'_, HashMap<RequestId, Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Continues a chat after its frame number `after`.
    ///
    /// # Errors
    /// `NotFound` when this client has no such chat, or the requested part is no longer kept.
    pub(super) fn resume(
        &self,
        owner: KeyHash,
        id: &str,
        request_id: RequestId,
        after: u64,
    ) -> Result<Attached> {
        let session = self.all().get(&request_id).cloned();
        let session = session.filter(|session| session.owner == owner && *session.id == *id);
        let session = session.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "there is no resumable chat with this id and request_id; it may have ended too \
                 long ago",
            )
        })?;
        let mut log = session.log();
        let next = after.saturating_add(1);
        if next > log.end() {
            return Err(invalid("after", "`after` is beyond the last frame"));
        }
        if next < log.first {
            return Err(Error::new(
                ErrorKind::NotFound,
                "the frames after `after` are no longer kept; start a new chat",
            ));
        }
        log.next = next;
        let attached = attach(&session, &mut log);
        drop(log);
        Ok(attached)
    }
}

fn attach(session: &Arc<Session>, log: &mut Log) -> Attached {
    log.reader += 1;
    log.is_attached = true;
    // Notifies the previous reader that it was replaced.
    if let Some(waker) = log.waker.take() {
        waker.wake();
    }
    session.changed.notify_one();
    Attached {
        session: Arc::clone(session),
        reader: log.reader,
    }
}

/// Lets `chat`, whose ids are known, run on its own; returns the stream for a socket.
pub(super) fn keep(
    tasks: &Arc<Tasks>,
    owner: KeyHash,
    id: Arc<str>,
    request_id: RequestId,
    chat: Chat,
) -> Attached {
    let session = Arc::new(Session {
        owner,
        id,
        log: Mutex::new(Log {
            said: VecDeque::new(),
            first: 0,
            bytes: 0,
            next: 0,
            reader: 0,
            is_attached: true,
            detached_at: Instant::now(),
            is_cancelled: false,
            waker: None,
        }),
        changed: Notify::new(),
    });
    let attached = attach(&session, &mut session.log());
    tasks
        .sessions()
        .all()
        .insert(request_id, Arc::clone(&session));
    let patience = tasks.settings().resume_within;
    let shared = Arc::clone(tasks);
    tasks.spawn(async move {
        // Removed even if the task is aborted.
        let _registered = Registered(shared, request_id);
        run(&session, chat, patience).await;
    });
    attached
}

struct Registered(Arc<Tasks>, RequestId);

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.sessions().all().remove(&self.1);
    }
}

/// Reads the chat to its end, and keeps the end for a while.
async fn run(session: &Session, mut chat: Chat, patience: Duration) {
    loop {
        let (has_room, deadline, is_cancelled) = {
            let log = session.log();
            let deadline = (!log.is_attached).then(|| log.detached_at + patience);
            (log.waiting() < MAX_BYTES, deadline, log.is_cancelled)
        };
        if is_cancelled {
            return;
        }
        tokio::select! {
            said = chat.next(), if has_room => {
                let Some(said) = said else { break };
                let is_last = said.is_last;
                session.log().push(said);
                if is_last {
                    break;
                }
            }
            () = session.changed.notified() => {}
            () = expired(deadline) => return,
        }
    }
    // The upstream is done; only the frames are kept.
    drop(chat);
    tokio::time::sleep(patience).await;
}

async fn expired(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// A socket's hold on a resumable chat. When it is dropped, the chat continues on its own.
pub(super) struct Attached {
    session: Arc<Session>,
    reader: u64,
}

impl Attached {
    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Stream for Attached {
    type Item = Said;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Said>> {
        let mut log = self.session.log();
        if log.reader != self.reader {
            return Poll::Ready(None);
        }
        let place = usize::try_from(log.next - log.first).unwrap_or(usize::MAX);
        let said = log.said.get(place).map(|said| Said {
            json: said.json.clone(),
            is_last: said.is_last,
        });
        match said {
            Some(said) => {
                log.next += 1;
                drop(log);
                self.session.changed.notify_one();
                Poll::Ready(Some(said))
            }
            None => {
                log.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut log = self.session.log();
        if log.reader == self.reader {
            log.is_attached = false;
            log.detached_at = Instant::now();
            drop(log);
            self.session.changed.notify_one();
        }
    }
}
