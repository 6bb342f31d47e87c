use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::checkpoint::Checkpoints;
use super::error::Failure;
use super::lock::Lock;
use super::read_pool::ReadPool;
use crate::error::{Error, ErrorKind, Result};
use crate::isolate;

/// The maximum number of queued jobs. Further ones wait outside, which delays admission.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce(&Connection) + Send>;

enum Message {
    Run(Job),
    Close,
}

/// What the writing thread needs if the database is in a file.
pub(super) struct OnDisk {
    pub(super) checkpoints: Checkpoints,
    pub(super) readers: Arc<ReadPool>,
    pub(super) lock: Arc<Lock>,
}

/// The thread that owns the writing connection, and its queue.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    /// Its sender is on the thread: closed means that the thread has closed the file.
    ended: watch::Receiver<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// For the one writing connection; `on_disk` is what a database in a file needs in addition.
    pub(super) fn spawn(connection: Connection, on_disk: Option<OnDisk>) -> Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (alive, ended) = watch::channel(());
        let thread = std::thread::Builder::new()
            .name("nexus-store".to_owned())
            .spawn(move || {
                run(connection, on_disk, jobs);
                drop(alive);
            })
            .map_err(|error| {
                Error::new(ErrorKind::StoreUnavailable, "no thread for the store")
                    .with_source(error)
            })?;
        Ok(Self {
            queue,
            ended,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs `work` in one transaction. If the future is dropped, it is done completely or not at
    /// all.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.write_then(work, |_| ()).await
    }

    /// The same, with a call of `then` once the transaction is committed, even if the future was
    /// dropped.
    pub(super) async fn write_then<T, F, G>(&self, work: F, then: G) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
        G: FnOnce(&T) + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = isolate::call(|| transact(connection, work));
            let result = match result {
                Ok(result) => result.map_err(Error::from),
                Err(panicked) => {
                    roll_back(connection);
                    Err(
                        Error::new(ErrorKind::Internal, "a write of the store panicked")
                            .with_source(panicked),
                    )
                }
            };
            if let Ok(value) = &result {
                then(value);
            }
            // Nobody waits any more: the work is done anyway.
            let _ = answer.send(result);
        });
        let queued = self.queue.send(Message::Run(job)).await;
        queued.map_err(|_| closed())?;
        answered.await.map_err(|_| {
            Error::new(
                ErrorKind::Internal,
                "the store's thread ended during a write",
            )
        })?
    }

    /// # Errors
    /// [`ErrorKind::Closed`] when nothing can be written any more.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.queue.is_closed() {
            return Err(closed());
        }
        Ok(())
    }

    /// Closed when the thread has closed the file.
    #[cfg(test)]
    pub(super) fn ended(&self) -> watch::Receiver<()> {
        self.ended.clone()
    }

    /// Finishes what is queued and awaits the thread.
    pub(super) async fn close(&self) -> Result<()> {
        // It fails if the thread was asked before; its end is awaited either way.
        let _ = self.queue.send(Message::Close).await;
        let _ = self.ended.clone().changed().await;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
        if joined.unwrap_or(false) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Internal,
            "the store's thread panicked",
        ))
    }
}

fn run(connection: Connection, mut on_disk: Option<OnDisk>, mut jobs: mpsc::Receiver<Message>) {
    while let Some(message) = jobs.blocking_recv() {
        match message {
            Message::Run(job) => {
                job(&connection);
                if let Some(on_disk) = &mut on_disk {
                    on_disk.checkpoints.after_commit();
                }
            }
            // What was queued before is still received; later jobs are rejected.
            Message::Close => jobs.close(),
        }
    }
    // Here instead of where the last handle is dropped: closing files may block.
    let lock = on_disk.map(|on_disk| {
        on_disk.readers.clear();
        on_disk.checkpoints.close();
        on_disk.lock
    });
    if let Err(error) = connection.close() {
        tracing::warn!(error = %error.1, "the database was not closed cleanly");
    }
    // Last: it has a handle of the database, and closing that loses SQLite's locks.
    drop(lock);
}

/// Runs `work` between statements that are parsed only once: a batch is often one row.
fn transact<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let run = |sql| connection.prepare_cached(sql)?.execute([]);
    run("BEGIN IMMEDIATE")?;
    let done = work(connection).and_then(|value| {
        run("COMMIT")?;
        Ok(value)
    });
    if done.is_err() {
        roll_back(connection);
    }
    done
}

fn roll_back(connection: &Connection) {
    // If a commit failed for lack of space, SQLite may have rolled back by itself.
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store has been closed")
}
