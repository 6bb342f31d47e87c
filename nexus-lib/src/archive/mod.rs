//! The archive of requests and answers, as JSON Lines: one line per call.
//!
//! A line goes to `DIR/YYYY/MM/DD/HH.jsonl`, by the hour (UTC) in which its call ended. The meter
//! asks for admission when a call begins and pushes its record when it has ended. A thread decodes,
//! writes, and deletes old files. A slow disk delays admission: nothing that was pushed is dropped.
//!
//! ```text
//! admit ◀─ room ─ ┌───────┐ one by one ┌───────────────┐ lines ┌───────────────────┐
//! push ─────────▶ │ queue │ ─────────▶ │ nexus-archive │ ────▶ │ 2026/01/31/08.jsonl │
//!                 └───────┘            └───────────────┘       └───────────────────┘
//! ```
//!
//! When the queue is empty, all lines are in the files and survive a crash of this process; the
//! operating system decides when they reach the disk. Lines contain no keys: a record has no field
//! for one.

mod files;
mod line;
mod queue;
mod read;
mod retention;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::call::{ClosedCall, Prompt};
use crate::error::{Error, ErrorKind, Result};
use crate::transcript::Delivered;
use crate::wire::{ConversationId, RequestId, RequestState, Timestamp};
use queue::{Limits, Queue};

/// A call that has ended.
#[non_exhaustive]
pub struct ArchiveRecord {
    /// The request's id.
    pub request_id: RequestId,
    /// Its conversation's id.
    pub conversation_id: ConversationId,
    /// The name of the provider that answered.
    pub provider: Arc<str>,
    /// The model's name, as the client knows it.
    pub model: Arc<str>,
    /// How it ended.
    pub state: RequestState,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended: determines the file.
    pub ended_at: Timestamp,
    /// What was asked: a chat.
    pub asked: Prompt,
    /// What was delivered.
    pub answer: Delivered,
}

opaque_debug!(ArchiveRecord);

impl ArchiveRecord {
    /// The record of `call`, with the words that it does not have: what the model was asked, and
    /// what was delivered.
    pub fn of(call: &ClosedCall, asked: Prompt, answer: Delivered) -> Self {
        Self {
            request_id: call.request_id,
            conversation_id: call.conversation_id.clone(),
            provider: Arc::clone(&call.target.provider.name),
            model: Arc::clone(&call.target.model),
            state: call.state,
            started_at: call.started_at,
            ended_at: call.ended_at(),
            asked,
            answer,
        }
    }
}

/// The archive of messages in one folder. A clone is the same archive.
///
/// When the last clone is dropped, the thread still writes what is queued; [`close`](Self::close)
/// awaits it.
#[derive(Clone)]
pub struct Archive {
    shared: Arc<Shared>,
}

opaque_debug!(Archive);

struct Shared {
    dir: PathBuf,
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<u64>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Not joined: the thread ends by itself once the queue is written.
        self.queue.close();
    }
}

impl Archive {
    /// The archive in the folder `dir`, which is created (readable by its owner only) if it does
    /// not exist.
    ///
    /// Once an hour, files whose lines are all older than `retention_days` are deleted; `None`
    /// keeps them forever. No other file is touched.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the folder cannot be created.
    pub fn open(dir: impl AsRef<Path>, retention_days: Option<u32>) -> Result<Self> {
        Self::open_within(dir.as_ref(), retention_days, Limits::default())
    }

    fn open_within(dir: &Path, retention_days: Option<u32>, limits: Limits) -> Result<Self> {
        let refused = |error| {
            Error::new(
                ErrorKind::InvalidConfig,
                "the archive's folder cannot be created; choose another one, or grant access to it",
            )
            .with_source(error)
        };
        files::make_folder(dir).map_err(refused)?;
        let queue = Arc::new(Queue::new(limits));
        let writer = writer::Writer::new(dir.to_owned(), retention_days, Arc::clone(&queue));
        let thread = std::thread::Builder::new()
            .name("nexus-archive".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| {
                Error::new(
                    ErrorKind::Internal,
                    "the archive's thread could not be started",
                )
                .with_source(error)
            })?;
        Ok(Self {
            shared: Arc::new(Shared {
                dir: dir.to_owned(),
                queue,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Waits until another call may begin: at once while less than 64 MiB and 16384 records are
    /// queued. Calls that were admitted may exceed that by what they push.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`] when writing has failed for ten seconds and still does,
    /// [`ErrorKind::Closed`] after [`close`](Self::close).
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    pub async fn admit(&self) -> Result<()> {
        self.shared.queue.admit().await
    }

    /// Whether calls are admitted: not if writing has failed for ten seconds and still does. Does
    /// not access the disk.
    ///
    /// # Errors
    /// Those of [`admit`](Self::admit).
    pub fn check_writes(&self) -> Result<()> {
        self.shared.queue.check_writes()
    }

    /// Queues a record. Never waits, and needs no runtime: may be called from `Drop`.
    ///
    /// What is pushed after [`close`](Self::close) is lost, and logged.
    pub fn push(&self, record: ArchiveRecord) {
        self.shared.queue.push(record);
    }

    /// The lines of these requests, in the given order; those that are not in the archive are left
    /// out. Each time is when the call ended, to the second.
    ///
    /// Queued records are written first, unless writing fails. All requested lines are in memory at
    /// once: read in pages.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when a file exists but cannot be read.
    ///
    /// # Cancel safety
    /// Dropping it has no effect; the current file is still read to its end.
    pub async fn read(
        &self,
        wanted: Vec<(RequestId, Timestamp)>,
    ) -> Result<Vec<serde_json::Value>> {
        self.shared.queue.written().await;
        let dir = self.shared.dir.clone();
        let reading = tokio::task::spawn_blocking(move || read::read(&dir, &wanted));
        let lines = reading.await.map_err(|cause| {
            Error::new(ErrorKind::Internal, "reading the archive panicked").with_source(cause)
        })?;
        lines.map_err(|error| {
            Error::new(
                ErrorKind::StoreUnavailable,
                "the archive cannot be read at the moment; try again",
            )
            .with_source(error)
        })
    }

    /// Writes what is queued and ends the thread. If writing fails, it is retried for ten seconds.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when records could not be written, [`ErrorKind::Internal`]
    /// when the thread died.
    ///
    /// # Cancel safety
    /// If dropped, the thread still finishes; only the waiting is lost.
    pub async fn close(&self) -> Result<()> {
        self.shared.queue.close();
        let thread = self
            .shared
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return Ok(()) };
        match tokio::task::spawn_blocking(move || thread.join().ok()).await {
            Ok(Some(0)) => Ok(()),
            Ok(Some(lost)) => Err(Error::new(
                ErrorKind::StoreUnavailable,
                format!("{lost} records could not be written to the archive"),
            )),
            _ => Err(Error::new(
                ErrorKind::Internal,
                "the archive's thread panicked",
            )),
        }
    }
}
